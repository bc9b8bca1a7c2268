"""What the search index finds for a question, and how it is asked so that it reads little."""

# ruff: noqa: S608 - what is put into the SQL are this package's own constants

from __future__ import annotations

import json

from tui_hub.database.connection import Database
from tui_hub.database.questions import Question
from tui_hub.domain.catalogue import Search

MATCHED = "search CROSS JOIN models ON models.rank = search.rowid"
IS_HIT = "+models.rank IN (SELECT rowid FROM search WHERE search MATCH ?)"
"""Asked of rows that come along another index, which the plus leaves to be walked."""
"""The index with the rows that it finds."""
_SAMPLE = 200
"""Hits of a term after which it is known how common it is: it takes some ten microseconds."""
_NOWHERE = 2**63


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


async def count_matches(database: Database, question: Question, cap: int | None) -> int:
    """How many hits the index has, counted to `cap` at most."""
    measure = question.measure()
    source = MATCHED if question.measured else "search"
    hits = f"SELECT 1 FROM {source} WHERE search MATCH ? AND {measure.where} LIMIT ?"
    rows = await database.read(
        f"SELECT count(*) FROM ({hits})",
        (question.expression(), *measure.arguments, -1 if cap is None else cap),
    )
    return int(rows[0][0])
