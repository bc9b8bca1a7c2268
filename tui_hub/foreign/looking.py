"""Looking at files of others without being led anywhere: every layout goes through here."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tui_hub.domain.errors import UnsafeError
from tui_hub.domain.identifiers import repository_path
from tui_hub.domain.scanning import LeftOut
from tui_hub.foreign.base import FoundFile, left_out

DEEPEST = 40
"""Folders in one another; models lie a few deep."""
_MOST = 200_000
"""Entries of one tree; a folder of models has far fewer."""


class LeadsAwayError(Exception):
    """Something is not what it should be; the text says what it is instead."""


def look_at(
    path: Path, root: Path, name: str, *, sha256: str | None = None, git_sha1: str | None = None
) -> FoundFile:
    """One file below a root, links inside that root followed.

    Args:
        path: the file.
        root: the folder that it must not lead out of, without any link in its path.
        name: its path inside its model.
        sha256: what its layout says that its hash is.
        git_sha1: the same for its git blob id.

    Raises:
        LeadsAwayError: when it cannot be taken.
    """
    try:
        inside = repository_path(name)
        real = path.resolve(strict=True)
        status = real.lstat()
    except UnsafeError as error:
        raise LeadsAwayError(error.message) from None
    except FileNotFoundError:
        raise LeadsAwayError("it is a link to a file that is not there") from None
    except RuntimeError:
        raise LeadsAwayError("it is a link to itself") from None
    except OSError as error:
        raise LeadsAwayError(f"it cannot be read: {error.strerror}") from None
    if not real.is_relative_to(root):
        raise LeadsAwayError("it is a link that leads out of its folder")
    if not stat.S_ISREG(status.st_mode):
        raise LeadsAwayError("it is no plain file")
    if not os.access(real, os.R_OK):
        raise LeadsAwayError("it cannot be read: Permission denied")
    return FoundFile(
        path=inside,
        place=real,
        size=status.st_size,
        modified=status.st_mtime_ns,
        inode=status.st_ino,
        sha256=sha256,
        git_sha1=git_sha1,
    )


def is_folder(path: Path) -> bool:
    """Whether there is a folder that can be seen; what may not be looked at is none."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def why_closed(path: Path) -> str | None:
    """Why nobody here can look into a folder; `None` when one can, or there is none."""
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            os.scandir(path).close()
    except PermissionError as error:
        return error.strerror
    except (OSError, ValueError):
        return None
    return None


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, by name; hidden things are left out.

    Raises:
        LeadsAwayError: when it cannot be read.
    """
    try:
        with os.scandir(folder) as found:
            return sorted(
                (entry for entry in found if not entry.name.startswith(".")),
                key=lambda entry: os.fsencode(entry.name),
            )
    except OSError as error:
        raise LeadsAwayError(f"it cannot be read: {error.strerror}") from None


def has_file(path: Path) -> bool:
    """Whether there is a file that can be seen."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def folders(folder: Path) -> list[Path]:
    """The folders in a folder, links to folders left out; none where it cannot be read."""
    try:
        return [Path(entry) for entry in entries(folder) if entry.is_dir(follow_symlinks=False)]
    except LeadsAwayError:
        return []


def linked_folders(folder: Path) -> list[LeftOut]:
    """The links to folders in a folder, which nobody follows unasked but somebody may miss."""
    try:
        links = [Path(entry) for entry in entries(folder) if entry.is_symlink()]
    except LeadsAwayError:
        return []
    return [
        left_out(link, f"it is a link: name {os.path.realpath(link)} to look there")
        for link in links
        if is_folder(link)
    ]


def walk(folder: Path) -> Iterator[Path | LeftOut]:
    """All that is no folder below a folder, and a `LeftOut` for each folder that is not entered."""
    waiting, seen = [(folder, 0)], 0
    while waiting:
        here, depth = waiting.pop()
        try:
            found = entries(here)
        except LeadsAwayError as error:
            yield left_out(here, str(error))
            continue
        seen += len(found)
        if depth > DEEPEST or seen > _MOST:
            yield left_out(here, "there is too much below it to be a folder of models")
            return
        deeper = []
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                deeper.append((Path(entry), depth + 1))
            else:
                yield Path(entry)
        waiting += reversed(deeper)


def read_small(path: Path, limit: int) -> bytes | None:
    """The bytes of a small plain file; `None` when it is none, or larger than `limit`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = file.read(limit + 1)
    return data if len(data) <= limit else None
