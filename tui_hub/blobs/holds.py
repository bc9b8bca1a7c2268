"""Holds: what a running process needs of the store before there is a receipt for it.

A download that finds a blob already here, or has brought in one of its files, holds it, so that
nobody who deletes another model meanwhile takes it away. It also says what it has still to bring,
so that nobody else, in whichever home, counts on that room. A hold ends with its process.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tui_hub.blobs.files import storage_errors, unique, write_atomic
from tui_hub.blobs.sidecar import STALE
from tui_hub.domain.jobs import Owner
from tui_hub.processes import known_alive, this_process

if TYPE_CHECKING:
    from tui_hub.blobs.store import BlobStore

_SUFFIX = ".hold"


class _Record(msgspec.Struct, frozen=True):
    owner: Owner
    hashes: tuple[str, ...]
    sizes: dict[str, int] = {}
    """Bytes of each file that is to come, by the key of its partial."""


class Hold:
    """What one piece of work holds. More can be added while it runs, from any thread."""

    def __init__(
        self, store: BlobStore, hashes: Iterable[str], sizes: Mapping[str, int] | None = None
    ) -> None:
        self._store = store
        self._path = store.temp / unique("blobs", _SUFFIX)
        self._hashes = set(hashes)
        self._sizes = dict(sizes or {})
        self._lock = threading.Lock()
        self._write()

    def add(self, *hashes: str) -> None:
        """Hold more blobs; say so before bringing one in or relying on it being there."""
        with self._lock:
            if not self._hashes.issuperset(hashes):
                self._hashes.update(hashes)
                self._write()

    def beat(self) -> None:
        """Show machines that cannot see this process that it lives: now and then, at the least."""
        with suppress(OSError):
            os.utime(self._path)

    def release(self) -> None:
        """End it. Doing so twice is no error."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        record = _Record(this_process(), tuple(sorted(self._hashes)), self._sizes)
        # Not in the middle of a collection, which would take what is held away for a moment.
        # It ends with this process, so it need not outlast a power cut.
        with storage_errors(self._store.root), self._store.lock("collect", wait=10.0):
            write_atomic(
                self._store.temp,
                self._path,
                msgspec.json.encode(record),
                sync=False,
                sync_folder=False,
            )


@contextmanager
def hold(store: BlobStore, hashes: Iterable[str] = ()) -> Iterator[Hold]:
    """Keep blobs from being collected while the block runs, those that are yet to come too."""
    holding = Hold(store, hashes)
    try:
        yield holding
    finally:
        holding.release()


def held(temp: Path) -> set[str]:
    """The hashes that running processes hold, and those of processes that cannot be seen."""
    return {
        sha256
        for _, record in _holds(temp)
        if known_alive(record.owner) is not False
        for sha256 in record.hashes
    }


def promised(temp: Path) -> dict[str, int]:
    """What running processes have to bring, by the key of each partial; each file counts once.

    One that cannot be seen runs as long as it shows it.
    """
    return {
        key: size
        for path, record in _holds(temp)
        if _runs(path, record.owner)
        for key, size in record.sizes.items()
    }


def live(temp: Path) -> set[str]:
    """The names of the holds of processes that surely run."""
    return {path.name for path, record in _holds(temp) if known_alive(record.owner)}


def _runs(path: Path, owner: Owner) -> bool:
    """Whether the process of a hold lives, as far as can be known."""
    alive = known_alive(owner)
    if alive is not None:
        return alive
    try:
        return time.time() - path.lstat().st_mtime < STALE
    except FileNotFoundError:
        return False


def _holds(temp: Path) -> Iterator[tuple[Path, _Record]]:
    for path in temp.glob(f"*{_SUFFIX}"):
        try:
            if path.is_symlink() or not path.is_file():
                continue
            record = msgspec.json.decode(path.read_bytes(), type=_Record)
        except (OSError, msgspec.DecodeError):
            continue
        yield path, record
