"""Setting things right at the start: after a crash, a lost database, a rebuilt catalogue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tui_hub.blobs import Receipt, receipts
from tui_hub.domain.artifacts import (
    Artifact,
    ArtifactStatus,
    Verified,
    artifact_id,
    installed_variants,
    kind_of,
)
from tui_hub.domain.jobs import Job, JobType
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.storage import Install
from tui_hub.domain.types import ModelType
from tui_hub.services.context import Context
from tui_hub.services.installing import settle_status
from tui_hub.services.jobs import Jobs


async def recover(context: Context, jobs: Jobs, *, fresh: bool) -> None:
    """Take over what dead processes left, and fill what was lost from what still knows it.

    Args:
        context: the open home.
        jobs: its jobs.
        fresh: whether `hub.db` was made just now, so that the store may know more than it does.
    """
    for job in await jobs.recover():
        if job.type is JobType.DOWNLOAD:
            await _release_files(context, job)
    if fresh:
        await _read_receipts(context)
    if await context.catalogue.models.total() == 0:
        await _mirror(context)


async def _release_files(context: Context, job: Job) -> None:
    """The files of a download that nobody runs any more wait again."""
    model = str(job.payload.get("model"))
    files = await context.hub.artifacts.of(model, str(job.payload.get("revision")))
    await context.hub.artifacts.save(
        *(
            replace(file, status=ArtifactStatus.PENDING)
            for file in files
            if file.status is ArtifactStatus.DOWNLOADING
        )
    )
    await settle_status(context, model)


async def _read_receipts(context: Context) -> None:
    """A lost `hub.db` costs notes and history, never models: the store describes itself."""
    for receipt in await context.on_disk(lambda: list(receipts.iter(context.store))):
        files = [_artifact(receipt, file) for file in receipt.files]
        await context.hub.artifacts.replace_listing(receipt.model, receipt.revision, files)
        await context.hub.artifacts.save(*files)
        variants = installed_variants(files)
        if variants:
            await context.hub.installs.put(_install(context.store.root, receipt, files, variants))


async def _mirror(context: Context) -> None:
    """Tell an empty catalogue what this box holds, so that it lists at least that."""
    for install in await context.hub.installs.list():
        slot = await context.hub.slots.get(install.type)
        active = slot is not None and slot.model == install.model
        await context.catalogue.models.put(
            Model(
                id=install.model,
                source=install.model.partition(":")[0],
                name=install.name,
                author=install.author,
                type=install.type,
                revision=install.revision,
                size=install.bytes,
                origin="local",
                owner="local_sync_system",
            )
        )
        await context.catalogue.models.set_local(
            install.model, status=ModelStatus.ACTIVE if active else ModelStatus.INSTALLED
        )
    for edit in await context.hub.edits.list():
        if edit.type is not None:
            await context.catalogue.models.set_local(edit.model, type=edit.type)


def _artifact(receipt: Receipt, file: receipts.ReceiptFile) -> Artifact:
    return Artifact(
        id=artifact_id(receipt.model, receipt.revision, file.path),
        model=receipt.model,
        revision=receipt.revision,
        path=file.path,
        size=file.size,
        sha256=file.sha256,
        kind=kind_of(file.path),
        status=ArtifactStatus.COMPLETED,
        verified=Verified(file.verified),
        blob=file.sha256,
        etag=file.etag,
    )


def _install(
    root: Path, receipt: Receipt, files: list[Artifact], variants: tuple[str, ...]
) -> Install:
    return Install(
        model=receipt.model,
        revision=receipt.revision,
        type=ModelType(receipt.type),
        name=receipt.name,
        author=receipt.author or None,
        path=str(root / receipt.path),
        installed_at=receipt.installed_at,
        files=len(files),
        bytes=sum(file.size or 0 for file in files),
        variants=variants,
    )
