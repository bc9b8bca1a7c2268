"""The schema of `hub.db`, as the migrations that made it."""

from __future__ import annotations

from tui_hub.database.connection import Transaction

_FIRST = (
    """CREATE TABLE jobs (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        status TEXT NOT NULL,
        payload TEXT NOT NULL,
        done INTEGER NOT NULL,
        total INTEGER,
        unit TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        error TEXT,
        created_at TEXT NOT NULL,
        started_at TEXT,
        finished_at TEXT,
        host TEXT,
        pid INTEGER,
        started REAL,
        boot TEXT,
        request TEXT
    )""",
    "CREATE INDEX jobs_by_status ON jobs (status)",
    """CREATE TABLE job_lines (
        number INTEGER PRIMARY KEY,
        job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        line TEXT NOT NULL
    )""",
    "CREATE INDEX job_lines_by_job ON job_lines (job, number)",
    """CREATE TABLE revisions (
        number INTEGER PRIMARY KEY,
        model TEXT NOT NULL,
        revision TEXT NOT NULL,
        seen_at TEXT NOT NULL,
        listed INTEGER NOT NULL,
        name TEXT,
        variant TEXT,
        UNIQUE (model, revision)
    )""",
    """CREATE TABLE artifacts (
        id TEXT PRIMARY KEY,
        model TEXT NOT NULL,
        revision TEXT NOT NULL,
        path TEXT NOT NULL,
        size INTEGER,
        sha256 TEXT,
        git_sha1 TEXT,
        md5 TEXT,
        kind TEXT NOT NULL,
        status TEXT NOT NULL,
        verified TEXT NOT NULL,
        blob TEXT,
        etag TEXT,
        job TEXT,
        error TEXT
    ) WITHOUT ROWID""",
    "CREATE INDEX artifacts_by_model ON artifacts (model, revision, path)",
    "CREATE INDEX artifacts_by_blob ON artifacts (blob) WHERE blob IS NOT NULL",
    """CREATE TABLE installs (
        model TEXT PRIMARY KEY,
        revision TEXT NOT NULL,
        type TEXT NOT NULL,
        name TEXT NOT NULL,
        author TEXT,
        path TEXT NOT NULL,
        installed_at TEXT NOT NULL,
        files INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        last_used TEXT,
        variants TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE slots (
        type TEXT PRIMARY KEY,
        model TEXT NOT NULL,
        revision TEXT NOT NULL,
        runtime TEXT NOT NULL,
        path TEXT NOT NULL,
        device TEXT,
        pid INTEGER,
        since TEXT NOT NULL,
        variant TEXT,
        memory TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE edits (
        model TEXT PRIMARY KEY,
        note TEXT,
        favourite INTEGER NOT NULL,
        type TEXT
    ) WITHOUT ROWID""",
    """CREATE TABLE registrations (
        model TEXT PRIMARY KEY,
        vendor TEXT,
        name TEXT,
        auto_sync INTEGER NOT NULL,
        status TEXT NOT NULL,
        error TEXT,
        synced_at TEXT
    ) WITHOUT ROWID""",
    """CREATE TABLE users (
        name TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        source TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE leases (
        name TEXT PRIMARY KEY,
        fence INTEGER NOT NULL,
        heartbeat REAL NOT NULL,
        host TEXT,
        pid INTEGER,
        started REAL,
        boot TEXT
    ) WITHOUT ROWID""",
)


async def first(transaction: Transaction) -> None:
    """Jobs, artifacts, installs, slots, edits, registrations, users and leases."""
    for statement in _FIRST:
        await transaction.execute(statement)


async def leased_jobs(transaction: Transaction) -> None:
    """Jobs carry the fence number and the heartbeat of the lease under which they run."""
    await transaction.execute("ALTER TABLE jobs ADD COLUMN fence INTEGER NOT NULL DEFAULT 0")
    await transaction.execute("ALTER TABLE jobs ADD COLUMN beat REAL NOT NULL DEFAULT 0")
    # Heartbeats were read from the time of day before, which compares with nothing now.
    await transaction.execute(
        "UPDATE leases SET host = NULL, pid = NULL, started = NULL, boot = NULL"
    )


async def held_slots(transaction: Transaction) -> None:
    """Slots name the process that holds their weights; changes of slots have a journal."""
    for column in ("host TEXT", "started REAL", "boot TEXT", "child TEXT", "error TEXT"):
        await transaction.execute(f"ALTER TABLE slots ADD COLUMN {column}")
    await transaction.execute(
        """CREATE TABLE swaps (
            type TEXT PRIMARY KEY,
            wanted TEXT,
            previous TEXT,
            committed INTEGER NOT NULL,
            job TEXT
        ) WITHOUT ROWID"""
    )


async def measured_loads(transaction: Transaction) -> None:
    """What activations really took, for the next estimate."""
    await transaction.execute(
        """CREATE TABLE loads (
            number INTEGER PRIMARY KEY,
            model TEXT NOT NULL,
            revision TEXT NOT NULL,
            variant TEXT,
            device TEXT NOT NULL,
            dtype TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            peak INTEGER,
            seconds REAL NOT NULL,
            at TEXT NOT NULL
        )"""
    )
    await transaction.execute("CREATE INDEX loads_by_model ON loads (model, revision, variant)")


async def added_models(transaction: Transaction) -> None:
    """The definitions of models that users added by address or local path."""
    await transaction.execute(
        """CREATE TABLE additions (
            model TEXT PRIMARY KEY,
            type TEXT NOT NULL,
            folder TEXT,
            license TEXT,
            gpu_memory INTEGER,
            torch TEXT,
            added_at TEXT NOT NULL,
            files TEXT NOT NULL
        ) WITHOUT ROWID"""
    )


async def marks(transaction: Transaction) -> None:
    """Up to where a person has read something, by its name."""
    await transaction.execute(
        "CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID"
    )


async def called_hooks(transaction: Transaction) -> None:
    """How the last call of each hook went."""
    await transaction.execute(
        """CREATE TABLE hooks (
            name TEXT PRIMARY KEY,
            called_at TEXT NOT NULL,
            error TEXT,
            failures INTEGER NOT NULL
        ) WITHOUT ROWID"""
    )


async def named_versions(transaction: Transaction) -> None:
    """Revisions say what they changed; the names that users give them have a table of their own."""
    for statement in (
        "ALTER TABLE revisions RENAME TO old_revisions",
        """CREATE TABLE revisions (
            number INTEGER PRIMARY KEY,
            model TEXT NOT NULL,
            revision TEXT NOT NULL,
            seen_at TEXT NOT NULL,
            listed INTEGER NOT NULL,
            facts TEXT,
            changes TEXT,
            UNIQUE (model, revision)
        )""",
        "INSERT INTO revisions (number, model, revision, seen_at, listed)"
        " SELECT number, model, revision, seen_at, listed FROM old_revisions",
        """CREATE TABLE versions (
            model TEXT NOT NULL,
            name TEXT NOT NULL COLLATE NOCASE,
            revision TEXT NOT NULL,
            variant TEXT,
            named_at TEXT NOT NULL,
            PRIMARY KEY (model, name)
        ) WITHOUT ROWID""",
        "INSERT OR IGNORE INTO versions SELECT model, name, revision, variant, seen_at"
        " FROM old_revisions WHERE name IS NOT NULL",
        "DROP TABLE old_revisions",
    ):
        await transaction.execute(statement)


async def scanned_files(transaction: Transaction) -> None:
    """What files of this box hashed to; artifacts are found by the hash that their source tells."""
    await transaction.execute(
        """CREATE TABLE file_hashes (
            path BLOB PRIMARY KEY,
            size INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            sha256 TEXT NOT NULL,
            shared INTEGER NOT NULL,
            seen_at TEXT NOT NULL
        ) WITHOUT ROWID"""
    )
    await transaction.execute(
        "CREATE INDEX artifacts_by_sha256 ON artifacts (sha256) WHERE sha256 IS NOT NULL"
    )


async def checked_blobs(transaction: Transaction) -> None:
    """When each blob was hashed last, and how far each run over the store came."""
    await transaction.execute(
        """CREATE TABLE checks (
            sha256 TEXT PRIMARY KEY,
            number INTEGER NOT NULL,
            checked_at TEXT NOT NULL,
            size INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            inode INTEGER NOT NULL
        ) WITHOUT ROWID"""
    )
    await transaction.execute(
        """CREATE TABLE verifications (
            scope TEXT PRIMARY KEY,
            number INTEGER NOT NULL,
            started_at TEXT NOT NULL,
            finished_at TEXT,
            found TEXT NOT NULL
        ) WITHOUT ROWID"""
    )


async def pinned_models(transaction: Transaction) -> None:
    """What of models was installed where an imported registry came from."""
    await transaction.execute(
        """CREATE TABLE pins (
            model TEXT PRIMARY KEY,
            revision TEXT NOT NULL,
            type TEXT NOT NULL,
            variants TEXT NOT NULL,
            license TEXT,
            installed_at TEXT NOT NULL,
            files TEXT NOT NULL,
            slots TEXT NOT NULL
        ) WITHOUT ROWID"""
    )


async def serving_slots(transaction: Transaction) -> None:
    """Slots name the server that answers for them."""
    for column in ("url TEXT", "command TEXT"):
        await transaction.execute(f"ALTER TABLE slots ADD COLUMN {column}")


async def configured_models(transaction: Transaction) -> None:
    """What users set for models, each change a version; slots know by what they were loaded."""
    await transaction.execute(
        """CREATE TABLE configurations (
            model TEXT NOT NULL,
            version INTEGER NOT NULL,
            at TEXT NOT NULL,
            configuration TEXT NOT NULL,
            PRIMARY KEY (model, version)
        ) WITHOUT ROWID"""
    )
    await transaction.execute(
        "ALTER TABLE slots ADD COLUMN configuration TEXT NOT NULL DEFAULT '{}'"
    )


async def agreed_pickles(transaction: Transaction) -> None:
    """Which files may be loaded, weights only, though they could run a program."""
    await transaction.execute(
        """CREATE TABLE consents (
            sha256 TEXT PRIMARY KEY,
            path TEXT NOT NULL,
            model TEXT NOT NULL,
            by_user TEXT NOT NULL,
            at TEXT NOT NULL
        ) WITHOUT ROWID"""
    )


async def loads_of_all_runtimes(transaction: Transaction) -> None:
    """What loads took tells by which runtime, and for how much context."""
    for column in ("runtime TEXT NOT NULL DEFAULT 'torch'", "context INTEGER"):
        await transaction.execute(f"ALTER TABLE loads ADD COLUMN {column}")


async def lost_files(transaction: Transaction) -> None:
    """Lists of models ask for what is lost with each of their pages; there is hardly any."""
    await transaction.execute(
        "CREATE INDEX artifacts_lost ON artifacts (model, revision, path)"
        " WHERE status = 'failed' AND blob IS NULL AND sha256 IS NOT NULL"
    )


MIGRATIONS = (
    first,
    leased_jobs,
    held_slots,
    measured_loads,
    marks,
    called_hooks,
    named_versions,
    added_models,
    checked_blobs,
    pinned_models,
    scanned_files,
    serving_slots,
    configured_models,
    agreed_pickles,
    loads_of_all_runtimes,
    lost_files,
)
