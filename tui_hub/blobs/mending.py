"""The links by which programs find blobs: whether they lead where they should, and mending them.

A link holds nothing of its own, so one that is missing or leads elsewhere is simply made again.
What stands in its place and is no link is somebody's: it is told of, and left alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tui_hub.blobs.files import fsync_folder, make_folder, storage_errors, write_atomic
from tui_hub.blobs.huggingface import NO_LINK
from tui_hub.blobs.receipts import Receipt
from tui_hub.blobs.store import BlobStore
from tui_hub.blobs.views import VIEW_MARKER, replace_link
from tui_hub.domain.errors import HubError
from tui_hub.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Mended:
    """Something in the store beside the blobs that was not as it should be."""

    path: Path
    problem: str
    mend: Callable[[], None] | None
    """Makes it as it should be, or raises `HubError` or `OSError`; `None` where it is left."""


def faults(store: BlobStore, receipt: Receipt) -> Iterator[Mended]:
    """What is wrong with the folder that loaders open of a model.

    Blobs that are missing are none of this.
    """
    view = store.root / receipt.path
    marker = view / VIEW_MARKER
    try:
        owner = marker.read_text("utf-8", "replace")
    except OSError:
        owner = None
    if owner not in (None, receipt.model):
        yield Mended(view, f"is the folder of {owner}", None)
        return
    if owner is None:
        yield Mended(marker, "is missing", lambda: _mark(store, marker, receipt.model))
    for file in receipt.files:
        link, target = view / file.path, store.path(file.sha256)
        problem, ours = _look(link, target)
        if problem and target.exists():
            yield Mended(link, problem, _linking(store, link, target) if ours else None)


def _look(link: Path, target: Path) -> tuple[str | None, bool]:
    """What is wrong with a link, and whether it is one that can be made again."""
    try:
        leads = os.path.normpath(link.parent / link.readlink())
    except FileNotFoundError:
        return "is missing", True
    except OSError:
        return NO_LINK, False
    return (None, True) if leads == os.fspath(target) else ("leads elsewhere", True)


def _linking(store: BlobStore, link: Path, target: Path) -> Callable[[], None]:
    def mend() -> None:
        with storage_errors(store.root):
            make_folder(link.parent)
            replace_link(store, link, os.path.relpath(target, link.parent))
            fsync_folder(link.parent)

    return mend


def _mark(store: BlobStore, marker: Path, model: str) -> None:
    with storage_errors(store.root):
        try:
            make_folder(marker.parent)
        except FileExistsError:
            raise HubError(f"{marker.parent} is no folder") from None
        write_atomic(store.temp, marker, model.encode("utf-8", "replace"))
