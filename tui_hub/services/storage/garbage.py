"""Sweeping the store: what no receipt and no running process needs goes, in whichever home."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from tui_hub.blobs import BlobStore, unreferenced
from tui_hub.blobs.files import storage_errors
from tui_hub.blobs.garbage import collect_each
from tui_hub.blobs.leftovers import (
    Leftover,
    Surroundings,
    caches,
    slots,
    small_files,
    views,
)
from tui_hub.blobs.quarantine import quarantined
from tui_hub.blobs.sweeping import disk_of, leftovers, remove
from tui_hub.domain.garbage import Garbage, GarbageKind, GarbagePiece
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.events import StorageChanged
from tui_hub.services.context import Context
from tui_hub.services.downloads.awaited import awaited
from tui_hub.services.storage.keeping import without_blob
from tui_hub.services.storage.usage import freed_by
from tui_hub.text import parse_time

_LEFT = 7 * 86_400.0
"""Seconds after which nobody is expected to come back for what lies in `temp/` or `metadata/`."""
_WAITING = (JobStatus.PENDING, JobStatus.RUNNING, JobStatus.PAUSED)


class GarbageCollection:
    """Finds what nothing needs, and sweeps it.

    What keeps a blob alive is written in the store: receipts, and what running processes hold.
    This home's own rows only ever keep more, never less: blobs of a download that waits to go on.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    async def look(self, *, quarantined_before: str | None = None) -> Garbage:
        """What would be swept; see `sweep`."""
        if not self._context.store_is_there():
            return Garbage(dry_run=True)
        blobs, kept = await self._blobs()
        wanted = await self._wanted()
        coming = await awaited(self._context.hub)
        pieces = await self._context.on_disk(
            _look, self._store, blobs, wanted, coming, quarantined_before
        )
        held = await self._quarantined(pieces)
        return Garbage(pieces=tuple(pieces), kept=kept, quarantined=held, dry_run=True)

    async def sweep(self, *, quarantined_before: str | None = None) -> Garbage:
        """Delete what nothing needs. Safe beside any work of any process on the same store.

        Args:
            quarantined_before: a time; damaged bytes that were moved away before it go too.

        Raises:
            RefusedError: when a receipt cannot be read, or the store is not there.
        """
        context = self._context
        await context.prepare_store()
        async with context.alone("gc"):
            blobs, kept = await self._blobs()
            rows = await context.hub.artifacts.holding(blobs)
            # Rows first: a row must never name bytes that are gone.
            await context.hub.artifacts.save(*map(without_blob, rows))
            wanted = await self._wanted()
            coming = await awaited(context.hub)
            pieces = await context.on_disk(
                sweep_store, self._store, blobs, wanted, coming, quarantined_before
            )
        context.bus.publish(StorageChanged())
        held = await self._quarantined(pieces)
        return Garbage(pieces=tuple(pieces), kept=kept, quarantined=held)

    async def _quarantined(self, pieces: Collection[GarbagePiece]) -> int:
        """Damaged bytes that none of these pieces is."""
        going = {piece.path for piece in pieces}
        try:
            held = await self._context.on_disk(quarantined, self._store)
        except OSError:  # what may not be looked at is in nobody's way
            return 0
        return sum(one.size for one in held if str(one.path) not in going)

    async def _blobs(self) -> tuple[set[str], int]:
        """The blobs that nothing needs, and how many more wait for a download of this home."""
        found = await self._context.on_disk(unreferenced, self._store)
        jobs = await self._context.hub.jobs.list((JobType.DOWNLOAD,), _WAITING, 1000)
        models = {job.payload.get("model") for job in jobs}
        rows = await self._context.hub.artifacts.holding(found)
        waiting = {row.blob for row in rows if row.model in models}
        return {one for one in found if one not in waiting}, len(waiting)

    async def _wanted(self) -> set[str]:
        """The models whose small files stay though nothing else of them is here."""
        registered = await self._context.hub.registrations.list()
        jobs = await self._context.hub.jobs.list((JobType.DOWNLOAD,), _WAITING, 1000)
        return {one.model for one in registered} | {str(job.payload.get("model")) for job in jobs}


def _look(
    store: BlobStore,
    blobs: Collection[str],
    wanted: Collection[str],
    coming: Collection[str],
    before: str | None,
) -> list[GarbagePiece]:
    return [
        *(_blob(store, sha256, freed_by(store, sha256)) for sha256 in sorted(blobs)),
        *(_piece(kind, one.path) for kind, one in _beside(store, wanted)),
        *(_piece(kind, path) for kind, path in _loose(store, coming, before)),
    ]


def sweep_store(
    store: BlobStore,
    blobs: Collection[str],
    wanted: Collection[str],
    coming: Collection[str],
    before: str | None,
) -> list[GarbagePiece]:
    """Delete what nothing needs; links before the blobs that they lead to.

    Args:
        store: the store.
        blobs: those that may go; each is looked at once more.
        wanted: models whose small files stay.
        coming: unfinished files that a download will come back for, by their keys.
        before: a time; what came into quarantine before it goes too.
    """
    done = []
    for kind, one in _beside(store, wanted):
        piece = _piece(kind, one.path)
        if one.remove():
            done.append(piece)
    for sha256, freed in sorted(collect_each(store, blobs).items()):
        done.append(_blob(store, sha256, freed))
    with storage_errors(store.root):
        for kind, path in list(_loose(store, coming, before)):
            piece = _piece(kind, path)
            remove(path)
            if not os.path.lexists(path):
                done.append(piece)
    return done


def _beside(store: BlobStore, wanted: Collection[str]) -> Iterator[tuple[GarbageKind, Leftover]]:
    """Folders and links that lead to nothing."""
    seen = Surroundings(store)
    for kind, found in (
        (GarbageKind.VIEW, views(store, seen)),
        (GarbageKind.CACHE, caches(store, seen)),
        (GarbageKind.METADATA, small_files(store, lambda model: model in wanted, _LEFT)),
        (GarbageKind.SLOT, slots(store)),
    ):
        for one in found:
            yield kind, one


def _loose(
    store: BlobStore, coming: Collection[str], before: str | None
) -> Iterator[tuple[GarbageKind, Path]]:
    """Files that no model has, and that are no blobs."""
    for path in leftovers(store.temp, _LEFT, coming):
        yield GarbageKind.PARTIAL, path
    for path in _old_quarantine(store, before):
        yield GarbageKind.QUARANTINE, path


def _old_quarantine(store: BlobStore, before: str | None) -> list[Path]:
    """What came into quarantine before a moment; nothing where none is named."""
    moment = parse_time(before) if before is not None else None
    if moment is None:
        return []
    return [one.path for one in quarantined(store) if one.at < moment.timestamp()]


def _blob(store: BlobStore, sha256: str, freed: int) -> GarbagePiece:
    return GarbagePiece(kind=GarbageKind.BLOB, path=str(store.path(sha256)), bytes=freed)


def _piece(kind: GarbageKind, path: Path) -> GarbagePiece:
    return GarbagePiece(kind=kind, path=str(path), bytes=disk_of(path))
