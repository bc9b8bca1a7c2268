"""The disks of the home and the store, and what the store's file system can do."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from tui_hub.blobs import BlobStore, Features, probe_features, receipts
from tui_hub.blobs.folders import OWNER
from tui_hub.database import HubDatabase
from tui_hub.domain.doctor import Finding
from tui_hub.domain.errors import HubError
from tui_hub.hardware import DriverThread
from tui_hub.paths import existing_parent
from tui_hub.services.doctor.findings import error, failure, ok, warning
from tui_hub.services.storage.quota import held, over_quota
from tui_hub.settings import Configuration
from tui_hub.text import clean, size

SECONDS = 20.0
_SCARCE = 1024**3
"""Bytes that are left for downloads, below which hardly any model fits."""
_FREE = "Delete a model (`tui-hub delete`), or free space otherwise."
_LACKING: tuple[tuple[Callable[[Features], bool], str, str], ...] = (
    (
        lambda features: features.hard_links,
        "its file system makes no hard links: a file that is taken in is copied",
        "Nothing has to be done; ext4, XFS and btrfs spare the copy.",
    ),
    (
        lambda features: features.sparse,
        "its file system keeps no holes: a download takes all of its disk at once",
        "Nothing has to be done.",
    ),
    (
        lambda features: features.locks,
        "its file locks hold nobody back: two processes may fetch the same file at once",
        "Nothing breaks by that. On Lustre, the mount option `flock` mends it.",
    ),
)


async def space(configuration: Configuration) -> AsyncIterator[Finding]:
    """Free space of the home and the store."""
    async for finding in _apart("doctor disk", lambda: list(_space(configuration))):
        yield finding


async def store(configuration: Configuration, hub: HubDatabase | None) -> AsyncIterator[Finding]:
    """Whether the store is there and sound.

    Args:
        configuration: where it is.
        hub: what this home knows to be in it; `None` where that cannot be read.
    """
    installed = 0 if hub is None else len(await hub.installs.list())
    root = configuration.paths.store

    def look() -> list[Finding]:
        return [*_store(root, installed), *_quota(configuration)]

    async for finding in _apart("doctor store", look):
        yield finding


async def _apart(name: str, look: Callable[[], list[Finding]]) -> AsyncIterator[Finding]:
    """Look on a thread of its own: a disk that hangs must not keep the program from ending."""
    thread = DriverThread(name)
    try:
        for finding in await thread.run(look):
            yield finding
    finally:
        await thread.close(lambda: None, 0.0)


def _space(configuration: Configuration) -> Iterator[Finding]:
    paths, reserve = configuration.paths, configuration.settings.store.reserve
    for check, place in (("disk", paths.hub_database.parent), ("store", paths.store)):
        word = "home" if check == "disk" else "store"
        try:
            status = os.statvfs(existing_parent(place))
        except OSError as failed:
            yield error("disk", f"the disk of the {word} cannot be read: {failed.strerror}")
            continue
        free = status.f_bavail * status.f_frsize
        said = f"{size(free)} free for the {word} {place}"
        left = free - reserve
        if left <= 0:
            yield error("disk", f"{said}, which is less than the reserve of {size(reserve)}", _FREE)
        elif word == "store" and left < _SCARCE:
            yield warning("disk", f"{said}: hardly any model fits", _FREE)
        elif status.f_files and not status.f_favail:
            yield error("disk", f"{said}, but no more files can be made (inodes)", _FREE)
        else:
            yield ok("disk", said)


def _quota(configuration: Configuration) -> Iterator[Finding]:
    """Whether the store is within its quota, where it has one."""
    quota, root = configuration.settings.store.quota, configuration.paths.store
    if not quota or not (root / "VERSION").exists():
        return
    used = held(BlobStore(root))
    words = over_quota(used, quota)
    if words is not None:
        mend = "`tui-hub storage` says what deleting which model frees; `tui-hub gc` sweeps."
        yield warning("store", words, mend)
    else:
        yield ok("store", f"{size(used)} of the quota of {size(quota)} are taken")


def _store(root: Path, installed: int) -> Iterator[Finding]:
    here = BlobStore(root)
    try:
        here.check()
        if not (root / "VERSION").exists():
            yield from _missing(root, installed)
            return
        here.prepare()
        features = probe_features(here)
    except HubError as failed:
        yield failure("store", failed)
        return
    lacking = [(words, mend) for has, words, mend in _LACKING if not has(features)]
    if not features.symlinks:
        yield error(
            "store",
            f"the file system of {root} takes no symbolic links, which `active/` is made of",
            "Choose another place for the store with MODEL_STORE_PATH.",
        )
    for words, mend in lacking:
        yield warning("store", f"{root}: {words}", mend)
    yield from _damaged(here)
    if features.symlinks and not lacking:
        yield _sound(root, features)
    mode = root.stat().st_mode
    if mode & stat.S_IWOTH:
        yield warning(
            "store",
            f"everybody on this box may write to {root}, and put any model into it",
            f"`chmod o-w {root}`; for several users, give it to their group.",
        )
    if mode & stat.S_IWGRP:
        yield _shared(root, mode)


def _sound(root: Path, features: Features) -> Finding:
    said = f"{root} can be written; links, holes, locks and fsync work"
    if features.reflinks:
        return ok("store", f"{said}, and files share blocks (reflinks)")
    return ok(
        "store",
        f"{said}; files cannot share blocks (reflinks)",
        "Nothing has to be done; on XFS and btrfs `scan --adopt` takes models in at no cost.",
    )


def _damaged(store: BlobStore) -> Iterator[Finding]:
    """Receipts that cannot be read, each with the command that brings a good one."""
    for path in receipts.damaged(store):
        try:
            model = clean((path.parent / OWNER).read_text("utf-8", "replace"), 200)
        except OSError:
            model = "MODEL"
        yield error(
            "store",
            f"the receipt {path} cannot be read: nothing is swept from the store until it can",
            f"Move it away, then `tui-hub download {model}`: its bytes are here still.",
        )


def _missing(root: Path, installed: int) -> Iterator[Finding]:
    above = existing_parent(root)
    if installed:
        models = f"{installed} installed model{'' if installed == 1 else 's'}"
        yield error(
            "store",
            f"{root} is not there, where {models} should be",
            "Mount its disk, or name the right folder with MODEL_STORE_PATH.",
        )
    elif not os.access(above, os.W_OK | os.X_OK) or not above.is_dir():
        yield error(
            "store",
            f"{root} cannot be made: this user may not write to {above}",
            "Name another place with MODEL_STORE_PATH, or give this user the right to write.",
        )
    else:
        yield ok("store", f"{root} is not made yet; the first download makes it")


def _shared(root: Path, mode: int) -> Finding:
    """A store of a group. With the sticky bit nobody can sweep what another brought in."""
    if mode & stat.S_ISVTX:
        return warning(
            "store",
            f"{root} has the sticky bit: what one user brought in, no other can delete",
            f"`chmod -t {root}` lets the group sweep together.",
        )
    return ok("store", f"{root} is shared: everybody in its group may add and delete models")
