"""Which files of older revisions stay: those of named ones that no source gives again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tui_hub.blobs import BlobStore, KeptRevision, Receipt, ReceiptFile, collect, receipts
from tui_hub.domain.artifacts import Artifact, ArtifactStatus, Verified, present
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.storage import Install
from tui_hub.services.context import Context


async def kept_beside(
    context: Context,
    model: str,
    revision: str,
    before: Install | None,
    receipt: Receipt | None,
) -> tuple[KeptRevision, ...]:
    """What stays here of a model beside the revision that is to be installed.

    Args:
        context: the open home.
        model: the model's id.
        revision: what is to be installed.
        before: what is installed until then; it stays if the user named it and its source has
            nothing but the newest.
        receipt: the model's receipt until then; what it keeps stays kept, for other homes may have
            named it.
    """
    kept = {one.revision: one for one in (receipt.kept if receipt is not None else ())}
    if before is not None and await _is_irreplaceable(context, model, before.revision):
        files = present(await context.hub.artifacts.of(model, before.revision))
        kept[before.revision] = KeptRevision(before.revision, tuple(map(receipt_file, files)))
    kept.pop(revision, None)
    return await context.on_disk(_still_here, context.store, kept.values())


async def release(context: Context, model: str, revision: str) -> int:
    """Give up files that stayed for a name alone, once no name stands for them; the bytes freed.

    The caller must be alone with the model.
    """
    receipt = await context.on_disk(receipts.read, context.store, model)
    if receipt is None or await _is_named(context, model, revision):
        return 0
    others = tuple(one for one in receipt.kept if one.revision != revision)
    if others == receipt.kept:
        return 0
    await context.on_disk(receipts.write, context.store, replace(receipt, kept=others))
    return await retire(context, model, revision)


async def retire(context: Context, model: str, revision: str) -> int:
    """Give up the files of a revision: rows first, then bytes; how many bytes that frees."""
    files = [file for file in await context.hub.artifacts.of(model, revision) if file.blob]
    await context.hub.artifacts.save(*map(without_blob, files))
    return await context.on_disk(collect, context.store, {file.blob for file in files if file.blob})


def without_blob(file: Artifact) -> Artifact:
    """The file as it is once its bytes are not counted on any more."""
    return replace(
        file,
        status=ArtifactStatus.PENDING,
        blob=None,
        verified=Verified.NONE,
        job=None,
        error=None,
    )


def receipt_file(file: Artifact) -> ReceiptFile:
    """A file that is here as a receipt has it."""
    return ReceiptFile(
        path=file.path,
        sha256=file.blob or "",
        size=file.size or 0,
        etag=file.etag,
        verified=file.verified,
        git_sha1=file.git_sha1,
        md5=file.md5,
    )


async def _is_irreplaceable(context: Context, model: str, revision: str) -> bool:
    source = context.sources.get(ModelId.parse(model).source)
    lasts = source is not None and source.has_history
    return not lasts and await _is_named(context, model, revision)


async def _is_named(context: Context, model: str, revision: str) -> bool:
    return any(one.revision == revision for one in await context.hub.versions.of(model))


def _still_here(store: BlobStore, kept: Iterable[KeptRevision]) -> tuple[KeptRevision, ...]:
    """What there is of them; a receipt must not name what was lost."""
    found = (
        replace(one, files=tuple(file for file in one.files if store.has(file.sha256, file.size)))
        for one in kept
    )
    return tuple(one for one in found if one.files)
