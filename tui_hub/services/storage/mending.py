"""What lies in the store beside the blobs and holds nothing of its own: looked at, and mended.

These are the folders in which programs find models, the small files kept for reading offline, and
the links of the slots.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from tui_hub.blobs import BlobStore, Receipt, receipts
from tui_hub.blobs.changing import under_change
from tui_hub.blobs.examination import strangers
from tui_hub.blobs.folders import owner_of
from tui_hub.blobs.huggingface import NO_LINK
from tui_hub.blobs.mending import Mended, faults
from tui_hub.blobs.metadata import find_metadata, write_metadata
from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import HubError
from tui_hub.domain.verification import Damage, Mend
from tui_hub.services.context import Context
from tui_hub.services.downloads.copies import is_copy
from tui_hub.services.storage.disk_work import DiskWork
from tui_hub.services.storage.views import show_to_source, shown_by, wrong_for_source


class Beside:
    """Looks at all of that, on the thread of some work."""

    def __init__(self, context: Context, work: DiskWork, *, dry_run: bool) -> None:
        self._context = context
        self._store = context.store
        self._work = work
        self._dry_run = dry_run

    async def models(self) -> set[str]:
        """The models of which anything lies below `metadata/`."""
        folders = await self._work.on_thread(lambda: list(self._store.metadata.iterdir()))
        owners = await self._work.on_thread(lambda: [owner_of(folder) for folder in folders])
        return {owner for owner in owners if owner}

    async def receipts(self) -> list[Damage]:
        """The receipts that cannot be read."""
        found = await self._work.on_thread(receipts.damaged, self._store)
        return [
            Damage(
                path=str(path),
                reason="is a receipt that cannot be read: move it away, and download its model "
                "again to keep its files",
                owner=await self._work.on_thread(owner_of, path.parent) or path.parent.name,
            )
            for path in found
        ]

    async def strangers(self) -> tuple[str, ...]:
        """What lies among the blobs and is none."""
        found = await self._work.on_thread(lambda: list(strangers(self._store)))
        return tuple(sorted(map(str, found)))

    async def slots(self) -> list[Mend]:
        """The links of slots that lead nowhere."""
        return await self._work.on_thread(dangling_slots, self._store)

    async def mend(self, models: Collection[str]) -> list[Mend]:
        """Look at the folders and small files of some models, and mend what can be."""
        found: list[Mend] = []
        for model in sorted(models):
            self._work.subject = model
            rows = await self._context.hub.artifacts.all_of(model)
            async with self._context.alone(f"model {model}"):
                found += await self._work.on_thread(
                    mend_model,
                    self._store,
                    model,
                    rows,
                    self._work.advance,
                    dry_run=self._dry_run,
                )
        return found


def mend_model(
    store: BlobStore,
    model: str,
    rows: Sequence[Artifact],
    step: Callable[[int], None],
    *,
    dry_run: bool,
) -> list[Mend]:
    """Look at the folders and the small files of a model, and mend what can be.

    The caller must be alone with the model.

    Args:
        store: the store.
        model: its id.
        rows: its files, of all revisions, as this home knows them.
        step: called between two files; what it raises ends the work.
        dry_run: whether everything stays as it is.
    """
    found = list(_small_files(store, model, rows, step))
    receipt = _receipt(store, model)
    # What another process is just changing is not wrong.
    if receipt is not None and receipt.path and model not in under_change(store):
        step(0)
        found += [*faults(store, receipt), *_source_faults(store, receipt)]
    return [_mended(one, model, dry_run) for one in found]


def dangling_slots(store: BlobStore) -> list[Mend]:
    """The links of slots that lead nowhere. What to do about one is for `gc` or a person."""
    try:
        links = sorted(store.active.iterdir())
    except FileNotFoundError:
        return []
    return [
        Mend(path=str(link), problem="leads nowhere", done=False)
        for link in links
        if link.is_symlink() and not link.exists()
    ]


def _receipt(store: BlobStore, model: str) -> Receipt | None:
    try:
        return receipts.read(store, model)
    except HubError:
        return None  # told elsewhere


def _source_faults(store: BlobStore, receipt: Receipt) -> Iterator[Mended]:
    """What is wrong with what the programs of the model's source see of it."""
    try:
        wrong = wrong_for_source(store, receipt)
    except HubError:
        return  # its name is none that those programs know
    if wrong is not None:
        here = [file for file in receipt.files if store.has(file.sha256, file.size)]
        shown = shown_by(receipt, here)
        path, problem = wrong
        left = problem == NO_LINK
        yield Mended(path, problem, None if left else lambda: show_to_source(store, shown))


def _small_files(
    store: BlobStore, model: str, rows: Sequence[Artifact], step: Callable[[int], None]
) -> Iterator[Mended]:
    """The copies of small files that are none of any revision that is known."""
    by_path: dict[str, list[Artifact]] = {}
    for row in rows:
        by_path.setdefault(row.path, []).append(row)
    for path, listed in by_path.items():
        copy = _copy(store, model, path)
        telling = [row for row in listed if row.sha256 or row.git_sha1]
        if copy is None or not telling:
            continue
        step(0)
        try:
            right = any(is_copy(row, copy) for row in telling)
        except OSError as error:
            yield Mended(copy, f"cannot be read: {error.strerror}", None)
            continue
        if not right:
            held = next((row.blob for row in listed if row.blob and store.has(row.blob)), None)
            yield Mended(
                copy, "is not what its source listed", _copying(store, model, copy, path, held)
            )


def _copy(store: BlobStore, model: str, path: str) -> Path | None:
    try:
        return find_metadata(store, model, path)
    except (HubError, OSError):
        return None


def _copying(
    store: BlobStore, model: str, copy: Path, path: str, blob: str | None
) -> Callable[[], None]:
    """Take the copy from the blob that is here, or away: then the next reader fetches it."""

    def mend() -> None:
        if blob is None:
            copy.unlink(missing_ok=True)
        else:
            write_metadata(store, model, path, store.path(blob).read_bytes())

    return mend


def _mended(one: Mended, model: str, dry_run: bool) -> Mend:
    problem, done = one.problem, False
    if one.mend is not None and not dry_run:
        try:
            one.mend()
            done = True
        except (HubError, OSError) as error:
            why = error.message if isinstance(error, HubError) else str(error.strerror)
            problem = f"{problem}, and stays so: {why}"
    return Mend(path=str(one.path), problem=problem, done=done, model=model)
