"""What a receipt in the store says, taken into the database of a home that does not know it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from tui_hub.blobs import Receipt, ReceiptFile
from tui_hub.domain.artifacts import (
    Artifact,
    ArtifactStatus,
    Verified,
    artifact_id,
    kind_of,
    whole_variants,
)
from tui_hub.domain.errors import UnsafeError
from tui_hub.domain.identifiers import repository_path
from tui_hub.domain.revisions import RevisionFacts
from tui_hub.domain.storage import Install
from tui_hub.domain.types import ModelType
from tui_hub.services.context import Context
from tui_hub.services.storage.keeping import without_blob
from tui_hub.sources.addresses import checked_address

_log = logging.getLogger(__name__)


def agree(root: Path, install: Install | None, receipt: Receipt) -> bool:
    """Whether this home knows a model as the store has it; another home may have changed it."""
    return install is not None and (
        (install.revision, install.path) == (receipt.revision, str(root / receipt.path))
        and set(install.variants) >= set(receipt.variants)
    )


async def learn(context: Context, receipt: Receipt, before: Install | None) -> str | None:
    """Take what a receipt says into the database; `None` when it says nothing that can be used.

    What it names and is not there is to be fetched again.
    """
    try:
        kind = ModelType(receipt.type)
        files = [_artifact(receipt, receipt.revision, file) for file in receipt.files]
        kept = {
            one.revision: [_artifact(receipt, one.revision, file) for file in one.files]
            for one in receipt.kept
        }
    except ValueError as error:
        _log.warning("the receipt of %s is not understood: %s", receipt.model, error)
        return None
    if before is not None and before.revision not in {receipt.revision, *kept}:
        await give_up(context, before)
    here = await context.on_disk(_here, context, receipt)
    await _note_files(context, receipt, files, here)
    for revision, older in kept.items():
        await context.hub.artifacts.replace_listing(receipt.model, revision, older, newest=False)
    await _learn_definition(context, receipt)
    listed = await context.hub.artifacts.of(receipt.model, receipt.revision)
    whole = whole_variants(listed, here)
    variants = receipt.variants or whole
    if len(here) < len(files):
        variants = tuple(name for name in variants if name in whole)
    if variants:
        await context.hub.installs.put(_install(context.store.root, receipt, kind, variants))
    elif before is not None:
        await context.hub.installs.delete(receipt.model)
    return receipt.model


async def _note_files(
    context: Context, receipt: Receipt, files: Sequence[Artifact], here: AbstractSet[str]
) -> None:
    """Write down which files of the installed revision are here; others are to be fetched."""
    table = context.hub.artifacts
    wanted = [file if file.path in here else without_blob(file) for file in files]
    known = {file.path: file for file in await table.of(receipt.model, receipt.revision)}
    if not known:
        facts = RevisionFacts(
            license=receipt.license,
            files=len(files),
            bytes=sum(file.size or 0 for file in files),
        )
        await table.replace_listing(receipt.model, receipt.revision, wanted, facts, newest=False)
    changed = [
        file for file in wanted if file.path not in known or known[file.path].blob != file.blob
    ]
    if changed:
        await table.save(*changed)


async def _learn_definition(context: Context, receipt: Receipt) -> None:
    """Take in where the files of an added model come from, if this home does not know."""
    found = receipt.definition
    if found is None or found.model != receipt.model or receipt.source != "url":
        return
    if await context.hub.additions.get(receipt.model) is not None:
        return
    try:
        for file in found.files:
            repository_path(file.path)
            checked_address(file.place)
    except UnsafeError as error:
        _log.warning("the receipt of %s names no address: %s", receipt.model, error.message)
        return
    await context.hub.additions.put(found)


async def give_up(context: Context, install: Install) -> None:
    """Count no more on the files of a revision that another home has replaced."""
    files = await context.hub.artifacts.of(install.model, install.revision)
    await context.hub.artifacts.save(*(without_blob(file) for file in files if file.blob))


def _here(context: Context, receipt: Receipt) -> set[str]:
    """The files of a receipt whose bytes are there, by path."""
    return {file.path for file in receipt.files if context.store.has(file.sha256, file.size)}


def _artifact(receipt: Receipt, revision: str, file: ReceiptFile) -> Artifact:
    return Artifact(
        id=artifact_id(receipt.model, revision, file.path),
        model=receipt.model,
        revision=revision,
        path=file.path,
        size=file.size,
        sha256=file.sha256,
        kind=kind_of(file.path),
        status=ArtifactStatus.COMPLETED,
        verified=Verified(file.verified),
        blob=file.sha256,
        etag=file.etag,
        git_sha1=file.git_sha1,
        md5=file.md5,
    )


def _install(root: Path, receipt: Receipt, kind: ModelType, variants: tuple[str, ...]) -> Install:
    return Install(
        model=receipt.model,
        revision=receipt.revision,
        type=kind,
        name=receipt.name,
        author=receipt.author,
        path=str(root / receipt.path),
        installed_at=receipt.installed_at,
        files=len(receipt.files),
        bytes=sum(file.size for file in receipt.files),
        variants=variants,
    )
