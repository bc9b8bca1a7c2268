"""Answers to questions: pages, counts and facets."""

# ruff: noqa: S608 - what is put into the SQL are this package's own constants

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tui_hub.database.connection import Database, Row
from tui_hub.database.model_rows import COLUMNS, model
from tui_hub.database.questions import (
    PREFIX,
    Cursor,
    Key,
    Part,
    Question,
    sorted_part,
    walked_parts,
)
from tui_hub.database.words import answers, model_words
from tui_hub.domain.catalogue import FacetCount, Facets, Page, Search, Sort
from tui_hub.domain.models import Model

_MOST_ROWS = 1000
_FEW = 5000
"""Hits that are sorted sooner than a whole column's index is walked for them."""
_LOOKAHEAD = 3
"""Rows looked at for each that is wanted, before a long word is asked of the index in full."""
_ALL = ", ".join(f"models.{name}" for name in COLUMNS.split(", "))
_MATCHED = "search CROSS JOIN models ON models.rank = search.rowid"
_FACET_COLUMNS = {
    "type": "models.type",
    "source": "models.source",
    "task": "models.task",
    "library": "models.library",
    "license": "models.license",
    "installed": "iif(models.status IN ('installed', 'active'), 'yes', 'no')",
    "gated": "iif(models.gated IS NULL, 'no', 'yes')",
}

Hit = tuple[Key, int, Model]
"""A row's sort key, its rank and its model."""


async def find_page(database: Database, search: Search, limit: int, after: str | None) -> Page:
    """The next models of an answer, `limit` of them or as many as one page may hold."""
    limit = min(max(limit, 1), _MOST_ROWS)
    question, cursor = Question(search), Cursor.parse(after)
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
    question = Question(search)
    expression = question.expression()
    if expression is not None:
        return await _count_matches(database, expression, cap)
    if search.removed:
        total = (await database.read("SELECT count(*) FROM models"))[0][0]
    else:
        total = (await database.read("SELECT sum(count) FROM facets WHERE facet = 'source'"))[0][0]
    complement = question.complement()
    if complement is not None:
        total -= await _count_matches(database, complement, None)
    return min(total or 0, cap) if cap is not None else total or 0


async def read_facets(database: Database, search: Search) -> Facets:
    """How many models of the answer carry each value of each facet."""
    question = Question(search)
    expression = question.expression()
    counts: Mapping[tuple[str, str], int]
    if expression is None and question.complement() is None and not search.removed:
        rows = await database.read("SELECT facet, value, count FROM facets WHERE count > 0")
        counts = {(facet, value): number for facet, value, number in rows}
    else:
        counts = await _count_facets(database, question, expression)
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    return Facets(
        total=sum(number for (facet, _), number in ordered if facet == "source"),
        counts=tuple(
            FacetCount(facet=facet, value=value, count=number) for (facet, value), number in ordered
        ),
    )


async def _by_downloads(
    database: Database, question: Question, cursor: Cursor | None, wanted: int
) -> list[Hit]:
    """The order of the index itself, after the models of exactly the name or author typed."""
    exact = question.exact()
    hits: list[Hit] = []
    begun, last = (int(cursor.key), cursor.rank) if cursor is not None else (0, -1)
    for number, part in enumerate([*exact, question.others()]):
        if number < begun:
            continue
        rank = last if number == begun else -1
        missing = wanted - len(hits)
        if number < len(exact) or question.expression() is None:
            found = await _walk(database, question, _beyond(part, rank), missing)
        else:
            found = await _match(database, question, part, rank, missing)
        hits += [(number, *hit[1:]) for hit in found]
        if len(hits) >= wanted:
            break
    return hits


async def _by_column(
    database: Database, question: Question, cursor: Cursor | None, wanted: int
) -> list[Hit]:
    """The order of a column: along its index, or by sorting the hits where that is less work."""
    sort = question.search.sort
    expression = question.expression()
    if expression is not None and (
        question.words or await _count_matches(database, expression, _FEW) < _FEW
    ):
        part = sorted_part(sort, cursor)
        return await _sort(database, expression, part, wanted)
    hits: list[Hit] = []
    for part in walked_parts(sort, cursor):
        hits += await _walk(database, question, part, wanted - len(hits))
        if len(hits) >= wanted:
            break
    return hits


async def _match(
    database: Database, question: Question, part: Part, rank: int, wanted: int
) -> list[Hit]:
    """Hits of the index in its own order.

    Beginnings of up to `PREFIX` letters are walked lazily, so longer words are first asked for by
    theirs and then looked for in the rows. Where that finds too little, they are rare, and the
    index is asked for the whole words, whose hits it collects before the first comes out.
    """
    long = tuple(word for word in question.words if len(word) > PREFIX)
    count = wanted * _LOOKAHEAD if long else wanted
    rows = await _matches(database, question.expression(cut=True), part, rank, count)
    hits = [hit for hit in rows if not long or answers(model_words(hit[2]), long)][:wanted]
    if len(hits) < wanted and len(rows) == count and long:
        rest = wanted - len(hits)
        hits += await _matches(database, question.expression(), part, rows[-1][1], rest)
    return hits


async def _matches(
    database: Database, expression: str | None, part: Part, rank: int, wanted: int
) -> list[Hit]:
    rows = await database.read(
        f"SELECT 0, models.rank, {_ALL} FROM {_MATCHED} WHERE search MATCH ? AND search.rowid > ?"
        f" AND {part.where} ORDER BY search.rowid LIMIT ?",
        (expression, rank, *part.arguments, wanted),
    )
    return [_hit(row) for row in rows]


async def _sort(database: Database, expression: str, part: Part, wanted: int) -> list[Hit]:
    """Hits of the index in the order of a column; only the rows that are shown are read whole."""
    rows = await database.read(
        f"WITH hits AS MATERIALIZED (SELECT {part.key} AS key, models.rank AS rank FROM {_MATCHED}"
        f" WHERE search MATCH ? AND {part.where} ORDER BY {part.order} LIMIT ?)"
        f" SELECT hits.key, hits.rank, {_ALL} FROM hits CROSS JOIN models USING (rank)",
        (expression, *part.arguments, wanted),
    )
    return [_hit(row) for row in rows]


async def _walk(database: Database, question: Question, part: Part, wanted: int) -> list[Hit]:
    """Rows in the order of the part, the facets checked on each."""
    where, arguments = question.conditions()
    rows = await database.read(
        f"SELECT {part.key}, models.rank, {_ALL} FROM models"
        f" WHERE {part.where} AND {where} ORDER BY {part.order} LIMIT ?",
        (*part.arguments, *arguments, wanted),
    )
    return [_hit(row) for row in rows]


def _beyond(part: Part, rank: int) -> Part:
    return Part(f"{part.where} AND models.rank > ?", (*part.arguments, rank))


async def _count_matches(database: Database, expression: str, cap: int | None) -> int:
    hits = "SELECT 1 FROM search WHERE search MATCH ? LIMIT ?"
    rows = await database.read(
        f"SELECT count(*) FROM ({hits})", (expression, -1 if cap is None else cap)
    )
    return int(rows[0][0])


async def _count_facets(
    database: Database, question: Question, expression: str | None
) -> Counter[tuple[str, str]]:
    where, arguments = question.conditions()
    table = "models"
    if expression is not None:
        table, where, arguments = _MATCHED, "search MATCH ?", (expression,)
    columns = ", ".join(_FACET_COLUMNS.values())
    numbers = ", ".join(map(str, range(1, len(_FACET_COLUMNS) + 1)))
    counts: Counter[tuple[str, str]] = Counter()
    for *values, number in await database.read(
        f"SELECT {columns}, count(*) FROM {table} WHERE {where} GROUP BY {numbers}", arguments
    ):
        for facet, value in zip(_FACET_COLUMNS, values, strict=True):
            if value is not None:
                counts[facet, value] += number
    return counts


def _hit(row: Row) -> Hit:
    return row[0], row[1], model(row[2:])
