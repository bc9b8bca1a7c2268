"""The schema of `catalogue.db`, as the migrations that made it.

A model's row is `rank`: its place by downloads in coarse steps, and within a step by arrival. The
search index uses the same numbers, so that it hands out its hits best first and may stop early. It
keeps beginnings of words of every length that people type, each with its hits in order: a beginning
of another length would have to be collected whole before its first hit comes out. Words cut short
would make it a quarter smaller, but each hit would have to be checked: a million of them for a rare
word that begins as a common one does.

`facet_rows` names for each row its set of facets, of which there are few: counting the facets of
many hits reads this narrow table alone, and counting those of all rows reads the sets.
"""

from __future__ import annotations

from math import log2

from tui_hub.database.connection import Transaction

_STEPS = 8
"""Steps to a doubling of downloads: daily counters move a row only now and then."""
_LAST_STEP = 64 * _STEPS
_STEP_BITS = 32

_FIRST = (
    """CREATE TABLE models (
        rank INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        source TEXT NOT NULL,
        name TEXT NOT NULL,
        author TEXT,
        type TEXT NOT NULL,
        task TEXT,
        library TEXT,
        license TEXT,
        gated TEXT,
        status TEXT NOT NULL,
        removed INTEGER NOT NULL,
        downloads INTEGER NOT NULL,
        likes INTEGER NOT NULL,
        trending REAL NOT NULL,
        params INTEGER,
        size INTEGER,
        last_modified TEXT,
        created_at TEXT,
        revision TEXT,
        fit TEXT NOT NULL,
        deprecated INTEGER NOT NULL,
        origin TEXT NOT NULL,
        owner TEXT NOT NULL,
        upstream_id TEXT,
        listed_type TEXT NOT NULL,
        curated INTEGER NOT NULL,
        tags TEXT NOT NULL,
        description TEXT,
        facts TEXT NOT NULL
    )""",
    "CREATE UNIQUE INDEX models_by_id ON models (id)",
    "CREATE INDEX models_by_name ON models (name COLLATE NOCASE)",
    "CREATE INDEX models_by_author ON models (author COLLATE NOCASE)",
    "CREATE INDEX models_by_upstream ON models (upstream_id) WHERE upstream_id IS NOT NULL",
    "CREATE INDEX models_by_update ON models (last_modified DESC) WHERE last_modified > ''",
    "CREATE INDEX models_by_likes ON models (likes DESC) WHERE likes > 0",
    "CREATE INDEX models_by_trending ON models (trending DESC) WHERE trending > 0",
    "CREATE INDEX models_by_size ON models (size DESC) WHERE size > 0",
    "CREATE INDEX models_by_params ON models (params DESC) WHERE params > 0",
    """CREATE VIRTUAL TABLE search USING fts5(
        words, content='', detail=none, columnsize=0, tokenize='ascii',
        prefix='1 2 3 4 5 6 7 8 9 10 11 12 13 14'
    )""",
    """CREATE TABLE facet_sets (
        number INTEGER PRIMARY KEY,
        facets TEXT NOT NULL UNIQUE,
        listed INTEGER NOT NULL,
        removed INTEGER NOT NULL
    )""",
    """CREATE TABLE facet_rows (
        rank INTEGER PRIMARY KEY, facet_set INTEGER NOT NULL
    )""",
    """CREATE TABLE local (
        id TEXT PRIMARY KEY, status TEXT, type TEXT
    ) WITHOUT ROWID""",
    """CREATE TABLE renames (
        old TEXT PRIMARY KEY, new TEXT NOT NULL, at TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE feeds (
        feed TEXT PRIMARY KEY,
        state TEXT NOT NULL,
        last_sync TEXT,
        last_success TEXT,
        next_run TEXT,
        retries INTEGER NOT NULL,
        error TEXT,
        counts TEXT NOT NULL,
        requests INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        seconds REAL NOT NULL,
        cursor TEXT,
        watermark TEXT
    ) WITHOUT ROWID""",
    "CREATE TABLE properties (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "INSERT INTO properties VALUES ('arrivals', 0), ('words', '')",
)


async def first(transaction: Transaction) -> None:
    """Models, their search index and facet counts, what this box has of them, and feeds."""
    for statement in _FIRST:
        await transaction.execute(statement)


_CHANGES = (
    """CREATE TABLE changes (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        model TEXT NOT NULL,
        kind TEXT NOT NULL,
        before TEXT,
        after TEXT,
        what TEXT NOT NULL
    )""",
    "CREATE INDEX changes_by_model ON changes (model)",
    """CREATE TABLE sightings (
        feed TEXT, model INTEGER, PRIMARY KEY (feed, model)
    ) WITHOUT ROWID""",
    """CREATE TABLE missing (
        feed TEXT, model TEXT, tries INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (feed, model)
    ) WITHOUT ROWID""",
    "ALTER TABLE feeds ADD COLUMN walk TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE feeds ADD COLUMN quota TEXT",
    # What a walk saw last is not known of walks that noted less.
    "UPDATE feeds SET cursor = NULL",
)


async def changes(transaction: Transaction) -> None:
    """The feed of changes; what a full walk of a feed has seen, and what it has missed."""
    for statement in _CHANGES:
        await transaction.execute(statement)


ORDERS = {
    "models_by_name": "models (name COLLATE NOCASE)",
    "models_by_update": "models (last_modified DESC) WHERE last_modified > ''",
    "models_by_likes": "models (likes DESC) WHERE likes > 0",
    "models_by_trending": "models (trending DESC) WHERE trending > 0",
    "models_by_size": "models (size DESC) WHERE size > 0",
    "models_by_params": "models (params DESC) WHERE params > 0",
}
"""The indexes that only orders of a listing walk; see `orders`."""

_FINDING = (
    "DROP INDEX models_by_author",
    "DROP TABLE search",
    """CREATE VIRTUAL TABLE search USING fts5(
        words, marks, content='', detail=none, columnsize=0, tokenize='ascii',
        prefix='1 2 3 4 5 6 7 8 9 10 11 12 13 14'
    )""",
    "UPDATE properties SET value = '' WHERE name = 'words'",
    # More of the small parts that transactions leave are merged at once: each row less often.
    "INSERT INTO search (search, rank) VALUES ('automerge', 8)",
    "ALTER TABLE models ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE local ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0",
)


async def finding(transaction: Transaction) -> None:
    """What the user starred, as a facet; authors are found by the search index."""
    for statement in _FINDING:
        await transaction.execute(statement)


MIGRATIONS = (first, changes, finding)


def step(downloads: int) -> int:
    """The step of a number of downloads, counted from the most popular."""
    return _LAST_STEP - round(_STEPS * log2(downloads + 1))


def rank(downloads: int, arrival: int) -> int:
    """The row number of a model."""
    return step(downloads) << _STEP_BITS | arrival


def step_of(rank: int) -> int:
    """The step that a row number carries."""
    return rank >> _STEP_BITS
