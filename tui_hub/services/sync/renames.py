"""Models that have another name upstream now: what this home and its store keep follows them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tui_hub.blobs import receipts
from tui_hub.blobs.metadata import find_metadata, remove_metadata, write_metadata
from tui_hub.domain.artifacts import Artifact, present
from tui_hub.domain.errors import HubError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import DEFAULT_REF
from tui_hub.domain.storage import Install
from tui_hub.events import ModelChanged, StorageChanged
from tui_hub.services.context import Context, parse_id
from tui_hub.services.downloads.installing import describe, publish, publish_again
from tui_hub.services.models.metadata import metadata_of
from tui_hub.services.models.statuses import live_downloads, settle_status
from tui_hub.services.slots.standing import slots_of
from tui_hub.services.storage.keeping import retire
from tui_hub.services.storage.views import hide, place_of

_log = logging.getLogger(__name__)


async def follow_renames(context: Context) -> int:
    """Let edits, versions, registrations, installs and files follow renamed models; how many.

    A model that is active or being downloaded keeps its files under the old name until that has
    ended: programs have them open by it. A failure is logged, and the next call tries again.
    """
    renamed = await context.catalogue.models.renamed(await context.hub.names.list())
    count = 0
    for old, new in renamed.items():
        try:
            async with context.alone(f"model {old}"), context.alone(f"model {new}"):
                if await _is_busy(context, old, new):
                    await context.hub.names.change_words(old, new)
                else:
                    await _follow(context, old, new)
                    count += 1
        except (HubError, OSError) as error:
            why = error.message if isinstance(error, HubError) else error.strerror
            _log.warning("%s is %s now, and could not follow: %s", old, new, why)
    return count


async def name_here(context: Context, model: str | ModelId) -> str:
    """The id under which this home has a model that may be called by an older or newer name."""
    wanted = str(parse_id(model))
    models, installs = context.catalogue.models, context.hub.installs
    if await installs.get(wanted) is not None:
        return wanted
    known = await models.get(wanted)
    if known is None:
        return wanted
    for name in await models.former(known.id):
        if await installs.get(name) is not None:
            return name
    return known.id


async def _is_busy(context: Context, *models: str) -> bool:
    """Whether a slot holds one of these models, is to hold it, or it is being downloaded."""
    swaps = await context.hub.swaps.list()
    slots = [slot for swap in swaps for slot in (swap.wanted, swap.previous) if slot is not None]
    for model in models:
        slots += await slots_of(context, model)
    downloads = {job.payload.get("model") for job in await live_downloads(context)}
    return bool(downloads & set(models)) or any(slot.model in models for slot in slots)


async def _follow(context: Context, old: str, new: str) -> None:
    """Publish the model under its new name, then move the rows, then take the old name away.

    In this order no crash loses anything: whatever it leaves behind is found again and done again.
    """
    installs = context.hub.installs
    install, other = await installs.get(old), await installs.get(new)
    moved = None
    if install is not None:
        await context.prepare_store()
        if other is None:
            moved = await _publish(context, install, new)
    small = metadata_of(await context.hub.artifacts.of(old))
    if context.store_is_there():
        await context.on_disk(_copy_metadata, context, old, new, small)
    await context.hub.names.change(old, new, moved)
    if other is not None and install is not None and other.revision == install.revision:
        await publish(context, new, other.revision, (DEFAULT_REF,), whole=True)
    if context.store_is_there():
        await context.on_disk(_take_away, context, old)
    if other is not None and install is not None and other.revision != install.revision:
        await retire(context, new, install.revision)
    await settle_status(context, new)
    _log.info("%s is %s now; what is kept of it has followed", old, new)
    context.bus.publish(ModelChanged(old))
    context.bus.publish(StorageChanged())


async def _publish(context: Context, install: Install, new: str) -> Install:
    """Show an installed model to loaders under its new name, with a receipt of its own."""
    files = [
        replace(file, model=new)
        for file in present(await context.hub.artifacts.of(install.model, install.revision))
    ]
    model = await describe(context, new, None)
    receipt = await context.on_disk(receipts.read, context.store, install.model)
    path = await publish_again(context, model, install, files, receipt)
    return replace(
        install, model=new, name=model.name, author=model.author, type=model.type, path=str(path)
    )


def _copy_metadata(context: Context, old: str, new: str, files: Sequence[Artifact]) -> None:
    store = context.store
    for file in files:
        copy: Path | None = find_metadata(store, old, file.path)
        if copy is not None and find_metadata(store, new, file.path) is None:
            write_metadata(store, new, file.path, copy.read_bytes())


def _take_away(context: Context, old: str) -> None:
    """Remove the receipt, the views and the small files of the old name. The blobs stay."""
    store = context.store
    receipt = receipts.read(store, old)
    receipts.delete(store, old)
    hide(store, old, () if receipt is None else (place_of(receipt),))
    remove_metadata(store, old)
