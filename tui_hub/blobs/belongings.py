"""What others keep in folders that are made here: it stays when those are made anew, or go.

Programs write beside the models that they open: an engine built for this GPU, a cache, notes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from tui_hub.blobs.files import rename_exclusive, unique

IsOurs = Callable[[Path], bool]
"""Whether a file in such a folder was made here."""


def files_in(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is no folder; links are not followed."""
    for parent, folders, names in os.walk(folder):
        for name in (*names, *(name for name in folders if Path(parent, name).is_symlink())):
            yield Path(parent, name)


def has_others(folder: Path, is_ours: IsOurs) -> bool:
    """Whether anything in a folder is somebody else's."""
    return not all(map(is_ours, files_in(folder)))


def carry_over(folder: Path, build: Path, is_ours: IsOurs) -> None:
    """Take what others have in a folder over into the one that comes in its place.

    Editors that save by a new file put it in the place of a link: such a file gets a name beside.
    """
    for file in files_in(folder):
        if is_ours(file):
            continue
        place = build / file.relative_to(folder)
        if os.path.lexists(place):
            if file.is_symlink():
                continue
            place = place.with_name(unique(place.name, ".kept"))
        with suppress(FileExistsError, NotADirectoryError):
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, place, follow_symlinks=False)


def put_back(taken: Path, folder: Path, is_ours: IsOurs, mark: str) -> None:
    """Put back what others had in a folder that was taken away, if they had anything in it.

    Args:
        taken: where it is now.
        folder: its place; where that has a new owner by now, a name beside it is taken.
        is_ours: what does not come back.
        mark: the file that says whose the folder is, which stays with what others have in it.
    """
    if not has_others(taken, is_ours):
        return
    for file in list(files_in(taken)):
        if is_ours(file) and file != taken / mark:
            file.unlink()
    for parent, _, _ in os.walk(taken, topdown=False):
        with suppress(OSError):
            Path(parent).rmdir()
    try:
        rename_exclusive(taken, folder)
    except FileExistsError:
        rename_exclusive(taken, folder.with_name(unique(folder.name, ".kept")))
