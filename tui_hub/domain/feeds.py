"""Feeds: queries against a source that the sync keeps up to date."""

from __future__ import annotations

import hashlib
from dataclasses import field
from enum import StrEnum

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Model


class FeedState(StrEnum):
    """What a feed is doing, or how its last sync ended."""

    NEVER = "never"
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"


class SyncMode(StrEnum):
    """Whether a sync walks everything or only what changed."""

    FULL = "full"
    DIFFERENTIAL = "differential"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query against a source. Several make a union: one tag seldom means the whole thing."""

    filter: tuple[str, ...] = ()
    """Tags that a model must all carry, sent as they stand."""
    pipeline_tag: str | None = None
    author: str | None = None
    library: str | None = None
    search: str | None = None
    sort: str = "lastModified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a feed takes in of that which its queries find. An empty rule takes all."""

    libraries: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    min_downloads: int = 0
    max_size: int | None = None
    """Bytes; a model of unknown size is taken."""
    gated: bool | None = None

    def take(self, model: Model) -> bool:
        """Whether a model belongs into the feed."""
        return (
            (not self.libraries or model.library in self.libraries)
            and (not self.tasks or model.task in self.tasks)
            and (not self.licenses or model.license in self.licenses)
            and (not self.authors or model.author in self.authors)
            and model.downloads >= self.min_downloads
            and (self.max_size is None or model.size is None or model.size <= self.max_size)
            and (self.gated is None or bool(model.gated) is self.gated)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One entry of the sync: a name, a source, and what to ask it."""

    name: str
    """`<source>:<what>`, for example `hf:litert`."""
    source: str
    queries: tuple[Query, ...] = (Query(),)
    limit: int | None = None
    """Models to take from each query; `None` takes all."""
    rules: Rules = Rules()
    enabled: bool = True
    schedule: str = ""
    """A cron expression in UTC; empty for the random interval."""
    networked: bool = True

    @property
    def definition(self) -> str:
        """A digest of what the feed takes in."""
        given = repr((self.queries, self.limit, self.rules)).encode()
        return hashlib.sha256(given).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What one sync of a feed did."""

    fetched: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            fetched=self.fetched + other.fetched,
            created=self.created + other.created,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
            removed=self.removed + other.removed,
            skipped=self.skipped + other.skipped,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a source's rate limit leaves, as its last answer said."""

    left: int
    total: int | None = None
    """Requests to a window."""
    seconds: int = 0
    """Until the window ends."""


NO_MODEL = 2**62
"""More downloads than any model has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far down a query was walked, in downloads, where the feed's limit cut it off."""

    floor: int = 0
    """Models with fewer do not belong to it, unless they were listed before."""
    certain: int = 0
    """Models with as many must have been listed. Near the cut they come and go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkState:
    """What a sync remembers of its walks over a feed, from one page and one sync to the next."""

    mode: SyncMode = SyncMode.FULL
    """Whether the present or last walk takes in everything."""
    begun: str | None = None
    """When the walk began whose place the feed's cursor is, by the source's clock if it has one."""
    newest: str | None = None
    """The newest `last_modified` that this walk has seen."""
    listed: int = 0
    """Records that this walk was shown, whatever became of them."""
    full: str | None = None
    """When the last full walk ended."""
    definition: str = ""
    """A digest of the feed as that walk took it; another one asks for another full walk."""
    reaches: tuple[Reach, ...] = ()
    """How far down the last full walk came, for each query."""
    walked: bool = False
    """Whether this walk has seen its last page, and only what is missing is yet to be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStatus:
    """What is known of a feed: its last sync, and its next."""

    feed: str
    state: FeedState = FeedState.NEVER
    last_sync: str | None = None
    last_success: str | None = None
    next_run: str | None = None
    retries: int = 0
    error: str | None = None
    counts: Counts = field(default_factory=Counts)
    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0
    cursor: str | None = None
    """Where an interrupted sync goes on; opaque, made by the source."""
    watermark: str | None = None
    """Up to when a finished sync saw all changes: its newest `last_modified`, or its beginning."""
    walk: WalkState = WalkState()
    quota: Quota | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """How one feed's sync went."""

    feed: str
    source: str
    state: FeedState
    mode: SyncMode = SyncMode.FULL
    counts: Counts = field(default_factory=Counts)
    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0
    error: str | None = None
    error_code: str | None = None
    """The code of the error that ended it, for the exit code."""
    hint: str | None = None
    """What to do about the error."""
    networked: bool = True
    """Whether it had to reach anything; feeds that ship with the program had not."""

    @property
    def fell_short(self) -> bool:
        """Whether it did not bring all, and trying again may help."""
        return self.state in (FeedState.FAILED, FeedState.PARTIAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """How a whole sync went."""

    feeds: tuple[FeedReport, ...]

    @property
    def status(self) -> str:
        """`completed`, `partial` (some feeds failed) or `failed` (all that were tried did).

        Feeds that were skipped, or that need no network, count for neither.
        """
        tried = [
            feed for feed in self.feeds if feed.networked and feed.state is not FeedState.SKIPPED
        ]
        failed = [feed for feed in tried if feed.state is FeedState.FAILED]
        if failed and len(failed) == len(tried):
            return "failed"
        if failed or any(feed.state is FeedState.PARTIAL for feed in tried):
            return "partial"
        return "completed"
