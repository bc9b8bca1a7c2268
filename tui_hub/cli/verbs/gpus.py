"""`tui-hub gpus`: what the GPUs have, who holds it, and the box around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.hardware import BoxSample, GpuSample, HostSample
    from tui_hub.domain.ollama import OllamaRelease, OllamaState
    from tui_hub.services import Services


@verb(
    "gpus",
    "tui-hub gpus",
    "tui-hub gpus --json | jq '.gpus[].memory.free'",
    "tui-hub gpus --release ollama",
)
@click.option(
    "--release",
    metavar="ollama[:NAME]",
    multiple=True,
    help="Have Ollama free memory: of one model, or of all that stand in no slot.",
)
@click.pass_obj
def command(options: Options, release: tuple[str, ...]) -> int:
    """Show the GPUs, their memory, and who holds it.

    What the Ollama daemon has in memory is listed too. It loads a model again when somebody asks
    it for one; nothing else of others is ever ended from here.
    """
    from tui_hub.cli.running import run

    for name in release:
        if name.partition(":")[0] != "ollama" or name == "ollama:":
            raise click.UsageError("only Ollama frees memory on request: --release ollama[:NAME].")
    return run(options, lambda services, console: _gpus(services, console, release))


async def _gpus(services: Services, console: Console, release: Sequence[str]) -> Answer:
    import asyncio

    from tui_hub.cli import hardware_documents
    from tui_hub.cli.console import Answer

    released: OllamaRelease | None = None
    if release:
        names = [name.partition(":")[2] for name in release]
        released = await services.ollama.release(*(names if all(names) else ()))
    # By which it is known whose processes are the slots'.
    await services.activation.slots()
    sample, ollama = await asyncio.gather(services.hardware.read(), services.ollama.look())
    document = hardware_documents.gpus(sample, ollama)
    gone = () if released is None else released.models
    if released is not None:
        names = [one.name for one in gone]
        document = {**document, "released": names, "freed": released.freed}
    return Answer(
        document,
        lines=[*_released(released), *_lines(console, sample), *_ollama(console, ollama)],
        brief=[one.name for one in gone] if release else [gpu.uuid for gpu in sample.gpus],
    )


def _released(released: OllamaRelease | None) -> Iterator[str]:
    from tui_hub import text

    if released is None:
        return
    for one in released.models:
        yield f"The Ollama daemon has let go of {one.name}, {text.size(one.size)}."
    if released.freed is not None:
        of = f"{text.size(released.freed)} of {text.size(released.promised)}"
        yield f"By the driver {of} are free again on the GPUs."
    if not released.models:
        yield "The Ollama daemon has nothing in memory that stands in no slot."


def _ollama(console: Console, state: OllamaState | None) -> Iterator[str]:
    """What the daemon has in memory, where there is one."""
    from tui_hub import text
    from tui_hub.cli.tables import table

    if state is None or not (state.models or state.error):
        return
    yield ""
    if state.error is not None:
        yield f"ollama: {state.error}"
        return
    rows = [
        (
            one.name,
            text.size(one.size),
            text.share(one.size_vram, one.size),
            one.slot or "",
            one.expires_at,
        )
        for one in state.models
    ]
    titles = ("OLLAMA", ">MEMORY", ">ON GPU", "SLOT", "UNTIL")
    heading, *lines = table(titles, rows, width=console.width, flexible=0)
    yield console.heading(heading)
    yield from lines


def _lines(console: Console, sample: BoxSample) -> Iterator[str]:
    if sample.error is not None:
        yield sample.error
    else:
        yield from _table(console, sample.gpus)
    rows = [row for gpu in sample.gpus for row in _holders(gpu)]
    if rows:
        yield ""
        yield from _processes(console, rows)
    yield ""
    yield from _host(sample.host)


def _table(console: Console, gpus: Sequence[GpuSample]) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.tables import table

    titles = ("GPU", "NAME", ">USED", ">FREE", ">RESERVED", ">BUSY", ">TEMP", ">POWER", "ERROR")
    rows = [
        (
            gpu.label,
            gpu.name,
            text.share(gpu.memory_used, gpu.memory_total) if gpu.error is None else None,
            text.size(gpu.memory_free) if gpu.error is None else None,
            text.size(gpu.memory_reserved) if gpu.error is None else None,
            None if gpu.utilization is None else f"{gpu.utilization}%",
            None if gpu.temperature is None else f"{gpu.temperature}°C",
            _power(gpu),
            gpu.error or "",
        )
        for gpu in gpus
    ]
    heading, *lines = table(titles, rows, width=console.width, flexible=len(titles) - 1)
    yield console.heading(heading)
    yield from lines


def _power(gpu: GpuSample) -> str | None:
    if gpu.power is None:
        return None
    limit = "" if gpu.power_limit is None else f"/{gpu.power_limit:.0f}"
    return f"{gpu.power:.0f}{limit} W"


def _holders(gpu: GpuSample) -> Iterator[tuple[object, ...]]:
    """A row for each process, or one for those that no list names though memory is in use."""
    from tui_hub import text

    for one in gpu.processes:
        size = None if one.memory is None else text.size(one.memory)
        yield gpu.label, one.pid, one.user, size, one.slot or "", one.label
    if gpu.unnamed:
        held = text.size(gpu.unnamed)
        yield gpu.label, None, None, held, "", "processes that cannot be seen from here"


def _processes(console: Console, rows: Sequence[tuple[object, ...]]) -> Iterator[str]:
    from tui_hub.cli.tables import table

    titles = ("GPU", ">PID", "USER", ">MEMORY", "SLOT", "PROCESS")
    heading, *lines = table(titles, rows, width=console.width, flexible=len(titles) - 1)
    yield console.heading(heading)
    yield from lines


def _host(host: HostSample) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.tables import fields

    yield from fields(
        [
            ("memory", f"{text.share(host.memory_used, host.memory_total).strip()} used"),
            ("cpu", f"{host.cpu_percent:.0f}%"),
            ("disk", f"{text.size(host.disk_free)} free of {text.size(host.disk_total)}"),
        ]
    )
