"""The slots as the store publishes them, with what this home knows about them.

Several homes may share a store, and a crash may come between a link and its row: so the link
`active/<type>` says what is active, and a row that does not agree with it counts for nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tui_hub import processes, text
from tui_hub.blobs import read_active, receipts
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.runtime.spawning import last_line
from tui_hub.services.context import Context
from tui_hub.settings import Configuration


async def read_slots(context: Context) -> dict[ModelType, Slot]:
    """The slots that hold a model, by type."""
    rows = {slot.type: slot for slot in await context.hub.slots.list()}
    if not context.store_is_there():
        words = f"the store {context.store.root} is not there"
        return {kind: replace(row, error=words) for kind, row in rows.items()}
    links = await context.on_disk(_links, context)
    slots: dict[ModelType, Slot] = {}
    for kind, path in links.items():
        row = rows.get(kind)
        if row is not None and row.path and Path(row.path) == path:
            slots[kind] = await context.on_disk(_checked, row, context.configuration)
        else:
            foreign = await context.on_disk(_foreign, context, kind, path)
            if foreign is not None:
                slots[kind] = foreign
    for kind, row in rows.items():
        if kind not in links and row.child is not None and not row.path:
            slots[kind] = row
        elif kind not in links and row.holder is not None and processes.alive(row.holder):
            # Its memory is held all the same, and somebody must be able to give it back.
            slots[kind] = replace(row, error="its files are no longer published")
    return slots


async def slots_of(context: Context, model: str) -> list[Slot]:
    """The slots that hold one model."""
    return [slot for slot in (await read_slots(context)).values() if slot.model == model]


def _checked(slot: Slot, configuration: Configuration) -> Slot:
    """The slot, or that its process is gone, and its weights with it."""
    if slot.holder is None or processes.alive(slot.holder):
        return slot
    words = f"the process {slot.holder.pid} that held it in memory is gone"
    if slot.command is not None and slot.child is not None:
        words = f"the process {slot.holder.pid} that kept {slot.command} is gone"
        if not (configuration.paths.sockets / slot.child).exists():
            # It took its socket along, and said before why it would leave.
            words = last_line(configuration.paths.log_of(slot.child)) or words
    return replace(slot, holder=None, error=words)


def _links(context: Context) -> dict[ModelType, Path]:
    """Where the links of the slots lead, those that lead nowhere left out."""
    links: dict[ModelType, Path] = {}
    for kind in ModelType:
        path = read_active(context.store, kind)
        if path is not None and path.is_dir():
            links[kind] = path
    return links


def _foreign(context: Context, kind: ModelType, path: Path) -> Slot | None:
    """A slot that another home filled, or whose row was lost, by the receipt of its model."""
    store = context.store
    for receipt in receipts.iter(store):
        if receipt.path and store.root / receipt.path == path:
            since = (store.active / kind).lstat().st_mtime
            return Slot(
                type=kind,
                model=receipt.model,
                revision=receipt.revision,
                runtime="link",
                path=str(path),
                since=text.stamp_of(since),
                variant=receipt.variants[0] if len(receipt.variants) == 1 else None,
            )
    return None
