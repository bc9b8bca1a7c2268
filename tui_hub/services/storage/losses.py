"""Bytes that are gone from the store: what this home and the receipts say of them is put right."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tui_hub.blobs import BlobStore, Receipt, receipts
from tui_hub.blobs.quarantine import lost, quarantined
from tui_hub.domain.artifacts import (
    Artifact,
    ArtifactStatus,
    Verified,
    artifact_id,
    installed_variants,
    present,
)
from tui_hub.domain.losses import DAMAGED, MISSING
from tui_hub.domain.models import DEFAULT_REF
from tui_hub.domain.storage import Install
from tui_hub.events import StorageChanged
from tui_hub.services.context import Context
from tui_hub.services.downloads.installing import publish
from tui_hub.services.models.statuses import settle_status
from tui_hub.services.storage.keeping import without_blob

_log = logging.getLogger(__name__)


async def settle_losses(context: Context, reasons: Mapping[str, str]) -> tuple[str, ...]:
    """Let no row and no receipt name blobs that are gone; the models that needed them.

    Rows first and receipts last: as long as a receipt names a blob that is gone, whoever looks
    next finds it there and does the rest. Links to it stay, so that a program that opens them
    fails at once instead of reading a half model. What came back meanwhile is left as it is.

    Args:
        context: the open home.
        reasons: what to say of each file, by the hash of its blob.
    """
    store = context.store
    rows = await context.hub.artifacts.holding(reasons)
    named = await context.on_disk(_named, store, reasons)
    models = tuple(sorted({row.model for row in rows} | named))
    for model in models:
        async with context.alone(f"model {model}"):
            gone = await context.on_disk(lambda: {one for one in reasons if not store.has(one)})
            await _settle(context, model, {one: reasons[one] for one in gone})
    if models:
        context.bus.publish(StorageChanged())
    return models


async def losses(context: Context) -> list[Artifact]:
    """The files that this home knows to be lost, and that were not had since.

    Those of a revision that another one has replaced are no loss, unless the user named it.
    """
    gone = await context.on_disk(lambda: {one.sha256 for one in quarantined(context.store)})
    rows = await context.hub.artifacts.lost(gone, (DAMAGED, MISSING))
    installed = {one.model: one.revision for one in await context.hub.installs.list()}
    named = {
        (model, version.revision)
        for model in {row.model for row in rows}
        for version in await context.hub.versions.of(model)
    }
    return [
        row
        for row in rows
        if installed.get(row.model, row.revision) == row.revision
        or (row.model, row.revision) in named
    ]


async def take_back(context: Context, sound: Collection[str]) -> tuple[str, ...]:
    """Let models have again what they lost, where another one has brought it back.

    A model of which another revision is installed by now stays at that one.

    Args:
        context: the open home.
        sound: the blobs that were just looked at, and are what their names say.

    Returns:
        The models.
    """
    rows = [row for row in await losses(context) if row.sha256 in sound]
    taken = []
    for model, revision in sorted({(row.model, row.revision) for row in rows}):
        async with context.alone(f"model {model}"):
            install = await context.hub.installs.get(model)
            if install is not None and install.revision != revision:
                continue
            await context.hub.artifacts.save(
                *(
                    replace(
                        row,
                        status=ArtifactStatus.COMPLETED,
                        blob=row.sha256,
                        verified=Verified.SHA256,
                        error=None,
                    )
                    for row in rows
                    if (row.model, row.revision) == (model, revision)
                )
            )
            await publish(context, model, revision, (DEFAULT_REF,), whole=False)
        await settle_status(context, model)
        taken.append(model)
    return tuple(dict.fromkeys(taken))


async def settle_quarantined(context: Context) -> tuple[str, ...]:
    """Take over what another process found out, or did not come to write down."""
    try:
        gone = await context.on_disk(lost, context.store)
    except OSError as error:
        _log.warning("the quarantine of the store cannot be read: %s", error.strerror)
        return ()
    return await settle_losses(context, dict.fromkeys(gone, DAMAGED)) if gone else ()


async def _settle(context: Context, model: str, reasons: Mapping[str, str]) -> None:
    table = context.hub.artifacts
    gone = [file for file in await table.all_of(model) if file.blob in reasons]
    await table.save(
        *(
            replace(
                without_blob(file),
                status=ArtifactStatus.FAILED,
                sha256=file.blob,
                error=reasons[file.blob or ""],
            )
            for file in gone
        )
    )
    receipt = await context.on_disk(receipts.read, context.store, model)
    install = await context.hub.installs.get(model)
    if install is not None and any(file.revision == install.revision for file in gone):
        files = await table.of(model, install.revision)
        await _shrink(context, install, files)
    if gone:
        await settle_status(context, model, failed=True)
    if receipt is not None and any(file.sha256 in reasons for file in receipt.all_files):
        files = await table.of(model, receipt.revision) or _listed(receipt, reasons)
        variants = installed_variants(files)
        await context.on_disk(_rewrite, context.store, receipt, set(reasons), variants)


async def _shrink(context: Context, install: Install, files: Sequence[Artifact]) -> None:
    """Let an installed model be what is left of it; without a whole variant it is installed no
    more, though a slot may still hold it."""
    variants, here = installed_variants(files), present(files)
    if not variants:
        await context.hub.installs.delete(install.model)
        return
    left = sum(file.size or 0 for file in here)
    await context.hub.installs.put(replace(install, variants=variants, files=len(here), bytes=left))


def _listed(receipt: Receipt, gone: Mapping[str, str]) -> list[Artifact]:
    """The files of a model that only its receipt knows."""
    return [
        Artifact(
            id=artifact_id(receipt.model, receipt.revision, file.path),
            model=receipt.model,
            revision=receipt.revision,
            path=file.path,
            size=file.size,
            status=ArtifactStatus.FAILED if file.sha256 in gone else ArtifactStatus.COMPLETED,
            blob=None if file.sha256 in gone else file.sha256,
        )
        for file in receipt.files
    ]


def _named(store: BlobStore, reasons: Mapping[str, str]) -> set[str]:
    """The models whose receipts name one of these blobs."""
    return {
        receipt.model
        for receipt in receipts.iter(store)
        if any(file.sha256 in reasons for file in receipt.all_files)
    }


def _rewrite(store: BlobStore, receipt: Receipt, gone: set[str], variants: tuple[str, ...]) -> None:
    """Take the blobs that are gone out of a receipt; one that would name nothing goes itself."""
    files = tuple(file for file in receipt.files if file.sha256 not in gone)
    kept = tuple(
        replace(one, files=left)
        for one in receipt.kept
        if (left := tuple(file for file in one.files if file.sha256 not in gone))
    )
    if not files and not kept:
        receipts.delete(store, receipt.model)
        return
    path = receipt.path if variants else ""
    receipts.write(store, replace(receipt, files=files, kept=kept, variants=variants, path=path))
