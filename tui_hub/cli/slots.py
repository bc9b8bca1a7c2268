"""What the verbs of activation share: reading a type's name, and telling how a change ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.cli import slot_documents
from tui_hub.cli.console import Answer
from tui_hub.cli.failures import failure
from tui_hub.cli.running import run
from tui_hub.domain.errors import HubError
from tui_hub.domain.slots import empty_slot

if TYPE_CHECKING:
    from tui_hub.cli.console import Console
    from tui_hub.cli.options import Options
    from tui_hub.domain.slots import Slot
    from tui_hub.domain.swaps import ActivationResult
    from tui_hub.domain.types import ModelType
    from tui_hub.services import Services


def put(
    options: Options,
    *,
    replacing: bool,
    model: str,
    kind: ModelType | None,
    variant: str | None,
    runtime: str | None,
    allow_pickle: bool,
) -> int:
    """Put a model into its slot, in place of another where that is wanted; gives the exit code.

    The arguments besides are those of `parameters.placement`.
    """

    async def work(services: Services, console: Console) -> Answer:
        activation = services.activation
        change = (activation.switch if replacing else activation.activate)(
            model, type=kind, variant=variant, runtime=runtime, consent=allow_pickle
        )
        return await change_slot(services, console, change, kind, model)

    return run(options, work)


async def change_slot(
    services: Services,
    console: Console,
    change: Awaitable[ActivationResult],
    slot: ModelType | None,
    model: str | None,
) -> Answer:
    """Wait for a change of a slot, and show its steps; a refused one has the same document.

    Args:
        services: what does it.
        console: where its steps are shown.
        change: what a service does.
        slot: the type that was asked for, if one was.
        model: the model that was asked for, as it was typed.
    """
    drawing = asyncio.create_task(_draw(services, console))
    try:
        result = await change
    except HubError as refusal:
        return Answer(slot_documents.unchanged(slot, model), error=refusal)
    finally:
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
    error = None
    if result.status in ("error", "rolled_back"):
        message = result.error or f"the slot {result.slot.value} was not changed"
        error = failure(result.error_code or "failed", message, result.hint)
    return Answer(
        slot_documents.activation(result),
        lines=[text.clean(line, 4096) for line in _lines(result)],
        brief=[] if result.path is None else [text.clean(result.path, 4096)],
        error=error,
    )


async def _draw(services: Services, console: Console) -> None:
    """Show on a terminal where the change stands."""
    from tui_hub.cli.progress import swap_line
    from tui_hub.events import SwapMoved

    with services.bus.subscribe() as events:
        async for event in events:
            if isinstance(event, SwapMoved):
                console.progress(swap_line(services.activation.swaps()))


def _lines(result: ActivationResult) -> list[str]:
    if result.status == "rolled_back":
        told = f"{result.previous} is active still; {result.model} could not take its place"
    elif result.status == "error":
        told = f"{result.model} could not be loaded"
    elif result.status == "inactive":
        told = f"{result.previous or result.model} is no longer active"
    else:
        told = f"{result.model or 'no model'} is {result.status}"
        if result.previous not in (None, result.model):
            told += f", in place of {result.previous}"
    lines = (f"{result.slot.value}: {told}", _figures(result), result.path, result.note)
    return [line for line in lines if line]


def _figures(result: ActivationResult) -> str | None:
    """Where the weights stand now, and what they take."""
    if result.pid is None and result.url is None:
        return None
    used = result.memory.used_after
    taken = "" if used is None else f", {text.size(used)}"
    took = f", in {text.duration(result.seconds)}" if result.status == "active" else ""
    by = "" if result.pid is None else f", held by process {result.pid}"
    at = "" if result.url is None else f", at {result.url}"
    return f"in memory on {result.device}{taken}{by}{at}{took}"


def tell_trouble(console: Console, slot: Slot) -> None:
    """Say of a slot that its model should be in memory, and is not."""
    if slot.error is not None:
        kind = slot.type.value
        console.note(f"{kind}: {slot.error}; `tui-hub reload {kind}` loads it.")


async def active_slot(services: Services, kind: ModelType) -> Slot:
    """The slot of a type, once what a crash left of its last change is settled.

    Raises:
        NotFoundError: when it is empty.
    """
    await services.activation.recover()
    slot = await services.activation.active(kind)
    if slot is None:
        raise empty_slot(kind)
    return slot
