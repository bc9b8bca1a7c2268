"""The key of a page far down an answer, whose pages before it nobody has read."""

# ruff: noqa: S608 - what is put into the SQL are this package's own constants

from __future__ import annotations

from collections.abc import Iterator

from tui_hub.database.connection import Database
from tui_hub.database.matches import IS_HIT, MATCHED
from tui_hub.database.questions import Question
from tui_hub.database.walks import Cursor, Part, walked_parts
from tui_hub.domain.catalogue import Search, Sort

_Stretch = tuple[str, str, tuple[object, ...], Part]
"""Where a part of an answer is read from, its conditions with their arguments, and its order."""


async def find_key(database: Database, search: Search, row: int) -> str | None:
    """The `after` of the page that begins with a row, counted from 0, which must not be the first.

    All before the row is passed over, some millions of rows a second: this is for a jump that a
    person makes, never for the next page. `None` where the answer ends before the row.
    """
    question = Question(search)
    if question.unanswerable:
        return None
    passed = row - 1
    for source, where, arguments, part in _stretches(question):
        found = await database.read(
            f"SELECT {part.key}, models.rank FROM {source} WHERE {where}"
            f" ORDER BY {part.order} LIMIT 1 OFFSET ?",
            (*arguments, passed),
        )
        if found:
            return str(Cursor(*found[0]))
        rows = await database.read(f"SELECT count(*) FROM {source} WHERE {where}", arguments)
        passed -= int(rows[0][0])
    return None


def _stretches(question: Question) -> Iterator[_Stretch]:
    """The parts of an answer, in the order in which its pages walk them."""
    if question.search.sort is not Sort.DOWNLOADS:
        expression = None if question.counted_by_set else question.expression()
        for part in walked_parts(question.search.sort, None):
            yield _stretch(question, part, expression, IS_HIT)
        return
    for number, part in enumerate([*question.exact(), question.others()]):
        named = Part(part.where, part.arguments, part.order, str(number))
        yield _stretch(question, named, question.expression(part.mark), None)


def _stretch(question: Question, part: Part, expression: str | None, hit: str | None) -> _Stretch:
    """One part, narrowed by the index: in the index's own order, or checked row by row."""
    if expression is None:
        where, arguments = question.conditions()
        return "models", f"{part.where} AND {where}", (*part.arguments, *arguments), part
    measure = question.measure()
    matched = hit or "search MATCH ?"
    return (
        "models" if hit else MATCHED,
        f"{matched} AND {part.where} AND {measure.where}",
        (expression, *part.arguments, *measure.arguments),
        part,
    )
