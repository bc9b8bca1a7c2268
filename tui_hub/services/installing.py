"""What happens once files are in the store: views, receipt, and the rows that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tui_hub import text
from tui_hub.blobs import Receipt, ReceiptFile, collect, publish_hf, publish_model, receipts
from tui_hub.domain.artifacts import Artifact, ArtifactStatus, Verified, installed_variants
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.storage import Install
from tui_hub.events import ModelChanged, StorageChanged
from tui_hub.services.context import Context


async def publish(context: Context, model: Model, revision: str, ref: str | None) -> str | None:
    """Publish the files of a revision that are here, and mark the model installed if a variant is.

    Returns the folder that a loader opens, or `None` while nothing is here.
    """
    files = await context.hub.artifacts.of(model.id, revision)
    here = [file for file in files if file.status is ArtifactStatus.COMPLETED and file.blob]
    if not here:
        return None
    variants = installed_variants(files)
    before = await context.hub.installs.get(model.id)
    if before is not None and before.revision != revision and not variants:
        # A few files of a newer revision must not take the place of a model that works.
        return before.path
    path = await context.on_disk(_publish, context, model, revision, ref, here)
    if variants:
        await context.hub.installs.put(_install(model, revision, path, here, variants))
    if before is not None and before.revision != revision:
        await _retire(context, model, before.revision, revision)
    context.bus.publish(StorageChanged())
    return path


async def _retire(context: Context, model: Model, old: str, new: str) -> None:
    """Give up the files of a revision that another took the place of: rows first, then bytes."""
    slot = await context.hub.slots.get(model.type)
    if slot is not None and slot.model == model.id:
        await context.hub.slots.put(replace(slot, revision=new))
    files = [file for file in await context.hub.artifacts.of(model.id, old) if file.blob]
    await context.hub.artifacts.save(*map(without_blob, files))
    await context.on_disk(collect, context.store, {file.blob for file in files if file.blob})


def without_blob(file: Artifact) -> Artifact:
    """The file as it is once its bytes are not counted on any more."""
    return replace(file, status=ArtifactStatus.PENDING, blob=None, verified=Verified.NONE, job=None)


async def set_status(context: Context, model: str, status: ModelStatus) -> None:
    """Write a model's status where the catalogue finds it."""
    await context.catalogue.models.set_local(model, status=status)
    context.bus.publish(ModelChanged(model))


async def settle_status(context: Context, model: str, *, failed: bool = False) -> None:
    """Put a model's status back to what is on disk, after a download ended or was given up."""
    install = await context.hub.installs.get(model)
    if install is None:
        status = ModelStatus.ERROR if failed else ModelStatus.NOT_INSTALLED
        await set_status(context, model, status)
        return
    slot = await context.hub.slots.get(install.type)
    active = slot is not None and slot.model == model
    await set_status(context, model, ModelStatus.ACTIVE if active else ModelStatus.INSTALLED)


def _publish(
    context: Context, model: Model, revision: str, ref: str | None, files: Sequence[Artifact]
) -> str:
    """Make what people open, and the receipt that keeps the blobs alive from here on."""
    store = context.store
    blobs = {file.path: file.blob for file in files if file.blob}
    path = publish_model(store, model.type, model.name, model.author, model.id, blobs)
    if model.source == "hf":
        publish_hf(
            store,
            model.id.partition(":")[2],
            revision,
            ref,
            [(file.path, file.blob, file.git_sha1) for file in files if file.blob],
        )
    receipts.write(
        store,
        Receipt(
            model=model.id,
            source=model.source,
            revision=revision,
            type=model.type,
            name=model.name,
            author=model.author,
            license=model.license,
            installed_at=text.now(),
            path=str(path.relative_to(store.root)),
            files=tuple(_receipt_file(file) for file in files),
        ),
    )
    return str(path)


def _receipt_file(file: Artifact) -> ReceiptFile:
    return ReceiptFile(
        path=file.path,
        sha256=file.blob or "",
        size=file.size or 0,
        etag=file.etag,
        verified=file.verified,
    )


def _install(
    model: Model,
    revision: str,
    path: str,
    files: Sequence[Artifact],
    variants: tuple[str, ...],
) -> Install:
    return Install(
        model=model.id,
        revision=revision,
        type=model.type,
        name=model.name,
        author=model.author,
        path=path,
        installed_at=text.now(),
        files=len(files),
        bytes=sum(file.size or 0 for file in files),
        variants=variants,
    )
