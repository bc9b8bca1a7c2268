"""Files of this box as the files of a model: listed without ever leaving their folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tui_hub.domain.additions import AddedFile
from tui_hub.domain.errors import NotFoundError, RefusedError, UnsafeError, UsageError
from tui_hub.domain.identifiers import repository_path
from tui_hub.text import clean

_MOST_FILES = 10_000


def checked_place(text: str) -> Path:
    """The absolute path of a file or folder, links followed.

    Raises:
        UsageError: when it is no path.
        NotFoundError: when it is not there, or cannot be read.
        RefusedError: when it is neither a file nor a folder.
    """
    path = _typed_path(text)
    try:
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is a link to itself"
        raise NotFoundError(
            f"{clean(str(path), 300)} cannot be read: {reason}", hint="Check the path."
        ) from None
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise RefusedError(f"{clean(str(path), 300)} is neither a file nor a folder")
    return real


def _typed_path(text: str) -> Path:
    """The path that was typed, plain or as a `file:` address (RFC 8089)."""
    try:
        address = urlsplit(text) if text.startswith("file:") else None
        plain = text if address is None else unquote(address.path, errors="surrogateescape")
        path = Path(plain).expanduser()
        os.fsencode(path)
    except (ValueError, RuntimeError):  # no address; no such user, or no home of theirs
        raise UsageError(f"{clean(text, 300)} is no path", hint="Check how it is spelt.") from None
    if "\0" in plain or (address is not None and address.netloc not in ("", "localhost")):
        raise UsageError(
            f"{clean(text, 300)} is no path of this box",
            hint="Type the path alone, or file:///folder with three slashes.",
        )
    return path


def list_place(place: Path) -> tuple[AddedFile, ...]:
    """The files of a folder and of those below it, or the one file; hidden ones are left out.

    Raises:
        NotFoundError: when it is not there any more, or something in it cannot be read.
        UnsafeError: for links that lead outside, for what is no file, for unusable names.
        RefusedError: when there are none, or too many.
    """
    if not place.is_dir():
        return (look_at(place, place.parent),)
    files: list[AddedFile] = []
    for path in _walk(place):
        files.append(look_at(path, place))
        if len(files) > _MOST_FILES:
            raise RefusedError(
                f"{clean(str(place), 300)} holds more than {_MOST_FILES} files",
                hint="Name the folder of one model.",
            )
    if not files:
        raise RefusedError(f"{clean(str(place), 300)} holds no files")
    return tuple(sorted(files, key=lambda file: file.path))


def _walk(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise NotFoundError(f"{clean(str(error.filename), 300)} cannot be read: {error.strerror}")

    for base, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        linked = [name for name in folders if Path(base, name).is_symlink()]
        if linked:
            raise UnsafeError(
                f"{clean(str(Path(base, linked[0])), 300)} is a link to a folder",
                hint="Put the folder itself in its place.",
            )
        yield from (Path(base, name) for name in names if not name.startswith("."))


def look_at(path: Path, folder: Path) -> AddedFile:
    """One file of a folder as it is now.

    Raises:
        NotFoundError: when it is not there, or cannot be read.
        UnsafeError: when it is a link that leads outside, no plain file, or has an unusable name.
    """
    name = clean(str(path), 300)
    try:
        real = path.resolve(strict=True)
        status = real.stat()
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is a link to itself"
        raise NotFoundError(f"{name} cannot be read: {reason}") from None
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeError(f"{name} is no plain file", hint="Take it out of the folder.")
    if not real.is_relative_to(folder):
        raise UnsafeError(
            f"{name} is a link that leads out of its folder",
            hint="Put the file itself in its place.",
        )
    return AddedFile(
        path=repository_path(path.relative_to(folder).as_posix()),
        place=str(real),
        size=status.st_size,
        mark=str(status.st_mtime_ns),
    )
