"""The store: what it holds, and taking a model out of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from tui_hub import text
from tui_hub.blobs import BlobStore, collect, receipts
from tui_hub.blobs.changing import Place
from tui_hub.blobs.metadata import remove_metadata
from tui_hub.domain.artifacts import Artifact, variants_of
from tui_hub.domain.errors import NotFoundError, RefusedError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import DEFAULT_REF
from tui_hub.domain.storage import Deletion, Install, StorageUsage
from tui_hub.events import StorageChanged
from tui_hub.services.context import Context
from tui_hub.services.downloads.installing import publish
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.models.statuses import artifacts_of, live_downloads, settle_status
from tui_hub.services.slots.service import Activation
from tui_hub.services.slots.standing import read_slots, slots_of
from tui_hub.services.storage.keeping import without_blob
from tui_hub.services.storage.losses import losses
from tui_hub.services.storage.resting import give_up_downloads, resting_downloads
from tui_hub.services.storage.unfinished import unfinished
from tui_hub.services.storage.usage import freed_by, measure
from tui_hub.services.storage.views import changing, hide, needed_besides, place_of
from tui_hub.services.sync.renames import name_here


class Storage:
    """Counts what is on disk, and deletes: rows first, then bytes."""

    def __init__(self, context: Context, jobs: Jobs, activation: Activation) -> None:
        self._context = context
        self._jobs = jobs
        self._activation = activation

    async def usage(self) -> StorageUsage:
        """The store in figures, by type, source and model."""
        installs = {one.model: one for one in await self._context.hub.installs.list()}
        active = {slot.model for slot in (await read_slots(self._context)).values()}
        quota = self._context.configuration.settings.store.quota
        lost = await losses(self._context)
        entries = [await self._context.catalogue.models.get(one) for one in {f.model for f in lost}]
        types = {entry.id: entry.type for entry in entries if entry is not None}
        return await self._context.on_disk(
            measure, self._context.store, installs, active, quota, lost, types
        )

    async def installs(self) -> list[Install]:
        """The models that are installed."""
        return await self._context.hub.installs.list()

    async def damaged(self) -> frozenset[str]:
        """The models of which files are lost that were here."""
        return frozenset(file.model for file in await losses(self._context))

    async def preview_delete(self, model: str | ModelId, *, variant: str | None = None) -> Deletion:
        """What deleting a model, or one variant of it, would take and free.

        Raises:
            NotFoundError: when nothing of it is here.
        """
        wanted = await name_here(self._context, model)
        if variant is not None:
            if (begun := await self._only_begun(wanted, variant)) is not None:
                return begun
            install, going, staying = await self._split(wanted, variant)
            if staying:
                blobs = [file.blob for file in going if file.blob]
                kept = {file.blob for file in staying if file.blob}
                freed = await self._context.on_disk(self._would_free, wanted, blobs, kept)
                return Deletion(model=install.model, files=len(going), bytes_freed=freed)
        blobs, others = await self._blobs(wanted)
        freed = await self._context.on_disk(self._would_free, wanted, blobs, set())
        freed += (await unfinished(self._context, wanted)).bytes
        return Deletion(model=wanted, files=len(blobs), bytes_freed=freed, other_revisions=others)

    async def delete(
        self, model: str | ModelId, *, variant: str | None = None, deactivate: bool = False
    ) -> Deletion:
        """Take a model, or one variant of it, off this box. Blobs that others share stay.

        The whole model goes with the files of its named versions.

        Raises:
            NotFoundError: when nothing of it is here.
            RefusedError: while it is active (unless `deactivate`) or being downloaded, and for the
                last variant where files of named versions would go with it.
        """
        wanted = await name_here(self._context, model)
        if variant is not None:
            if (begun := await self._only_begun(wanted, variant)) is not None:
                await give_up_downloads(self._context, self._jobs, wanted, variant)
                self._context.bus.publish(StorageChanged())
                return begun
            install, going, staying = await self._split(wanted, variant)
            if staying:
                return await self._delete_variant(install, variant, going, deactivate)
        async with self._context.alone(f"model {wanted}"):
            blobs, others = await self._blobs(wanted)
            await self._refuse_if_downloading(wanted)
            await self._release(wanted, deactivate)
            await self._context.prepare_store()
            # What cannot be read here must be known before the rows go.
            await self._context.on_disk(receipts.references, self._context.store)
            registered = await self._context.hub.registrations.get(wanted) is not None
            left = await unfinished(self._context, wanted)
            receipt = await self._context.on_disk(receipts.read, self._context.store, wanted)
            places = () if receipt is None else (place_of(receipt),)
            async with changing(self._context, wanted, *places):
                await self._forget(wanted)
                await self._context.hub.pins.delete(wanted)
                # Not before it is sure that the model goes: their bytes are gone at once.
                await give_up_downloads(self._context, self._jobs, wanted)
                await settle_status(self._context, wanted)
                await self._context.on_disk(self._context.store.discard_partials, left.keys)
                freed = left.bytes + await self._context.on_disk(
                    lambda: remove_files(
                        self._context.store, wanted, places, blobs, keep_small_files=registered
                    )
                )
        self._context.bus.publish(StorageChanged())
        return Deletion(model=wanted, files=len(blobs), bytes_freed=freed, other_revisions=others)

    async def _only_begun(self, model: str, variant: str) -> Deletion | None:
        """What giving up the paused downloads of a variant frees that is not installed."""
        install = await self._context.hub.installs.get(model)
        installed = () if install is None else install.variants
        jobs = await resting_downloads(self._context, model, variant)
        if not jobs or variant.lower() in map(str.lower, installed):
            return None
        files = [file for job in jobs for file in await artifacts_of(self._context, job)]
        left = await unfinished(self._context, model, files)
        return Deletion(model=model, files=len(left.keys), bytes_freed=left.bytes)

    async def _split(
        self, model: str, variant: str
    ) -> tuple[Install, list[Artifact], list[Artifact]]:
        """The files here that only this variant needs, and those that stay for the others."""
        install = await self._context.hub.installs.get(model)
        installed = install.variants if install is not None else ()
        variant = next((name for name in installed if name.lower() == variant.lower()), variant)
        if install is None or variant not in installed:
            raise NotFoundError(
                f"the variant {text.clean(variant, 80)!r} of {model} is not on this box",
                hint=f"Installed: {', '.join(installed)}." if installed else None,
            )
        files = await self._context.hub.artifacts.of(model, install.revision)
        kept = {
            path
            for one in variants_of(files)
            if one.name in install.variants and one.name != variant
            for path in one.paths
        }
        here = [file for file in files if file.blob]
        staying = [file for file in here if file.path in kept]
        receipt = await self._context.on_disk(receipts.read, self._context.store, model)
        if not staying and receipt is not None and receipt.kept:
            raise RefusedError(
                f"{text.clean(variant, 80)} is all that is installed of {model}, and named "
                "versions of it are kept beside that",
                hint=f"`tui-hub delete {model}` takes those too.",
            )
        return install, [file for file in here if file.path not in kept], staying

    async def _delete_variant(
        self,
        install: Install,
        variant: str,
        going: Sequence[Artifact],
        deactivate: bool,
    ) -> Deletion:
        """Take the files of one variant out, and publish what stays."""
        context = self._context
        async with context.alone(f"model {install.model}"):
            await self._refuse_if_downloading(install.model)
            await self._release(install.model, deactivate, variant)
            await context.prepare_store()
            await context.hub.artifacts.save(*map(without_blob, going))
            await publish(context, install.model, install.revision, (DEFAULT_REF,), whole=True)
            await give_up_downloads(context, self._jobs, install.model, variant)
            blobs = {file.blob for file in going if file.blob}
            freed = await context.on_disk(collect, context.store, blobs)
        await settle_status(context, install.model)
        context.bus.publish(StorageChanged())
        return Deletion(model=install.model, files=len(going), bytes_freed=freed)

    async def _blobs(self, model: str) -> tuple[list[str], int]:
        """The blobs of a model's files, one entry a file, and how many are of other revisions.

        The receipt counts too, so that a deletion that was cut short can be repeated.
        """
        blobs = {
            (file.revision, file.path): file.blob
            for file in await self._context.hub.artifacts.all_of(model)
            if file.blob
        }
        receipt = await self._context.on_disk(receipts.read, self._context.store, model)
        if receipt is not None:
            blobs |= {(receipt.revision, file.path): file.sha256 for file in receipt.files}
            blobs |= {(one.revision, file.path): file.sha256
                      for one in receipt.kept for file in one.files}  # fmt: skip
        pinned = await self._context.hub.pins.get(model) is not None
        anything = blobs or pinned or await self._lost(model)
        if not anything and not (await unfinished(self._context, model)).keys:
            raise NotFoundError(
                f"nothing of {model} is on this box", hint="`tui-hub storage` lists what is."
            )
        install = await self._context.hub.installs.get(model)
        current = None if install is None else install.revision
        files = [revision for (revision, _), blob in blobs.items() if blob]
        others = len(files) - files.count(current) if current in files else 0
        return [blob for blob in blobs.values() if blob], others

    async def _lost(self, model: str) -> list[Artifact]:
        """The files of a model that were here, and are not since they were damaged."""
        return [file for file in await losses(self._context) if file.model == model]

    async def _refuse_if_downloading(self, model: str) -> None:
        for job in await live_downloads(self._context):
            if job.payload.get("model") == model:
                raise RefusedError(
                    f"{model} is being downloaded",
                    hint=f"`tui-hub jobs --cancel {job.id}` stops it.",
                )

    async def _release(self, model: str, deactivate: bool, variant: str | None = None) -> None:
        """Empty the slots of a model, or of one variant of it, if that is allowed."""
        for slot in await slots_of(self._context, model):
            if variant is not None and (slot.variant or "").lower() != variant.lower():
                continue
            if not deactivate:
                raise RefusedError(
                    f"{variant or model} is active as {slot.type}",
                    hint=f"`tui-hub deactivate {slot.type}` first.",
                )
            await self._activation.deactivate(slot.type)

    async def _forget(self, model: str) -> None:
        if not await self._context.hub.installs.forget(model):
            raise RefusedError(f"{model} became active meanwhile", hint="Deactivate it first.")
        files = await self._context.hub.artifacts.all_of(model)
        rows = [file for file in files if file.blob] + await self._lost(model)
        await self._context.hub.artifacts.save(*map(without_blob, rows))

    def _would_free(self, model: str, blobs: Sequence[str], staying: Collection[str]) -> int:
        store = self._context.store
        found = list(receipts.iter(store))
        others = (receipt for receipt in found if receipt.model != model)
        kept = set(staying) | {file.sha256 for one in others for file in one.all_files}
        kept |= needed_besides(store, found)
        return sum(freed_by(store, blob) for blob in set(blobs) - kept)


def remove_files(
    store: BlobStore,
    model: str,
    places: Iterable[Place],
    blobs: Collection[str],
    *,
    keep_small_files: bool,
) -> int:
    """Take all of a model out of a store: receipt, views, bytes; the bytes that frees.

    The receipt goes first: what a kill leaves after that is swept by `gc`.
    """
    receipts.delete(store, model)
    hide(store, model, places)
    if not keep_small_files:
        remove_metadata(store, model)
    return collect(store, set(blobs))
