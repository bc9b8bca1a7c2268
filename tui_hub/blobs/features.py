"""What the file system of a store can do, found out by doing it in a folder that goes again."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tui_hub.blobs.blocks import clone
from tui_hub.blobs.files import NO_LINKS, fsync_folder, storage_errors, write_all
from tui_hub.domain.frozen import dataclass

if TYPE_CHECKING:
    from tui_hub.blobs.store import BlobStore

_SPARSE = 1024**2
_SECONDS = 10.0
_TRY_LOCK = (
    "import fcntl, sys\n"
    "with open(sys.argv[1]) as file:\n"
    "    try:\n"
    "        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    "    except OSError:\n"
    "        sys.exit(9)\n"
)
_REFUSED = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What the store's file system can do."""

    hard_links: bool
    symlinks: bool
    sparse: bool
    """Whether a hole in a file takes no disk."""
    reflinks: bool
    """Whether two files can share their blocks until one is written to."""
    locks: bool
    """Whether `flock` keeps another process out; on some network file systems everybody gets it."""


def probe_features(store: BlobStore) -> Features:
    """Try it in a scratch folder of the store, with files written and flushed.

    Raises:
        NoSpaceError: when the disk is full.
        RefusedError: when the store cannot be written.
        HubError: when the disk fails, as by an `fsync` that does.
    """
    with (
        storage_errors(store.root),
        tempfile.TemporaryDirectory(prefix="doctor-", dir=store.temp) as name,
    ):
        folder = Path(name)
        file = folder / "file"
        _write_and_read(file)
        fsync_folder(folder)
        return Features(
            hard_links=_links(file, folder / "hard", os.link),
            symlinks=_links(file, folder / "soft", os.symlink),
            sparse=_sparse(folder / "sparse"),
            reflinks=_reflinks(file, folder / "clone"),
            locks=_locks(file),
        )


def _write_and_read(path: Path) -> None:
    data = os.urandom(4096)
    with path.open("xb", buffering=0) as file:
        write_all(file.fileno(), data)
        os.fsync(file.fileno())
    if path.read_bytes() != data:
        raise OSError(0, "what was written is not what is read", str(path))


def _links(file: Path, link: Path, make: Callable[[Path, Path], None]) -> bool:
    try:
        make(file, link)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        return False
    return link.samefile(file)


def _sparse(path: Path) -> bool:
    with path.open("xb", buffering=0) as file:
        file.truncate(_SPARSE)
        return os.fstat(file.fileno()).st_blocks * 512 < _SPARSE


def _reflinks(file: Path, copy: Path) -> bool:
    with file.open("rb") as source, copy.open("xb") as target:
        return clone(source.fileno(), target.fileno())


def _locks(path: Path) -> bool:
    """Whether another process is kept out: the same one would be let in on a network."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        ended = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _TRY_LOCK, str(path)],
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        return ended.returncode == _REFUSED
