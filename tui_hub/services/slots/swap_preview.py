"""What a change of a slot would do, by the same rules as the change itself."""

from __future__ import annotations

from dataclasses import replace

from tui_hub.domain.errors import DoesNotFitError
from tui_hub.domain.fit import GPU_RUNTIME, HOST_RUNTIME
from tui_hub.domain.runtime import TORCH
from tui_hub.domain.slots import Slot
from tui_hub.domain.swaps import ChangePreview
from tui_hub.services.context import Context
from tui_hub.services.holders.memory import Memory, holds, room_for
from tui_hub.services.slots.changes import Change


async def preview_of(
    context: Context, change: Change, before: Slot | None, memory: Memory
) -> ChangePreview:
    """Where a model would be loaded, what that takes, and what the present one gives back.

    Args:
        context: the open home.
        change: what is to stand in the slot.
        before: what stands there now.
        memory: of the box.
    """
    loading, wanted = change.loading, change.wanted
    loads = context.hub.loads
    preview = ChangePreview(
        slot=change.slot,
        runtime=loading.runtime,
        command=loading.command,
        note=loading.note,
        pickle=bool(loading.consents),
        weights=sum(part.bytes for part in loading.parts),
        last=await loads.last(wanted.model, wanted.revision, wanted.variant),
    )
    if loading.runtime != TORCH:
        return preview
    returning = holds(before)
    try:
        device = room_for(loading.parts, await memory.devices(), returning, loading.device)
    except DoesNotFitError as error:
        return replace(preview, problem=error.message)
    gpu = device.index is not None
    last = preview.last if preview.last is not None and preview.last.is_on(device) else None
    return replace(
        preview,
        takes=preview.weights + (GPU_RUNTIME if gpu else HOST_RUNTIME),
        device=device,
        returns=returning.get(device.index, 0),
        rate=last.rate if last is not None else await loads.rate(gpu=gpu),
    )
