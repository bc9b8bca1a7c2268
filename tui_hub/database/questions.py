"""A question to the catalogue as SQL: what the index has to match, and what each row.

Nothing that a person types becomes part of the SQL or of the index's query syntax: words hold
letters and digits only and are quoted, everything else is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from tui_hub.database.values import plain, whole
from tui_hub.database.walks import Part
from tui_hub.database.words import (
    TypedWord,
    author_word,
    facet_word,
    name_word,
    typed_words,
)
from tui_hub.domain.catalogue import NEW_DAYS, SIZES, Search
from tui_hub.domain.stored_need import classes_within, most_weights

_LARGEST = 2**63 - 1
_NOTHING = '"\ue000"'
"""A word that the index never has."""


class Question:
    """A search, made ready for SQL."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.words = typed_words(search.text)
        self._text = plain(search.text.strip()) if self.words else ""
        self._days = _last_days() if search.new else ()
        self._least = whole(search.min_size or 1)
        self._most = _LARGEST if search.max_size is None else whole(search.max_size)
        self.measured = search.min_size is not None or search.max_size is not None
        """Whether sizes are asked for by the byte, which the index does not know."""
        self._needs = () if search.memory is None else classes_within(search.memory)
        self.unanswerable = (
            (bool(search.text.strip()) and not self.words)
            or (self.measured and self._least > self._most)
            or (search.memory is not None and not self._needs)
        )
        """Whether something is asked for that no model can have, `---` for example."""
        self.counted_by_set = not (self.words or self._days or self.measured)
        """Whether the sets of facets alone say how many models answer."""
        self.terms = [*map(_matching, self.words), *self._facet_terms()]
        """What the index has to find, every one of them."""

    def arrange(self, depths: Iterable[int]) -> None:
        """Let the index look for rare terms first, for common ones only where it found those.

        Args:
            depths: for each of `terms`, a number that is the larger the rarer it is.
        """
        pairs = zip(depths, self.terms, strict=True)
        self.terms = [term for _, term in sorted(pairs, key=itemgetter(0), reverse=True)]

    def expression(self, mark: str | None = None) -> str | None:
        """What the index has to match, or nothing where it cannot narrow the answer.

        Args:
            mark: a word to match in place of those that were typed.
        """
        terms = [f'"{mark}"', *self._facet_terms()] if mark else self.terms
        if not terms:
            return None
        unwanted = [_quoted(facet, "yes") for facet, flag in self._flags() if flag is False]
        matched = f"({terms[0]} NOT ({' OR '.join(unwanted or [_NOTHING])}))"
        # The index takes ANDs apart and goes through all terms side by side, each to its end; what
        # stands behind a NOT stays together, and is gone through before the term beside it.
        for term in terms[1:]:
            matched = f"(({matched} AND {term}) NOT {_NOTHING})"
        return matched

    def conditions(self) -> tuple[str, tuple[object, ...]]:
        """The facets as conditions on columns, where the index is not asked."""
        search = self.search
        parts = ["1"] if search.removed else ["models.removed = 0"]
        arguments: list[object] = []
        for column, values in (
            ("models.type", search.types),
            ("models.source", search.sources),
            ("models.task", search.tasks),
            ("models.library", search.libraries),
            ("models.license", search.licenses),
            ("substr(models.created_at, 1, 10)", self._days),
        ):
            if values:
                parts.append(f"{column} IN ({', '.join('?' * len(values))})")
                arguments += [plain(value) for value in values]
        for condition, flag in (
            ("models.status IN ('installed', 'active')", search.installed),
            ("models.gated IS NOT NULL", search.gated),
            ("models.deprecated", search.deprecated),
            ("models.favourite", search.favourite),
        ):
            if flag is not None:
                parts.append(condition if flag else f"NOT {condition}")
        if search.sizes:
            bounds = [_BOUNDS.get(name, (0, 0)) for name in search.sizes]
            parts.append(
                "(" + " OR ".join(["models.size >= ? AND models.size < ?"] * len(bounds)) + ")"
            )
            arguments += [bound for pair in bounds for bound in pair]
        if search.memory is not None:
            parts.append(f"{_WEIGHTS} BETWEEN 1 AND ?")
            arguments.append(whole(most_weights(search.memory)))
        measure = self.measure()
        return f"{' AND '.join(parts)} AND {measure.where}", (*arguments, *measure.arguments)

    def measure(self) -> Part:
        """What of the question has to be asked of each row that the index finds."""
        if not self.measured:
            return Part("1")
        return Part("models.size BETWEEN ? AND ?", (self._least, self._most))

    def exact(self) -> list[Part]:
        """The models of exactly this name, then those of exactly this author."""
        if not self._text:
            return []
        author, slash, name = self._text.rpartition("/")
        author = author.rpartition(":")[2]
        if slash:
            return [
                Part(
                    "models.name = ? COLLATE NOCASE AND models.author = ? COLLATE NOCASE",
                    (name, author),
                    mark=name_word(name),
                )
            ]
        return [
            Part("models.name = ? COLLATE NOCASE", (name,), mark=name_word(name)),
            Part(
                "models.author = ? COLLATE NOCASE AND models.name != ? COLLATE NOCASE",
                (name, name),
                mark=author_word(name),
            ),
        ]

    def others(self) -> Part:
        """All that is not `exact`."""
        exact = self.exact()
        if not exact:
            return Part("1")
        first = exact[0]
        if len(exact) == 1:
            return Part(f"NOT ({first.where} AND models.author IS NOT NULL)", first.arguments)
        (name,) = first.arguments
        return Part(
            "models.name != ? COLLATE NOCASE"
            " AND (models.author IS NULL OR models.author != ? COLLATE NOCASE)",
            (name, name),
        )

    def _facet_terms(self) -> list[str]:
        return [
            "(" + " OR ".join(_quoted(facet, value) for value in values) + ")"
            for facet, values in self._facets()
        ]

    def _facets(self) -> list[tuple[str, Sequence[str]]]:
        search = self.search
        facets: list[tuple[str, Sequence[str]]] = [
            ("type", tuple(map(str, search.types))),
            ("source", search.sources),
            ("task", search.tasks),
            ("library", search.libraries),
            ("license", search.licenses),
            ("size", search.sizes),
            ("size", self._classes() if self.measured else ()),
            ("need", self._needs),
            ("made", self._days),
        ]
        facets += [(facet, ("yes",)) for facet, flag in self._flags() if flag]
        return [(facet, values) for facet, values in facets if values]

    def _flags(self) -> tuple[tuple[str, bool | None], ...]:
        search = self.search
        return (
            ("installed", search.installed),
            ("gated", search.gated),
            ("deprecated", search.deprecated),
            ("favourite", search.favourite),
            ("removed", None if search.removed else False),
        )

    def _classes(self) -> list[str]:
        """The classes of size that hold what is asked for."""
        return [
            name
            for name, (begin, end) in _BOUNDS.items()
            if begin <= self._most and self._least < end
        ]


_WEIGHTS = (
    "min(coalesce(nullif(2 * models.params, 0), nullif(models.size, 0), 0),"
    " coalesce(nullif(models.size, 0), nullif(2 * models.params, 0), 0))"
)
"""Bytes of a model's weights as `stored_need` has them; 0 where they are not known."""

_BOUNDS = {
    name: (begin, min(end, _LARGEST))
    for (name, end), begin in zip(SIZES, (1, *(end for _, end in SIZES)), strict=False)
}
"""The first size of each class, and the first one beyond it."""


def _last_days() -> tuple[str, ...]:
    """The days on which a new model was made; another clock may be ahead of ours."""
    today = datetime.now(UTC).date()
    return tuple(str(today - timedelta(days=back)) for back in range(-1, NEW_DAYS + 1))


def _matching(word: TypedWord) -> str:
    return f'"{word.text}"' if word.whole else f'"{word.text}"*'


def _quoted(facet: str, value: str) -> str:
    return f'"{facet_word(facet, value)}"'
