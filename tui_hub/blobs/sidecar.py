"""What is known of each partial file in `temp/`: the record beside it, and whose it is.

A partial `<key>.<host>-<pid>-<random>.part` has a record of the same name in `.json`. The record
never claims more than a flush to the disk has made durable, and holds no address and no token.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tui_hub.blobs.files import unique, write_atomic
from tui_hub.domain.jobs import Owner
from tui_hub.processes import known_alive, this_process

Ranges = tuple[tuple[int, int], ...]

OPEN: set[Path] = set()
"""The partials that this process has open. Its other ones are free, though their owner lives."""

STALE = 15 * 60.0
"""Seconds without a checkpoint after which a process that cannot be seen is taken to be gone."""

_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")
_MAX_RECORD = 4 * 1024**2


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the file beside a partial."""

    key: str
    size: int | None = None
    validator: str | None = None
    ranges: Ranges = ()
    owner: Owner | None = None
    """`None` once its process has closed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialInfo:
    """A file on its way into the store, as anybody may see it."""

    path: Path
    key: str
    size: int | None
    """Bytes of the whole file, where known."""
    ranges: Ranges
    validator: str | None
    owner: Owner | None
    live: bool | None
    """Whether a process is at work on it; `None` where that cannot be seen."""
    allocated: int
    """Bytes of disk that it takes now."""
    modified: float
    """Time of the last checkpoint, seconds since the epoch."""

    @property
    def here(self) -> int:
        """Bytes that are durably here."""
        return sum(end - start for start, end in self.ranges)


def safe_key(key: str) -> str:
    """A key as it stands in names and records: itself where it is plain, else its hash."""
    if _KEY.fullmatch(key):
        return key
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def new_name(key: str) -> str:
    """A name for a partial of this process, with a safe key, that nobody else uses."""
    owner = this_process()
    host = re.sub(r"[^A-Za-z0-9-]", "-", owner.host)[:60]
    return unique(f"{key}.{host}-{owner.pid}", ".part")


def record_path(partial: Path) -> Path:
    """The file with the record of a partial."""
    return partial.with_suffix(".json")


def write_record(partial: Path, record: Record) -> None:
    """Replace the record. A power cut may bring back the one before, which claims less."""
    write_atomic(
        partial.parent, record_path(partial), msgspec.json.encode(record), sync_folder=False
    )


def sound(ranges: Sequence[tuple[int, int]], limit: int) -> Ranges:
    """Ranges in order, joined where they touch, with nothing beyond `limit`."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(start, 0), min(end, limit)) for start, end in ranges):
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def scan(temp: Path, key: str | None = None) -> Iterator[PartialInfo]:
    """The partials in `temp/`, or those of one safe key. Links and oddities are passed over."""
    prefix = "" if key is None else f"{key}."
    try:
        paths = sorted(temp.iterdir())
    except FileNotFoundError:
        return
    for path in paths:
        if path.name.startswith(prefix) and path.suffix == ".part":
            info = _look(path)
            if info is not None and key in (None, info.key):
                yield info


def _look(path: Path) -> PartialInfo | None:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return None
    except FileNotFoundError:
        return None
    record, modified = _read_record(path) or (None, status.st_mtime)
    if record is None:
        record, live = Record(key=path.name.partition(".")[0]), None
    else:
        live = _live(path, record.owner)
    return PartialInfo(
        path=path,
        key=record.key,
        size=record.size,
        ranges=sound(record.ranges, status.st_size),
        validator=record.validator,
        owner=record.owner,
        live=live,
        allocated=status.st_blocks * 512,
        modified=modified,
    )


def _read_record(partial: Path) -> tuple[Record, float] | None:
    """The record and the time it was written; `None` where there is none that can be read."""
    try:
        descriptor = os.open(
            record_path(partial), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_RECORD:
            return None
        try:
            return msgspec.json.decode(file.read(), type=Record), status.st_mtime
        except msgspec.DecodeError:
            return None


def _live(path: Path, owner: Owner | None) -> bool | None:
    if owner is None:
        return False
    if owner == this_process():
        return path in OPEN
    return known_alive(owner)
