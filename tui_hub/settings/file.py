"""Changing the settings file: what the user wrote in it stays as it is, comments and all."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import stat
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tui_hub.domain.errors import HubError, RefusedError, UsageError

_log = logging.getLogger(__name__)

Notes = dict[tuple[str, int], str]
"""Comments by the header below them, and its number among equal ones; an empty one is the end."""
Document = MutableMapping[str, Any]
Stamp = tuple[int, ...]

_BOM = b"\xef\xbb\xbf"
_PATIENCE = 5.0
"""Seconds to wait for another process that changes the same file."""
_BY_HAND = "Change it with an editor."


def stamp(path: Path) -> Stamp | None:
    """By what a change of the file shows, whoever made it; `None` where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def change(path: Path, edit: Callable[[Document], None], check: Callable[[Document], None]) -> None:
    """Change a settings file and keep all else: comments, order, line ends, mode, owner, links.

    The file is replaced in one step, so that nobody ever reads half of it. Blocks.

    Args:
        path: the file; it and its folder are made where they are not there.
        edit: makes the change; called twice, with equal documents.
        check: raises what would be wrong with the document afterwards.

    Raises:
        UsageError: the file is broken as it is.
        RefusedError: it cannot be written, or changed in that moment.
    """
    # A link to the file stays a link: what it leads to is what changes.
    target = Path(os.path.realpath(path))
    with _storage_errors(path):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(target.parent, path):
            before = _read(target, path)
            after = _changed(before or b"", path, edit, check)
            if after != before:
                _replace(target, path, before, after)


def _changed(
    before: bytes, path: Path, edit: Callable[[Document], None], check: Callable[[Document], None]
) -> bytes:
    try:
        content = before.decode("utf-8-sig")
        wanted = tomllib.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"the settings file {path} is broken and stays as it is: {error}",
            hint="Mend the line, then try again.",
        ) from None
    edit(wanted)
    check(wanted)
    after = _rewritten(content, edit)
    if after is None or _sections(tomllib.loads(after)) != _sections(wanted):
        raise RefusedError(
            f"the settings file {path} is written in a way that this change cannot keep",
            hint=_BY_HAND,
        )
    if "\r\n" in content and content.count("\n") == content.count("\r\n"):
        after = after.replace("\r\n", "\n").replace("\n", "\r\n")
    return (_BOM if before.startswith(_BOM) else b"") + after.encode()


def _rewritten(content: str, edit: Callable[[Document], None]) -> str | None:
    """The text after the change; `None` where it cannot be made in this text."""
    import tomlkit

    bare, notes = _detached(content)
    try:
        document = tomlkit.parse(bare)
        edit(document)
        return _attached(tomlkit.dumps(document), notes)
    except HubError:
        raise
    except Exception as error:
        # Rare spellings that are right in TOML are more than tomlkit can take a change of.
        _log.info("tomlkit cannot make this change: %s", type(error).__name__)
        return None


def _sections(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document without sections in which nothing stands."""
    return {name: section for name, section in document.items() if section != {}}


def _detached(content: str) -> tuple[str, Notes]:
    """The text without the comments above its headers, and these comments with those at its end.

    tomlkit takes them for the end of the table before: it would put new keys below them, and drop
    them together with that table.
    """
    notes: Notes = {}
    kept: list[str] = []
    block: list[str] = []
    seen: Counter[str] = Counter()
    for line in [*content.splitlines(keepends=True), ""]:
        if line.lstrip().startswith("#") or (block and line and not line.strip()):
            block.append(line)
            continue
        if line.startswith("["):
            notes[line.strip(), seen[line.strip()]] = "".join(block)
            seen[line.strip()] += 1
        else:
            kept += block
        if not line:
            notes["", 0] = "".join(block)
        kept.append(line)
        block = []
    return "".join(kept), notes


def _attached(text: str, notes: Notes) -> str:
    """The text with the comments again; those of a header that is gone stand above the next."""
    lines: list[str] = []
    seen: Counter[str] = Counter()
    left = dict(notes)
    end = left.pop(("", 0))
    for line in text.splitlines(keepends=True):
        key = (line.strip(), seen[line.strip()])
        if line.startswith("[") and key in left:
            seen[key[0]] += 1
            for before in list(left):
                lines.append(left.pop(before))
                if before == key:
                    break
        lines.append(line)
    lost = "".join(left.values()) + ("" if end.strip() in text else end)
    kept = "".join(lines)
    gap = "\n" if kept.strip() and lost.strip() else ""
    return f"{kept}{gap}{lost}"


def _read(target: Path, path: Path) -> bytes | None:
    try:
        if not stat.S_ISREG(target.stat().st_mode):
            raise RefusedError(f"the settings file {path} is no plain file", hint=_BY_HAND)
        return target.read_bytes()
    except FileNotFoundError:
        return None


def _replace(target: Path, path: Path, before: bytes | None, after: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            if before is not None:
                _take_after(file.fileno(), target.stat())
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        if _read(target, path) != before:
            raise RefusedError(
                f"the settings file {path} was changed by another program in this moment",
                hint="Try again.",
            )
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _take_after(descriptor: int, status: os.stat_result) -> None:
    """Give a file the mode of another, and its owner where this user may."""
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


@contextmanager
def _alone(folder: Path, path: Path) -> Iterator[None]:
    """Keep other processes of this program from changing files of the folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _locked(descriptor):
            if time.monotonic() > deadline:
                raise RefusedError(
                    f"another process is changing the settings file {path}", hint="Try again."
                )
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some network file systems lock no folder; the look before the replacement remains.
        return True
    return True


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RefusedError(
            f"the settings file {path} cannot be changed: {error.strerror}",
            hint="Its folder must be one that this user can write, on a disk with room.",
        ) from None
