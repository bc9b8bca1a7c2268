"""The few file operations that the store is made of, each safe against a crash at any moment."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tui_hub.domain.errors import HubError, NoSpaceError, RefusedError

NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""How a file system says that it makes no hard links (FUSE, exFAT, some cloud mounts)."""

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_MAX_NAME = 120


@contextmanager
def storage_errors(root: Path) -> Iterator[None]:
    """Turn what the operating system says of the store into what a person can act on.

    Raises:
        NoSpaceError: when the disk or a quota is full.
        RefusedError: when the store may not be written.
        HubError: for any other failure of the disk.
    """
    try:
        yield
    except OSError as error:
        raise _explained(error, root) from error


def _explained(error: OSError, root: Path) -> HubError:
    where = error.filename if isinstance(error.filename, str) else str(root)
    if error.errno in _NO_SPACE:
        return NoSpaceError(
            f"there is no room left in the store {root}: {error.strerror}",
            hint="Delete a model or free disk space, then retry: what is here is kept.",
        )
    if error.errno in _READ_ONLY:
        return RefusedError(
            f"the store {root} cannot be written: {error.strerror} ({where})",
            hint="Mount it writable, give this user the right to write, or choose another store.",
        )
    return HubError(
        f"the store {root} failed: {error.strerror or error} ({where})",
        hint="The kernel's log (dmesg) tells more about a failing disk.",
    )


def unique(stem: str, suffix: str) -> str:
    """A file name that nobody else uses and nobody can guess."""
    return f"{stem}.{secrets.token_hex(6)}{suffix}"


def folder_name(text: str) -> str:
    """A name from outside as one component of a path: no separators, no leading dot, not empty."""
    name = re.sub(r"[^A-Za-z0-9._+-]", "_", text)[:_MAX_NAME]
    name = re.sub(r"^[.-]", "_", name)
    return name or "_"


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, with the rights of the folder each lies in.

    So a store whose root an administrator gave to a group stays writable for that group.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    path.chmod(path.parent.stat().st_mode & 0o7777)
    fsync_folder(path.parent)


def fsync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(
    temp: Path, path: Path, data: bytes, *, sync: bool = True, sync_folder: bool = True
) -> None:
    """Replace a small file so that any reader, and any crash, sees the old or the new one whole.

    Args:
        temp: a folder on the same file system for the file while it is written.
        path: the file; its folder exists. Its rights follow from those of its folder.
        data: the new content.
        sync: whether a power cut counts as a crash too; without it, it may leave anything.
        sync_folder: whether the new name must survive a power cut too.
    """
    aside = temp / unique("write", ".tmp")
    mode = path.parent.stat().st_mode & 0o666
    descriptor = os.open(
        aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            os.fchmod(file.fileno(), mode)
            write_all(file.fileno(), data)
            if sync:
                os.fsync(file.fileno())
        aside.rename(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    if sync_folder:
        fsync_folder(path.parent)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte, however many calls that takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def rename_exclusive(source: Path, target: Path) -> None:
    """Rename a file or folder to a name that is free.

    Raises:
        FileExistsError: when the name is taken.
    """
    if _renameat2(source, target, _RENAME_NOREPLACE):
        return
    # Not atomic, but only reached where the kernel or file system has nothing better.
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)


def rename_exchange(source: Path, target: Path) -> None:
    """Swap two folders, so that no reader ever finds the name of either missing."""
    if _renameat2(source, target, _RENAME_EXCHANGE):
        return
    old = source.with_name(unique(source.name, ".old"))
    target.rename(old)
    source.rename(target)
    old.rename(source)


def _renameat2(source: Path, target: Path, flags: int) -> bool:
    """Rename with flags (renameat2(2)); `False` where they are not supported."""
    function = _renameat2_function()
    if function is None:
        return False
    if function(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flags) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(target))


@cache
def _renameat2_function() -> ctypes._NamedFuncPointer | None:
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is not None:
        name = ctypes.c_char_p
        function.argtypes = (ctypes.c_int, name, ctypes.c_int, name, ctypes.c_uint)
    return function
