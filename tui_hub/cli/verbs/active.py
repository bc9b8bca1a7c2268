"""`tui-hub active`: which model is active for each type, and where it lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL_TYPE

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.runtime import Program
    from tui_hub.domain.slots import Slot
    from tui_hub.domain.types import ModelType
    from tui_hub.services import Services

    Programs = Mapping[ModelType, Sequence[Program] | None]


@verb(
    "active",
    "tui-hub active",
    'ls "$(tui-hub active llm --path)"',
)
@click.argument("kind", metavar="[TYPE]", required=False, type=MODEL_TYPE)
@click.option("--path", is_flag=True, help="Print the folder alone; the slot must not be empty.")
@click.option("--log", is_flag=True, help="Print the last lines that its process said.")
@click.pass_obj
def command(options: Options, kind: ModelType | None, path: bool, log: bool) -> int:
    """Show what is active, or its path, or what its server says."""
    from tui_hub.cli.running import run

    if not (path or log):
        return run(options, lambda services, console: _active(services, console, kind))
    if kind is None:
        raise click.UsageError(f"{'--path' if path else '--log'} needs a TYPE.")
    if path and log:
        raise click.UsageError("Give either --path or --log.")
    if path:
        return run(options, lambda services, console: _path(services, console, kind))
    return run(options, lambda services, console: _log(services, console, kind))


async def _active(services: Services, console: Console, kind: ModelType | None) -> Answer:
    from tui_hub.cli import slot_documents
    from tui_hub.cli.console import Answer

    await services.activation.recover()
    slots = [slot for slot in await services.activation.slots() if kind in (None, slot.type)]
    programs = await services.activation.programs(*slots)
    return Answer(
        slot_documents.active(slots, programs),
        lines=_lines(console, slots, programs) if slots else ["No model is active."],
        brief=[slot.model for slot in slots],
    )


async def _path(services: Services, console: Console, kind: ModelType) -> Answer:
    from tui_hub.cli import slot_documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.slots import active_slot, tell_trouble
    from tui_hub.domain.errors import RefusedError

    slot = await active_slot(services, kind)
    if not slot.path:
        raise RefusedError(
            f"{slot.model} has no folder: the Ollama daemon alone has its files",
            hint=f"`tui-hub env {kind.value}` tells where it answers.",
        )
    document = slot_documents.active([slot], await services.activation.programs(slot))
    folder = await services.activation.hand_out(slot)
    tell_trouble(console, slot)
    return Answer(document, lines=[folder])


async def _log(services: Services, console: Console, kind: ModelType) -> Answer:
    from tui_hub.cli import slot_documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.slots import active_slot
    from tui_hub.domain.runtime import OLLAMA

    slot = await active_slot(services, kind)
    said = await services.activation.said(slot)
    if slot.runtime == OLLAMA:
        console.note(f"{kind.value}: the Ollama daemon runs the model, and keeps what it says.")
    elif slot.child is None:
        console.note(f"{kind.value}: nothing runs here, the model is active as files only.")
    document = slot_documents.active([slot], await services.activation.programs(slot))
    return Answer({**document, "log": list(said)}, lines=said)


def _lines(console: Console, slots: list[Slot], programs: Programs) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.slots import tell_trouble
    from tui_hub.cli.tables import table

    rows = [
        (
            slot.type.value,
            slot.model,
            slot.variant,
            slot.chosen_by,
            slot.device,
            text.ago(slot.since) if slot.error is None else "not loaded",
            slot.path,
        )
        for slot in slots
    ]
    titles = ("TYPE", "MODEL", "VARIANT", "RUNTIME", "DEVICE", "SINCE", "PATH")
    heading, *lines = table(titles, rows, width=console.width, flexible=len(titles) - 1)
    yield console.heading(heading)
    yield from lines
    for slot in slots:
        if slot.url is not None and slot.error is None:
            yield f"{slot.type.value} answers at {text.clean(slot.url)}"
        for program in programs.get(slot.type) or ():
            yield f"{slot.type.value} is in use by {program}"
        tell_trouble(console, slot)
