"""What happens once files are in the store: receipt, views, and the rows that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tui_hub import text
from tui_hub.blobs import KeptRevision, Receipt, receipts, remove_model, set_active
from tui_hub.blobs.changing import Place
from tui_hub.domain.artifacts import Artifact, installed_variants, present
from tui_hub.domain.errors import RefusedError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import DEFAULT_REF, Model
from tui_hub.domain.slots import Slot, slot_lease
from tui_hub.domain.storage import Install
from tui_hub.domain.types import ModelType
from tui_hub.events import ModelChanged, SlotChanged, StorageChanged
from tui_hub.services.context import Context
from tui_hub.services.models.pins import settle_pin
from tui_hub.services.slots.standing import read_slots, slots_of
from tui_hub.services.storage.keeping import kept_beside, receipt_file, retire
from tui_hub.services.storage.views import changing, place_of, show, shown_by


@dataclass(frozen=True, slots=True)
class Published:
    """Where the files of a model are now, and what a person should know of it."""

    path: str | None = None
    """The folder that a loader opens; `None` while no variant is whole."""
    note: str | None = None


async def publish(
    context: Context, model_id: str, revision: str, refs: Sequence[str], *, whole: bool
) -> Published:
    """Publish the files of a revision that are here.

    Args:
        context: the open home.
        model_id: the model's id, as it was when the download began.
        revision: the commit.
        refs: the branches and tags that stand for it on this box.
        whole: whether everything that was asked for has arrived. Until then only a receipt is
            written, which keeps the bytes, unless a variant is whole already.
    """
    files = await context.hub.artifacts.of(model_id, revision)
    here = present(files)
    before = await context.hub.installs.get(model_id)
    variants = installed_variants(files)
    if not here or (before is not None and before.revision != revision and not variants):
        return Published(before.path if before is not None else None)
    model = await describe(context, model_id, before)
    old = await context.on_disk(receipts.read, context.store, model_id)
    kept = await kept_beside(context, model_id, revision, before, old)
    if not variants and not whole:
        receipt = _receipt(model, revision, refs, here, (), kept, old)
        await context.on_disk(receipts.write, context.store, receipt)
        return Published()
    held = await slots_of(context, model_id)
    async with changing(context, model_id, *_places(model, old)):
        receipt = _receipt(model, revision, refs, here, variants, kept, old)
        path = await _publish_files(context, receipt)
        note = await _move_slots(context, held, revision, path)
        await context.on_disk(_remove_old_view, context, old, path)
        if variants:
            await context.hub.installs.put(_install(model, receipt, path, before))
    if variants:
        await settle_pin(context, model_id, revision, (file.path for file in here))
    staying = {revision, *(one.revision for one in kept)}
    if before is not None and before.revision not in staying:
        await retire(context, model_id, before.revision)
    context.bus.publish(StorageChanged())
    return Published(str(path), note)


async def describe(context: Context, model_id: str, install: Install | None) -> Model:
    """A model by all that this home knows, under the very id that is asked for."""
    known = await context.catalogue.models.get(model_id)
    if known is not None:
        return replace(known, id=model_id)
    parsed = ModelId.parse(model_id)
    return Model(
        id=model_id,
        source=parsed.source,
        name=install.name if install else parsed.name,
        author=install.author if install else parsed.author,
        type=install.type if install else ModelType.UTILITY,
    )


async def retype(context: Context, model_id: str) -> None:
    """Move the view of an installed model to where its new type belongs; it must not be active."""
    install = await context.hub.installs.get(model_id)
    model = await context.catalogue.models.get(model_id)
    if install is None or model is None or install.type is model.type:
        return
    await context.prepare_store()
    files = await context.hub.artifacts.of(model_id, install.revision)
    here = present(files)
    old = await context.on_disk(receipts.read, context.store, model_id)
    async with changing(context, model_id, *_places(model, old)):
        path = await publish_again(context, model, install, here, old)
        await context.on_disk(_remove_old_view, context, old, path)
        await context.hub.installs.put(replace(install, type=model.type, path=str(path)))
    context.bus.publish(ModelChanged(model_id))


async def _move_slots(
    context: Context, slots: Sequence[Slot], revision: str, path: Path
) -> str | None:
    """Let the slots of a model follow it to its new revision, and say so."""
    note = None
    for held in slots:
        try:
            async with context.alone(slot_lease(held.type)):
                told = await _move_slot(context, held, revision, path)
        except RefusedError:
            told = f"{held.model} is being changed as {held.type}; `tui-hub reload` brings it up"
        context.bus.publish(SlotChanged(held.type))
        note = told or note
    return note


async def _move_slot(context: Context, held: Slot, revision: str, path: Path) -> str | None:
    """Let one slot follow its model, under its lease; what is in memory stays what it is."""
    slot = (await read_slots(context)).get(held.type)
    if slot is None or slot.model != held.model:
        return None  # another model came meanwhile
    if slot.revision == revision and slot.path == str(path):
        return None
    await context.on_disk(set_active, context.store, slot.type, path)
    in_memory = slot.child is not None
    loaded = slot.revision if in_memory else revision
    await context.hub.slots.put(replace(slot, revision=loaded, path=str(path), since=text.now()))
    told = f"{slot.model} is active as {slot.type}: revision {revision[:12]} from now on"
    if in_memory:
        told += f"; in memory is the one before until `tui-hub reload {slot.type}`"
    return told


async def publish_again(
    context: Context,
    model: Model,
    install: Install,
    files: Sequence[Artifact],
    old: Receipt | None,
) -> Path:
    """Make the views and the receipt of an installed model by what is known of it now."""
    refs, kept = (DEFAULT_REF,), old.kept if old is not None else ()
    receipt = _receipt(model, install.revision, refs, files, install.variants, kept, old)
    return await _publish_files(context, receipt)


async def _publish_files(context: Context, receipt: Receipt) -> Path:
    """Make what people open, and the receipt that keeps the blobs alive from here on."""
    if receipt.source == "url":
        receipt = replace(receipt, definition=await context.hub.additions.get(receipt.model))

    def work() -> Path:
        path = show(context.store, shown_by(receipt, receipt.files))
        place = str(path.relative_to(context.store.root))
        receipts.write(context.store, replace(receipt, path=place))
        return path

    return await context.on_disk(work)


def _places(model: Model, old: Receipt | None) -> list[Place]:
    """Where the views of a model are to be, and where they were."""
    return [place_of(model)] if old is None else [place_of(model), place_of(old)]


def _remove_old_view(context: Context, old: Receipt | None, path: Path) -> None:
    """Remove the view of a model that has moved, since its type or name is another now."""
    store = context.store
    if old is not None and old.path and store.root / old.path != path:
        remove_model(store, old.type, old.name, old.author, old.model)


def _receipt(
    model: Model,
    revision: str,
    refs: Sequence[str],
    files: Sequence[Artifact],
    variants: tuple[str, ...],
    kept: tuple[KeptRevision, ...],
    old: Receipt | None,
) -> Receipt:
    """What the store is to know of a model; where its view lies is not known yet."""
    same = old is not None and old.revision == revision
    return Receipt(
        model=model.id,
        source=model.source,
        revision=revision,
        type=model.type,
        name=model.name,
        author=model.author,
        license=model.license,
        task=model.task,
        library=model.library,
        refs=tuple(dict.fromkeys((*(old.refs if old is not None and same else ()), *refs))),
        installed_at=old.installed_at if old is not None and same and old.path else text.now(),
        path="",
        variants=variants,
        files=tuple(receipt_file(file) for file in files if file.blob),
        kept=kept,
    )


def _install(model: Model, receipt: Receipt, path: Path, before: Install | None) -> Install:
    return Install(
        model=model.id,
        revision=receipt.revision,
        type=model.type,
        name=model.name,
        author=model.author,
        path=str(path),
        installed_at=receipt.installed_at,
        files=len(receipt.files),
        bytes=sum(file.size for file in receipt.files),
        variants=receipt.variants,
        last_used=before.last_used if before is not None else None,
    )
