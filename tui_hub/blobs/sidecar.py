"""What is known of each partial file in `temp/`: the record beside it, and whose it is.

A partial `<key>.<host>-<pid>-<random>.part` has a record of the same name in `.json`. The record
never claims more than a flush to the disk has made durable, and holds no address and no token.

Flushes take their time, so between them a note of the same name in `.note` tells what was written
since. The page cache keeps that when a process is killed, but not when the machine goes down, so a
note counts only under the boot that it was written in.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tui_hub.blobs.files import unique, write_atomic
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.jobs import Owner
from tui_hub.processes import boot_id, known_alive, this_process

Ranges = tuple[tuple[int, int], ...]

OPEN: set[Path] = set()
"""The partials that this process has open. Its other ones are free, though their owner lives."""

STALE = 15 * 60.0
"""Seconds without a checkpoint after which a process that cannot be seen is taken to be gone."""

_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")
_MAX_RECORD = 4 * 1024**2

_log = logging.getLogger(__name__)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the file beside a partial."""

    key: str
    size: int | None = None
    validator: str | None = None
    ranges: Ranges = ()
    owner: Owner | None = None
    """`None` once its process has closed it."""
    version: str = msgspec.field(default_factory=lambda: secrets.token_hex(8))
    """Another one each time the bytes are forgotten, so that no note vouches for those to come."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the second file beside a partial, which nobody flushes."""

    boot: str
    version: str
    """That of the record which it adds to."""
    validator: str | None
    ranges: Ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialInfo:
    """A file on its way into the store, as anybody may see it."""

    path: Path
    key: str
    size: int | None
    """Bytes of the whole file, where known."""
    ranges: Ranges
    """What is here as long as the machine stays up."""
    record: Record
    """What is here whatever happens, as far as the file reaches."""
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
        """Bytes that are here."""
        return sum(end - start for start, end in self.ranges)

    @property
    def left(self) -> bool:
        """Whether its process is gone, or is not to be seen and was silent for long."""
        return self.live is False or (self.live is None and time.time() - self.modified > STALE)


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


def write_record(partial: Path, record: Record, *, sync: bool = True) -> None:
    """Replace the record. A power cut may bring back the one before, which claims less."""
    write_atomic(
        partial.parent,
        record_path(partial),
        msgspec.json.encode(record),
        sync=sync,
        sync_folder=False,
    )


def note_path(partial: Path) -> Path:
    """The file with the note to the record of a partial."""
    return partial.with_suffix(".note")


def write_note(partial: Path, record: Record, ranges: Ranges, validator: str | None) -> None:
    """Replace the note to a record. Where that fails, only progress is at stake."""
    boot = boot_id()
    if not boot:
        return
    note = Note(boot=boot, version=record.version, validator=validator, ranges=ranges)
    try:
        write_atomic(
            partial.parent,
            note_path(partial),
            msgspec.json.encode(note),
            sync=False,
            sync_folder=False,
        )
    except OSError as error:
        _log.debug("no note of %s: %s", partial.name, error)


def beside(partial: Path) -> tuple[Path, Path]:
    """The files beside a partial, in the order in which they go."""
    return note_path(partial), record_path(partial)


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
        names = sorted(
            name
            for name in os.listdir(temp)  # noqa: PTH208 - once for each file of a download
            if name.startswith(prefix) and name.endswith(".part")
        )
    except FileNotFoundError:
        return
    for name in names:
        info = _look(temp / name)
        if info is not None and key in (None, info.key):
            yield info


def begun(temp: Path) -> frozenset[str]:
    """The safe keys of which there are partials, whoever's they are."""
    try:
        names = os.listdir(temp)  # noqa: PTH208 - once for each group of files of a download
    except FileNotFoundError:
        return frozenset()
    return frozenset(name.partition(".")[0] for name in names if name.endswith(".part"))


def signs(temp: Path, key: str) -> frozenset[tuple[str, int]]:
    """What changes whenever a process, seen or not, gets on with the partials of a key."""
    prefix, found = f"{safe_key(key)}.", set()
    with suppress(FileNotFoundError), os.scandir(temp) as entries:
        for entry in entries:
            if entry.name.startswith(prefix):
                with suppress(FileNotFoundError):
                    found.add((entry.name, entry.stat(follow_symlinks=False).st_mtime_ns))
    return frozenset(found)


def _look(path: Path) -> PartialInfo | None:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return None
    except FileNotFoundError:
        return None
    record, modified = _read_record(path) or (None, status.st_mtime)
    if record is None:
        # A brief one gets its record when there is something to say.
        used = path in OPEN or time.time() - status.st_mtime < STALE
        record, live = Record(key=path.name.partition(".")[0]), True if used else None
    else:
        live = _live(path, record.owner)
    record = msgspec.structs.replace(record, ranges=sound(record.ranges, status.st_size))
    note = _read_note(path, record)
    return PartialInfo(
        path=path,
        key=record.key,
        size=record.size,
        ranges=sound(record.ranges + note.ranges, status.st_size) if note else record.ranges,
        record=record,
        validator=note.validator if note else record.validator,
        owner=record.owner,
        live=live,
        allocated=status.st_blocks * 512,
        modified=modified,
    )


def _read_record(partial: Path) -> tuple[Record, float] | None:
    """The record and the time it was written; `None` where there is none that can be read."""
    found = _read(record_path(partial))
    if found is None:
        return None
    try:
        return msgspec.json.decode(found[0], type=Record), found[1]
    except msgspec.DecodeError:
        return None


def _read_note(partial: Path, record: Record) -> Note | None:
    """The note to a record; `None` where there is none, or the bytes it tells of may be gone."""
    found = _read(note_path(partial))
    if found is None:
        return None
    try:
        note = msgspec.json.decode(found[0], type=Note)
    except msgspec.DecodeError:
        return None
    of_this_version = note.version == record.version
    agrees = record.validator in (None, note.validator)
    return note if note.boot == boot_id() and of_this_version and agrees else None


def _read(path: Path) -> tuple[bytes, float] | None:
    """A small plain file and the time it was written."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_RECORD:
            return None
        return file.read(), status.st_mtime


def _live(path: Path, owner: Owner | None) -> bool | None:
    if owner is None:
        return False
    if owner == this_process():
        return path in OPEN
    return known_alive(owner)
