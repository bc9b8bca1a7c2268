"""Queries as a person types them: `tag:gguf author:acme; task:text-to-image`.

Words with a qualifier narrow a query, other words are searched for, and a semicolon begins another
query: a feed takes in what any of them finds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tui_hub.domain.errors import UsageError
from tui_hub.domain.feeds import Query

_WORD = re.compile(r"""\s*(?:(;)|((?:[^\s;"]|"[^"]*")+))""")
_NEEDS_QUOTES = re.compile(r'[\s;"]')
_SORT = re.compile(r"[A-Za-z0-9_]{1,40}", re.ASCII)
_LONGEST = 200
_HINT = (
    "Write tag:, task:, author:, library:, sort: or words to search for; "
    "a semicolon begins another query, quotes keep spaces together."
)
QUALIFIERS = ("tag", "task", "author", "library", "sort")
"""What may stand before a colon. Only a tag may be named more than once in a query."""


def parse_queries(text: str) -> tuple[Query, ...]:
    """The queries that a person typed; nothing typed is one that finds everything.

    Raises:
        UsageError: saying which word is wrong.
    """
    groups: list[list[str]] = [[]]
    at = 0
    while at < len(text.rstrip()):
        match = _WORD.match(text, at)
        if match is None:
            raise UsageError("a quote in the query is not closed", hint=_HINT)
        at = match.end()
        if match[1]:
            groups.append([])
        else:
            groups[-1].append(match[2])
    return tuple(_query(words) for words in groups if words) or (Query(),)


def query_text(queries: Sequence[Query]) -> str:
    """Queries as a person would type them; `parse_queries` reads them back."""
    return "; ".join(filter(None, map(_text, queries)))


def query_words(queries: Sequence[Query]) -> str:
    """What queries ask for, in words for people."""
    words = [_words(query) for query in queries]
    return "; or ".join(words) if all(words) else "everything"


def _query(words: Sequence[str]) -> Query:
    found: dict[str, list[str]] = {name: [] for name in (*QUALIFIERS, "search")}
    for word in words:
        name, colon, value = word.partition(":")
        if not colon or '"' in name:
            name, value = "search", word
        elif name not in QUALIFIERS:
            raise UsageError(f"{name[:40]!r} is no part of a query", hint=_HINT)
        value = value.replace('"', "").strip()
        if not value or not value.isprintable() or len(value) > _LONGEST:
            raise UsageError(f"{word[:40]!r} says nothing that can be asked for", hint=_HINT)
        found[name].append(value)
    for name in QUALIFIERS[1:]:
        if len(found[name]) > 1:
            raise UsageError(f"a query has one {name}: at most", hint=_HINT)
    if found["sort"] and not _SORT.fullmatch(found["sort"][0]):
        raise UsageError(f"{found['sort'][0][:40]!r} is no order", hint="For example downloads.")
    return Query(
        filter=tuple(found["tag"]),
        pipeline_tag=_only(found["task"]),
        author=_only(found["author"]),
        library=_only(found["library"]),
        search=" ".join(found["search"]) or None,
        sort=_only(found["sort"]) or Query().sort,
    )


def _only(values: Sequence[str]) -> str | None:
    return values[0] if values else None


def _text(query: Query) -> str:
    words = [f"tag:{_quoted(tag)}" for tag in query.filter]
    for name, value in _qualified(query):
        words.append(f"{name}:{_quoted(value)}")
    if query.search:
        # A colon in a word that is searched for would read as a qualifier.
        quote = _NEEDS_QUOTES.search(query.search) or ":" in query.search
        words.append(f'"{query.search}"' if quote else query.search)
    return " ".join(words)


def _qualified(query: Query) -> list[tuple[str, str]]:
    pairs = (
        ("task", query.pipeline_tag),
        ("author", query.author),
        ("library", query.library),
        ("sort", query.sort if query.sort != Query().sort else None),
    )
    return [(name, value) for name, value in pairs if value]


def _quoted(value: str) -> str:
    return f'"{value}"' if _NEEDS_QUOTES.search(value) else value


def _words(query: Query) -> str:
    parts = [f"tag {tag}" for tag in query.filter]
    parts += [query.pipeline_tag] if query.pipeline_tag else []
    parts += [f"by {query.author}"] if query.author else []
    parts += [f"library {query.library}"] if query.library else []
    parts += [f"search {query.search}"] if query.search else []
    return " and ".join(parts)
