"""A question to the catalogue as SQL: what to match, and in which parts its answer is walked.

Nothing that a person types becomes part of the SQL or of the index's query syntax: words hold
letters and digits only and are quoted, everything else is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from tui_hub.database.values import plain
from tui_hub.database.words import facet_word, typed_words
from tui_hub.domain.catalogue import Search, Sort
from tui_hub.domain.errors import UsageError

_KEYS = {
    Sort.LIKES: "likes",
    Sort.TRENDING: "trending",
    Sort.UPDATED: "last_modified",
    Sort.SIZE: "size",
    Sort.PARAMS: "params",
}
_NOTHING: dict[str, str | int] = {"last_modified": ""}
"""The value of a key that counts as none; 0 for all others."""

Key = int | float | str

_Rank = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Part = Annotated[int, msgspec.Meta(ge=0, le=2)]
_read_part = msgspec.json.Decoder(tuple[_Part, _Rank]).decode
_read_text = msgspec.json.Decoder(tuple[str, _Rank]).decode
_read_number = msgspec.json.Decoder(tuple[_Rank | float, _Rank]).decode


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: its sort key, or the part of the answer it stood in, and its rank."""

    key: Key
    rank: int

    def __str__(self) -> str:
        return msgspec.json.encode((self.key, self.rank)).decode()

    @classmethod
    def parse(cls, text: str | None, sort: Sort) -> Cursor | None:
        """Read the `after` of a page in this order.

        Raises:
            UsageError: when it is none.
        """
        if text is None:
            return None
        try:
            if sort is Sort.DOWNLOADS:
                return cls(*_read_part(text))
            if sort in (Sort.NAME, Sort.UPDATED):
                return cls(*_read_text(text))
            return cls(*_read_number(text))
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            raise UsageError("this is not the key of a page") from None


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of an answer that a single query walks."""

    where: str
    arguments: tuple[object, ...] = ()
    order: str = "models.rank"
    key: str = "0"
    """The SQL of a row's sort key, for the cursor."""


class Question:
    """A search, made ready for SQL."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.words = typed_words(search.text)
        self._text = plain(search.text.strip()) if self.words else ""
        self.unanswerable = bool(search.text.strip()) and not self.words
        """Whether something is asked for that no model can have, `---` for example."""

    def expression(self) -> str | None:
        """What the index has to match, or nothing where it cannot narrow the answer."""
        wanted = [f'"{word}"*' for word in self.words]
        for facet, values in self._facets():
            wanted.append("(" + " OR ".join(_quoted(facet, value) for value in values) + ")")
        if not wanted:
            return None
        unwanted = self._unwanted()
        matched = " AND ".join(wanted)
        return f"({matched}) NOT ({' OR '.join(unwanted)})" if unwanted else matched

    def conditions(self) -> tuple[str, tuple[object, ...]]:
        """The facets as conditions on columns, where the index is not asked."""
        search = self.search
        parts = ["1"] if search.removed else ["models.removed = 0"]
        arguments: list[object] = []
        for column, values in (
            ("type", search.types),
            ("source", search.sources),
            ("task", search.tasks),
            ("library", search.libraries),
            ("license", search.licenses),
        ):
            if values:
                parts.append(f"models.{column} IN ({', '.join('?' * len(values))})")
                arguments += [plain(value) for value in values]
        if search.installed is not None:
            no = "" if search.installed else "NOT "
            parts.append(f"models.status {no}IN ('installed', 'active')")
        if search.gated is not None:
            parts.append(f"models.gated IS {'NOT ' if search.gated else ''}NULL")
        return " AND ".join(parts), tuple(arguments)

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
                )
            ]
        return [
            Part("models.name = ? COLLATE NOCASE", (name,)),
            Part(
                "models.author = ? COLLATE NOCASE AND models.name != ? COLLATE NOCASE", (name, name)
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

    def _unwanted(self) -> list[str]:
        search = self.search
        flags = (
            ("installed", search.installed is False),
            ("gated", search.gated is False),
            ("removed", not search.removed),
        )
        return [_quoted(facet, "yes") for facet, flag in flags if flag]

    def _facets(self) -> list[tuple[str, tuple[str, ...]]]:
        search = self.search
        facets = [
            ("type", tuple(map(str, search.types))),
            ("source", search.sources),
            ("task", search.tasks),
            ("library", search.libraries),
            ("license", search.licenses),
            ("installed", ("yes",) if search.installed else ()),
            ("gated", ("yes",) if search.gated else ()),
        ]
        return [(facet, values) for facet, values in facets if values]


def sorted_part(sort: Sort, cursor: Cursor | None) -> Part:
    """All hits of the index in the order of a column: they have to be sorted."""
    if sort is Sort.NAME:
        column, after, direction = "models.name COLLATE NOCASE", ">", ""
    else:
        name = _KEYS[sort]
        nothing = _NOTHING.get(name, 0)
        column, after, direction = f"coalesce(models.{name}, {nothing!r})", "<", " DESC"
    order = f"{column}{direction}, models.rank"
    if cursor is None:
        return Part("1", (), order, column)
    where = f"({column} {after} ? OR ({column} = ? AND models.rank > ?))"
    return Part(where, (cursor.key, cursor.key, cursor.rank), order, column)


def walked_parts(sort: Sort, cursor: Cursor | None) -> list[Part]:
    """The whole catalogue in the order of a column, along that column's index.

    The indexes leave out the rows without a value, which follow by rank.
    """
    if sort is Sort.DOWNLOADS:
        return [_by_rank("1", cursor)]
    if sort is Sort.NAME:
        return _walked("models.name COLLATE NOCASE", ">", "", "1", cursor)
    column = f"models.{_KEYS[sort]}"
    nothing = _NOTHING.get(_KEYS[sort], 0)
    some = f"{column} > {nothing!r}"
    none = f"({column} IS NULL OR {column} <= {nothing!r})"
    if cursor is not None and cursor.key == nothing:
        return [_by_rank(none, cursor, repr(nothing))]
    return [
        *_walked(column, "<", " DESC", some, cursor),
        _by_rank(none, None, repr(nothing)),
    ]


def _walked(
    column: str, after: str, direction: str, some: str, cursor: Cursor | None
) -> list[Part]:
    order = f"{column}{direction}, models.rank"
    if cursor is None:
        return [Part(some, (), order, column)]
    return [
        Part(
            f"{some} AND {column} = ? AND models.rank > ?",
            (cursor.key, cursor.rank),
            "models.rank",
            column,
        ),
        Part(f"{some} AND {column} {after} ?", (cursor.key,), order, column),
    ]


def _by_rank(where: str, cursor: Cursor | None, key: str = "0") -> Part:
    if cursor is None:
        return Part(where, key=key)
    return Part(f"{where} AND models.rank > ?", (cursor.rank,), key=key)


def _quoted(facet: str, value: str) -> str:
    return f'"{facet_word(facet, value)}"'
