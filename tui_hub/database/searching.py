"""Answers to questions, page by page."""

# ruff: noqa: S608 - what is put into the SQL are this package's own constants

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tui_hub.database.connection import Database, Row
from tui_hub.database.matches import IS_HIT, MATCHED, asked, count_matches
from tui_hub.database.model_rows import COLUMNS, model
from tui_hub.database.questions import Question
from tui_hub.database.walks import Cursor, Key, Part, sorted_part, walked_parts
from tui_hub.domain.catalogue import Page, Search, Sort
from tui_hub.domain.models import Model

_MOST_ROWS = 1000
_FEW = 5000
"""Hits that are sorted sooner than a whole column's index is walked for them."""
_MANY = 100_000
"""Hits of which a page is found sooner by trying rows, one by one, than by noting all hits."""
_TRIED = 2000
_ALL = ", ".join(f"models.{name}" for name in COLUMNS.split(", "))

Hit = tuple[Key, int, Model]
"""A row's sort key, its rank and its model."""
Select = tuple[str, tuple[object, ...]]
"""A statement that gives hits, without its limit, and its arguments."""


async def find_page(database: Database, search: Search, limit: int, after: str | None) -> Page:
    """The next models of an answer, `limit` of them or as many as one page may hold."""
    limit = min(max(limit, 1), _MOST_ROWS)
    cursor = Cursor.parse(after, search.sort)
    question = await asked(database, search)
    if question.unanswerable:
        return Page(models=())
    if search.sort is Sort.DOWNLOADS:
        hits = await _by_downloads(database, question, cursor, limit + 1)
    else:
        hits = await _by_column(database, question, cursor, limit + 1)
    shown = hits[:limit]
    last = str(Cursor(*shown[-1][:2])) if len(hits) > limit else None
    if search.sort is Sort.DOWNLOADS:
        shown.sort(key=lambda hit: (hit[0], -hit[2].downloads, hit[1]))
    return Page(models=tuple(hit[2] for hit in shown), after=last)


async def _by_downloads(
    database: Database, question: Question, cursor: Cursor | None, wanted: int
) -> list[Hit]:
    """The order of the index itself, after the models of exactly the name or author typed."""
    begun, last = (cursor.key, cursor.rank) if cursor is not None else (0, -1)
    selects = []
    for number, part in enumerate([*question.exact(), question.others()]):
        if number < int(begun):
            continue
        rank = last if number == begun else -1
        expression = question.expression(part.mark)
        if expression is None:
            selects.append(_walk(question, _beyond(part, rank)))
        else:
            selects.append(_match(number, expression, _both(part, question.measure()), rank))
    return await _first(database, selects, wanted)


async def _by_column(
    database: Database, question: Question, cursor: Cursor | None, wanted: int
) -> list[Hit]:
    """The order of a column: along its index, or by sorting the hits where that is less work."""
    sort = question.search.sort
    expression = question.expression()
    parts = walked_parts(sort, cursor)
    found = 0 if expression is None else await count_matches(database, question, _MANY)
    if expression is not None and found < _FEW:
        part = _both(sorted_part(sort, cursor), question.measure())
        return await _sort(database, expression, part, wanted)
    if expression is None or question.counted_by_set:
        return await _first(database, [_walk(question, part) for part in parts], wanted)
    measured = [_both(part, question.measure()) for part in parts]
    if found >= _MANY:
        hits = await _first(database, [_try(measured[0], expression)], wanted)
        if len(hits) >= wanted:
            return hits
    is_hit = Part(IS_HIT, (expression,))
    return await _first(database, [_read(_both(part, is_hit)) for part in measured], wanted)


async def _first(database: Database, selects: Iterable[Select], wanted: int) -> list[Hit]:
    """The first rows of several statements, each after the one before it.

    All as one statement: each of its own would wait for a thread and, in a sync, for its turn.
    """
    several = list(selects)
    if not several:
        return []
    sql = " UNION ALL ".join(f"SELECT * FROM ({select} LIMIT ?)" for select, _ in several)
    arguments = [value for _, values in several for value in (*values, wanted)]
    return [_hit(row) for row in await database.read(f"{sql} LIMIT ?", (*arguments, wanted))]


def _match(number: int, expression: str, part: Part, rank: int) -> Select:
    """Hits of the index in its own order, which is that of the ranks."""
    return (
        f"SELECT {number}, models.rank, {_ALL} FROM {MATCHED} WHERE search MATCH ?"
        f" AND search.rowid > ? AND {part.where} ORDER BY search.rowid",
        (expression, rank, *part.arguments),
    )


async def _sort(database: Database, expression: str, part: Part, wanted: int) -> list[Hit]:
    """Hits of the index in the order of a column; only the rows that are shown are read whole."""
    rows = await database.read(
        f"WITH hits AS MATERIALIZED (SELECT {part.key} AS key, models.rank AS rank FROM {MATCHED}"
        f" WHERE search MATCH ? AND {part.where} ORDER BY {part.order} LIMIT ?)"
        f" SELECT hits.key, hits.rank, {_ALL} FROM hits CROSS JOIN models USING (rank)",
        (expression, *part.arguments, wanted),
    )
    return [_hit(row) for row in rows]


def _walk(question: Question, part: Part) -> Select:
    """Rows in the order of the part, the facets checked on each."""
    return _read(_both(part, Part(*question.conditions())))


def _try(part: Part, expression: str) -> Select:
    """Hits among the first rows of a part: of many hits that is enough for a page."""
    rows, arguments = _read(part)
    return (
        f"SELECT * FROM ({rows} LIMIT {_TRIED}) AS tried WHERE EXISTS"
        " (SELECT 1 FROM search WHERE search MATCH ? AND search.rowid = tried.rank)",
        (*arguments, expression),
    )


def _read(part: Part) -> Select:
    return (
        f"SELECT {part.key}, models.rank, {_ALL} FROM models"
        f" WHERE {part.where} ORDER BY {part.order}",
        part.arguments,
    )


def _beyond(part: Part, rank: int) -> Part:
    return Part(f"{part.where} AND models.rank > ?", (*part.arguments, rank))


def _both(part: Part, other: Part) -> Part:
    return replace(
        part,
        where=f"{part.where} AND {other.where}",
        arguments=(*part.arguments, *other.arguments),
    )


def _hit(row: Row) -> Hit:
    return row[0], row[1], model(row[2:])
