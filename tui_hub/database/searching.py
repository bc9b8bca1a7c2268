"""Answers to questions: pages, counts and facets."""

# ruff: noqa: S608 - what is put into the SQL are this package's own constants

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from tui_hub.database.connection import Database, Row
from tui_hub.database.facets import FacetSet, count_facets, decode, is_wanted
from tui_hub.database.model_rows import COLUMNS, model
from tui_hub.database.questions import Question
from tui_hub.database.walks import Cursor, Key, Part, sorted_part, walked_parts
from tui_hub.domain.catalogue import FacetCount, Facets, Page, Search, Sort
from tui_hub.domain.models import Model

_MOST_ROWS = 1000
_FEW = 5000
"""Hits that are sorted sooner than a whole column's index is walked for them."""
_IS_HIT = "+models.rank IN (SELECT rowid FROM search WHERE search MATCH ?)"
"""Asked of rows that come along another index, which the plus leaves to be walked."""
_ALL = ", ".join(f"models.{name}" for name in COLUMNS.split(", "))
_SURROGATES, _SURROGATE_COUNT = 0xD800, 0x800
_BIT = 50_000
_SAMPLE = 200
"""Hits of a term after which it is known how common it is: it takes some ten microseconds."""
_NOWHERE = 2**63
_MATCHED = "search CROSS JOIN models ON models.rank = search.rowid"

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


async def count_hits(database: Database, search: Search, cap: int | None) -> int:
    """How many models answer, counted to `cap` at most."""
    question = await asked(database, search)
    if question.unanswerable:
        return 0
    if not question.counted_by_set:
        return await _count_matches(database, question, cap)
    total = sum(number for _, number in await _wanted_sets(database, search))
    return total if cap is None else min(total, cap)


async def read_facets(database: Database, search: Search) -> Facets:
    """How many models of the answer carry each value of each facet."""
    question = Question(search)
    if question.unanswerable:
        return Facets(total=0, counts=())
    sets = await (_wanted_sets if question.counted_by_set else _found_sets)(database, search)
    facets = await asyncio.to_thread(count_facets, sets)
    new = (
        facets.total if search.new else await count_hits(database, replace(search, new=True), None)
    )
    made = (FacetCount(facet="new", value="yes", count=new),) if new else ()
    return replace(facets, counts=(*facets.counts, *made))


async def asked(database: Database, search: Search) -> Question:
    """A question, its terms in the order of how soon each one's first hits come: rare ones last.

    A common term has hits among the most popular models, a rare one far down or not at all.
    """
    question = Question(search)
    if not question.unanswerable and len(question.terms) > 1:
        rows = await database.read(
            "SELECT (SELECT rowid FROM search WHERE search MATCH value ORDER BY rowid"
            " LIMIT 1 OFFSET ?) FROM json_each(?)",
            (_SAMPLE, json.dumps(question.terms)),
        )
        question.arrange(_NOWHERE if row[0] is None else row[0] for row in rows)
    return question


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
    if expression is not None and await _count_matches(database, question, _FEW) < _FEW:
        part = _both(sorted_part(sort, cursor), question.measure())
        return await _sort(database, expression, part, wanted)
    selects = []
    for part in walked_parts(sort, cursor):
        if expression is None or question.counted_by_set:
            selects.append(_walk(question, part))
        else:
            hits = _both(part, Part(_IS_HIT, (expression,)))
            selects.append(_read(_both(hits, question.measure())))
    return await _first(database, selects, wanted)


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
        f"SELECT {number}, models.rank, {_ALL} FROM {_MATCHED} WHERE search MATCH ?"
        f" AND search.rowid > ? AND {part.where} ORDER BY search.rowid",
        (expression, rank, *part.arguments),
    )


async def _sort(database: Database, expression: str, part: Part, wanted: int) -> list[Hit]:
    """Hits of the index in the order of a column; only the rows that are shown are read whole."""
    rows = await database.read(
        f"WITH hits AS MATERIALIZED (SELECT {part.key} AS key, models.rank AS rank FROM {_MATCHED}"
        f" WHERE search MATCH ? AND {part.where} ORDER BY {part.order} LIMIT ?)"
        f" SELECT hits.key, hits.rank, {_ALL} FROM hits CROSS JOIN models USING (rank)",
        (expression, *part.arguments, wanted),
    )
    return [_hit(row) for row in rows]


def _walk(question: Question, part: Part) -> Select:
    """Rows in the order of the part, the facets checked on each."""
    return _read(_both(part, Part(*question.conditions())))


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


async def _count_matches(database: Database, question: Question, cap: int | None) -> int:
    measure = question.measure()
    source = _MATCHED if question.measured else "search"
    hits = f"SELECT 1 FROM {source} WHERE search MATCH ? AND {measure.where} LIMIT ?"
    rows = await database.read(
        f"SELECT count(*) FROM ({hits})",
        (question.expression(), *measure.arguments, -1 if cap is None else cap),
    )
    return int(rows[0][0])


async def _found_sets(database: Database, search: Search) -> list[tuple[FacetSet, int]]:
    """The sets of facets of all hits, and how many hits each has."""
    question = await asked(database, search)
    measure = question.measure()
    source = _MATCHED if question.measured else "search"
    # One character for each hit: counting these takes a third of the time that GROUP BY does.
    rows = await database.read(
        f"SELECT group_concat({_character('facet_set')}, '') FROM {source}"
        " CROSS JOIN facet_rows ON facet_rows.rank = search.rowid"
        f" WHERE search MATCH ? AND {measure.where}",
        (question.expression(), *measure.arguments),
    )
    hits = await asyncio.to_thread(_count_characters, rows[0][0] or "")
    sets = await database.read(
        f"SELECT {_character('number')}, facets FROM facet_sets"
        " WHERE number IN (SELECT value FROM json_each(?))",
        (json.dumps([_set_number(character) for character in hits]),),
    )
    return await asyncio.to_thread(lambda: [(decode(row[1]), hits[row[0]]) for row in sets])


def _count_characters(text: str) -> Counter[str]:
    """How often each occurs, counted bit by bit: other threads wait while one bit is counted."""
    counts: Counter[str] = Counter()
    for start in range(0, len(text), _BIT):
        counts.update(text[start : start + _BIT])
    return counts


def _character(number: str) -> str:
    """The SQL of the character for a number; codes that are no characters are left out."""
    return f"char({number} + iif({number} < {_SURROGATES}, 0, {_SURROGATE_COUNT}))"


def _set_number(character: str) -> int:
    code = ord(character)
    return code if code < _SURROGATES else code - _SURROGATE_COUNT


async def _wanted_sets(database: Database, search: Search) -> list[tuple[FacetSet, int]]:
    """The sets of facets that a question without words takes in, and how many models each has."""
    rows = await database.read(
        "SELECT facets, listed + iif(?, removed, 0) FROM facet_sets", (search.removed,)
    )
    return await asyncio.to_thread(_filter_sets, rows, search)


def _filter_sets(rows: list[Row], search: Search) -> list[tuple[FacetSet, int]]:
    sets = [(decode(text), number) for text, number in rows if number]
    return [(facets, number) for facets, number in sets if is_wanted(facets, search)]


def _hit(row: Row) -> Hit:
    return row[0], row[1], model(row[2:])
