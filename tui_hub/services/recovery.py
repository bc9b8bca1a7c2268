"""Setting things right at the start, by what the store and the living processes say."""

from __future__ import annotations

import logging
from dataclasses import replace

from tui_hub.blobs import Receipt, receipts
from tui_hub.domain.artifacts import ArtifactStatus
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import Job, JobType
from tui_hub.domain.losses import MISSING
from tui_hub.domain.models import Model
from tui_hub.domain.storage import Install
from tui_hub.domain.types import ModelType
from tui_hub.services.context import Context
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.models.pins import mirror_pins
from tui_hub.services.models.statuses import settle_status
from tui_hub.services.storage.learning import agree, give_up, learn
from tui_hub.services.storage.losses import settle_losses, settle_quarantined
from tui_hub.services.storage.views import mend_views
from tui_hub.services.sync.renames import follow_renames

_log = logging.getLogger(__name__)


async def recover(context: Context, jobs: Jobs) -> None:
    """Take over what dead processes left, and bring this home up to what its store holds.

    Another home may have installed or deleted models since, and a lost database is filled again.
    """
    await recover_jobs(context, jobs)
    unsettled: set[str | None] = set()
    if context.store_is_there():
        await settle_quarantined(context)
        await mend_views(context)
        unsettled |= await _compare(context)
    if await context.catalogue.models.total() == 0:
        unsettled |= await _mirror(context)
    edits = await context.hub.edits.list()
    await context.catalogue.models.set_favourites(edit.model for edit in edits if edit.favourite)
    for model in unsettled:
        if model is not None:
            await settle_status(context, model)
    await follow_renames(context)


async def recover_jobs(context: Context, jobs: Jobs) -> None:
    """Take over the jobs of processes that are gone, so that nothing looks alive that is not."""
    for model in {await _release(context, job) for job in await jobs.recover()} - {None}:
        if model is not None:
            await settle_status(context, model)


async def _release(context: Context, job: Job) -> str | None:
    """Let the files of a download that nobody runs any more wait again."""
    if job.type is not JobType.DOWNLOAD:
        return None
    model = str(job.payload.get("model"))
    files = await context.hub.artifacts.of(model, str(job.payload.get("revision")))
    await context.hub.artifacts.mark(
        [file.id for file in files if file.status is ArtifactStatus.DOWNLOADING],
        ArtifactStatus.PENDING,
    )
    return model


async def _compare(context: Context) -> set[str | None]:
    """Learn of models that came into the store without this home, and forget those that went."""
    try:
        read = await _receipts(context)
    except OSError as error:
        # The catalogue can be searched all the same; what needs the store says so.
        _log.warning("the store %s cannot be read: %s", context.store.root, error.strerror)
        return set()
    found = {receipt.model: receipt for receipt in read}
    known = {install.model: install for install in await context.hub.installs.list()}
    gone: set[str | None] = set(known.keys() - found.keys())
    if gone:
        damaged = await context.on_disk(receipts.damaged, context.store)
        if damaged:
            # A receipt that cannot be read must not make its model look deleted.
            gone = set()
    for model in gone:
        await _forget(context, known[str(model)])
    await _follow_losses(context, [(known[one], found[one]) for one in known.keys() & found.keys()])
    new = [
        receipt
        for model, receipt in found.items()
        if receipt.path and not agree(context.store.root, known.get(model), receipt)
    ]
    return gone | {await learn(context, receipt, known.get(receipt.model)) for receipt in new}


async def _follow_losses(context: Context, pairs: list[tuple[Install, Receipt]]) -> None:
    """Learn that another home found bytes of an installed model damaged or missing."""
    for install, receipt in pairs:
        fewer = bool(set(install.variants) - set(receipt.variants))
        told = not receipt.path or bool(receipt.variants)
        if not (fewer and told and receipt.revision == install.revision):
            continue
        files = await context.hub.artifacts.of(install.model, install.revision)
        blobs = {file.blob for file in files if file.blob}
        gone = await context.on_disk(
            lambda held: {one for one in held if not context.store.has(one)}, blobs
        )
        await settle_losses(context, dict.fromkeys(gone, MISSING))


async def _receipts(context: Context) -> list[Receipt]:
    return await context.on_disk(lambda: list(receipts.iter(context.store)))


async def _forget(context: Context, install: Install) -> None:
    await context.hub.installs.delete(install.model)
    await give_up(context, install)


async def _mirror(context: Context) -> set[str | None]:
    """Tell an empty catalogue what this box holds, so that it lists at least that."""
    try:
        told = await _receipts(context)
    except OSError:
        told = []
    installs = await context.hub.installs.list()
    known = {receipt.model for receipt in told}
    models = [_told_by(receipt) for receipt in told]
    models += [_model(install) for install in installs if install.model not in known]
    await context.catalogue.models.merge(models)
    await mirror_pins(context, await context.hub.pins.list())
    for addition in await context.hub.additions.list():
        model = ModelId.parse(addition.model)
        await context.catalogue.models.replace(await context.source(model).model(model))
    for edit in await context.hub.edits.list():
        if edit.type is not None:
            await context.catalogue.models.set_local(edit.model, type=edit.type)
    return {model.id for model in models}


def _told_by(receipt: Receipt) -> Model:
    """A model as its receipt describes it."""
    return replace(
        _model(receipt),
        size=sum(file.size for file in receipt.files),
        license=receipt.license,
        task=receipt.task,
        library=receipt.library,
    )


def _model(entry: Install | Receipt) -> Model:
    return Model(
        id=entry.model,
        source=entry.model.partition(":")[0],
        name=entry.name,
        author=entry.author,
        type=_type(entry.type),
        revision=entry.revision,
        size=entry.bytes if isinstance(entry, Install) else None,
        origin="local",
        owner="local_sync_system",
    )


def _type(name: str) -> ModelType:
    try:
        return ModelType(name)
    except ValueError:
        return ModelType.UTILITY
