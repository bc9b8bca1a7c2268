"""The file under a database: made private, on a journal that its file system can keep."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sqlite3
import stat
import sys
from pathlib import Path

from tui_hub.domain.errors import HubError

_REMOTE = {
    0x6969: "NFS",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB",
    0x65735546: "FUSE",
    0x00C36400: "Ceph",
    0x01021997: "9p",
    0x5346414F: "AFS",
    0x19830326: "BeeGFS",
    0xAAD7AAEA: "PanFS",
}
"""File systems whose shared memory or locks cannot be relied on, by `statfs`'s magic number."""

_HEADER = 20
_WAL_VERSION = 2


def prepare(path: Path) -> str:
    """Make the file where it is missing, readable by its owner alone, and choose its journal.

    Returns:
        `WAL` where the file system can do it, else `TRUNCATE`.

    Raises:
        HubError: something else stands at the path, or it cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise HubError(
                f"{path} should be a database but is no file", hint="Move it away and try again."
            )
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        header = _header(path)
    except OSError as error:
        raise HubError(
            f"the database {path} cannot be opened for writing: {error.strerror}",
            hint="Check the permissions of its folder, or choose another home with --home.",
        ) from error
    if file_system(path.parent) in _REMOTE:
        return "TRUNCATE"
    if header:
        return "WAL" if header[18:20] == bytes((_WAL_VERSION,)) * 2 else "TRUNCATE"
    return "WAL" if _can_do_wal(path) else "TRUNCATE"


def file_system(folder: Path) -> int:
    """The magic number of a folder's file system as Linux's `statfs(2)` gives it; 0 elsewhere."""
    if not sys.platform.startswith("linux"):
        return 0
    buffer = ctypes.create_string_buffer(256)
    library = ctypes.CDLL(None, use_errno=True)
    if library.statfs(os.fsencode(folder), buffer) != 0:
        return 0
    return ctypes.c_uint32.from_buffer(buffer).value


def size(path: Path) -> int:
    """Bytes of a database with its journal; 0 where there is none."""
    places = (path.with_name(path.name + suffix) for suffix in ("", "-wal", "-journal"))
    return sum(place.stat().st_size for place in places if place.exists())


def aside_of(path: Path) -> Path:
    """Where a damaged database is put."""
    return path.with_name(path.name + ".damaged")


def move_aside(path: Path) -> Path:
    """Put a damaged database away; the one put away before it goes."""
    aside = aside_of(path)
    with contextlib.suppress(FileNotFoundError):
        path.replace(aside)
    for suffix in ("-wal", "-shm", "-journal", ".rebuild"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        _untold(path).touch()
    return aside


def tell_once(path: Path) -> bool:
    """Whether a database was put aside and nobody was told yet; from now on somebody was."""
    try:
        _untold(path).unlink()
    except OSError:
        return False
    return True


def _untold(path: Path) -> Path:
    return path.with_name(path.name + ".untold")


def mark_damaged(path: Path) -> None:
    """Note beside a database that it was found damaged while in use."""
    with contextlib.suppress(OSError):
        path.with_name(path.name + ".rebuild").touch()


def is_marked_damaged(path: Path) -> bool:
    """Whether the last process that used the database found it damaged."""
    return path.with_name(path.name + ".rebuild").exists()


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER)


def _can_do_wal(path: Path) -> bool:
    """Try it on a scratch database: the pragma alone promises what the first write then breaks."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.probe")
    try:
        with contextlib.closing(sqlite3.connect(scratch)) as writer:
            mode = writer.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            writer.execute("CREATE TABLE probe (value)")
            writer.commit()
            with contextlib.closing(sqlite3.connect(scratch)) as reader:
                reader.execute("SELECT * FROM probe").fetchall()
        return bool(mode == "wal")
    except sqlite3.Error:
        return False
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            scratch.with_name(scratch.name + suffix).unlink(missing_ok=True)
