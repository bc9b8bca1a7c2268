"""What every place that models come from can be asked, and what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Protocol

from tui_hub.domain.additions import Addition
from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.feeds import Feed, Quota, Reach
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model

Find = Callable[[str], Awaitable[Addition | None]]
"""Gives the definition of a model that the user added, by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePage:
    """One page of a feed, and where the next one begins."""

    models: tuple[Model, ...]
    """All that it shows; what a feed's rules take of them is not the source's affair."""
    skipped: tuple[str, ...] = ()
    """Why records of this page were left out, one clean line each."""
    known: int = 0
    """How many more the page lists that did not change since the watermark."""
    newest: str | None = None
    """The newest `last_modified` on the page."""
    query: int = 0
    """Which of the feed's queries it answers."""
    reach: Reach | None = None
    """How far down the query was walked, on the last page of one that the feed's limit cut off."""
    cursor: str | None = None
    """Hand it to `pages` to go on after this page; `None` after the last."""
    requests: int = 0
    bytes: int = 0
    """Bytes that came over the network for this page."""
    at: str | None = None
    """When the source answered, by its own clock."""
    quota: Quota | None = None
    """What its rate limit leaves."""

    @property
    def listed(self) -> int:
        """Records that the page shows, whatever became of them."""
        return len(self.models) + len(self.skipped) + self.known


@dataclass(frozen=True, slots=True, kw_only=True)
class FileListing:
    """A model at one commit, with its files."""

    model: Model
    revision: str
    """The commit that the asked-for branch, tag or commit stands for."""
    files: tuple[Artifact, ...]
    unsafe: tuple[str, ...] = ()
    """Why files were left out: names and digests that must not be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRequest:
    """How to ask for a file's bytes. The headers belong to the origin of the URL and no other."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    file: Path | None = None
    """The file itself, where it lies on this box; the URL is empty then."""
    log_in: str | None = None
    """How a user comes by a token for that origin, in words; `None` where none is known of."""


class Source(Protocol):
    """A place that models come from.

    Every method may raise `UnreachableError` when the place does not answer, and
    `RateLimitedError` when it asks for a longer pause than a single lookup is worth.
    """

    @property
    def prefix(self) -> str:
        """What stands before the colon in its models' ids."""

    @property
    def user(self) -> str:
        """The system user that owns what it lists."""

    @property
    def lasting(self) -> bool:
        """Whether models stay listed for good, but for exceptions.

        An empty listing is a fault then, and what is missing from one is asked for by name.
        """

    @property
    def has_history(self) -> bool:
        """Whether a revision can still be had when there is a newer one."""

    def pages(
        self, feed: Feed, cursor: str | None = None, since: str | None = None
    ) -> AsyncIterator[SourcePage]:
        """Walk a feed.

        Args:
            feed: what to ask for.
            cursor: a page's cursor, to go on after it; one of another feed is ignored.
            since: a watermark: ask only for what changed after it, where the source can tell. A
                feed's limit does not count then.
        """

    async def model(self, model: ModelId, revision: str | None = None) -> Model:
        """Look one model up.

        Raises:
            NotFoundError: there is none; `HiddenError` where it may as well be private.
            UnauthorizedError: the token is refused.
        """

    async def files(self, model: ModelId, revision: str | None = None) -> FileListing:
        """List a model's files at a revision, the newest when none is named.

        Raises:
            NotFoundError: no such model or revision.
            GatedError: the maker has not let this user in.
            RefusedError: the model has no files to download.
        """

    def web_page(self, model: ModelId) -> str | None:
        """The address of a model's page, for a person to open; `None` where there is none."""

    async def request(self, artifact: Artifact) -> FileRequest:
        """Where and how to fetch a file that `files` listed."""

    async def read(self, artifact: Artifact, limit: int) -> bytes:
        """The bytes of a small file, checked against the hash that the listing gave.

        Raises:
            RefusedError: it is larger than `limit` bytes.
            CorruptError: the bytes are not what the listing promised.
        """

    async def close(self) -> None:
        """Give back all connections."""
