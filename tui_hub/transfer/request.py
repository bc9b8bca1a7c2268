"""What a transfer is asked for, what it writes into, and what it answers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from tui_hub.domain.artifacts import Verified
from tui_hub.domain.downloads import FileState
from tui_hub.domain.frozen import dataclass

MIB = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One file at one address, with whatever its source told about it beforehand."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The token, for the origin (scheme, host and port) of `url` and nobody else."""
    log_in: str | None = None
    """How to come by a token for that origin, or a new one, in words: `set HF_TOKEN`."""
    size: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None
    md5: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to transfer."""

    connections: int = 8
    """The most connections for one file; fewer are used while more bring nothing."""
    piece_size: int = 8 * MIB
    """Bytes to a range request."""
    stall: float = 30.0
    """Seconds without a byte after which a connection is opened afresh."""
    retries: int = 5
    """Attempts without progress after which the transfer gives up."""
    timeout: float = 20.0
    """Seconds to wait for a connection."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    """Where proxies and certificate authorities are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """A file that has arrived whole, and what its bytes were checked against."""

    sha256: str
    size: int
    verified: Verified
    etag: str | None
    """What the origin calls these bytes (`X-Linked-ETag`, else `ETag`), without quotes."""
    commit: str | None
    """`X-Repo-Commit`, where the origin tells it."""
    bytes_transferred: int
    resumed_from: int
    retries: int
    mended: tuple[tuple[int, int], ...] = ()
    """Byte ranges that had arrived damaged and were fetched again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferProgress:
    """Where a transfer stands."""

    state: FileState = FileState.WAITING
    size: int | None = None
    done: int = 0
    """Bytes that are here, resumed ones included."""
    transferred: int = 0
    """Bytes that came over the network in this run."""
    resumed_from: int = 0
    connections: int = 0
    retries: int = 0
    ranges: tuple[tuple[int, int], ...] = ()
    """The byte ranges that have arrived, as half-open pairs in order."""
    message: str = ""
    """Why it waits or failed, for people."""

    @classmethod
    def before(cls, request: Request, destination: Destination) -> TransferProgress:
        """Where it stands before its first byte: at what the destination holds."""
        ranges = destination.ranges
        return cls(size=request.size, done=sum(end - start for start, end in ranges), ranges=ranges)


class Destination(Protocol):
    """A partial file that remembers durably which of its ranges are there."""

    @property
    def size(self) -> int | None:
        """The size of the whole file, once known."""

    @property
    def validator(self) -> str | None:
        """The strong `ETag` or the date of the bytes that are here."""

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """What is durably here, as half-open pairs in order."""

    def fileno(self) -> int:
        """A descriptor open for reading and writing."""

    def allocate(self, size: int) -> None:
        """Give the file its size and reserve its blocks. Raises `OSError` when there is no room."""

    def checkpoint(self, ranges: tuple[tuple[int, int], ...], validator: str | None) -> None:
        """Flush the bytes to the disk, then record the ranges durably."""

    def settle(self, ranges: tuple[tuple[int, int], ...], validator: str | None) -> None:
        """The last checkpoint, once nobody writes any more. It finds room on a full disk."""

    def note(self, ranges: tuple[tuple[int, int], ...], validator: str | None) -> None:
        """Write down what has arrived for the case that this process is killed, and raise nothing.

        Nothing need be durable. Called from a thread of its own, also during a checkpoint.
        """

    def reset(self) -> None:
        """Forget everything: no bytes, no size, no validator."""
