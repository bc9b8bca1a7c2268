"""What the verbs about a model's fit share: asking for it, and its parts as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.cli.references import naming_namesakes
from tui_hub.cli.tables import table
from tui_hub.domain.frozen import dataclass

if TYPE_CHECKING:
    from tui_hub.cli.console import Console
    from tui_hub.cli.references import Reference
    from tui_hub.domain.fit import FitReport
    from tui_hub.services import Services


@dataclass(frozen=True, slots=True)
class Question:
    """What was typed: which model, and what it is to do."""

    wanted: Reference
    variant: str | None
    context: int | None
    batch: int


async def ask(services: Services, asked: Question) -> FitReport:
    """The fit of the model that was typed."""
    wanted = asked.wanted
    async with naming_namesakes(services, wanted.model):
        return await services.fit.check(
            wanted.model,
            variant=asked.variant,
            revision=wanted.revision,
            context=asked.context,
            batch=asked.batch,
        )


def need_table(console: Console, report: FitReport) -> Iterator[str]:
    """The parts of the need and where each is from, their sum last; nothing where unknown."""
    needs = report.judgement.need
    if not needs:
        return
    rows = [
        (need.part, text.size(need.bytes), need.basis.value, text.clean(need.source, 200))
        for need in needs
    ]
    rows.append(("together", text.size(report.judgement.bytes), "", _workload_words(report)))
    heading, *lines = table(
        ("NEED", ">BYTES", "BASIS", "FROM"), rows, width=console.width, flexible=3
    )
    yield console.heading(heading)
    yield from lines


def _workload_words(report: FitReport) -> str:
    tokens, batch = report.context, report.workload.batch
    words = [] if tokens is None else [f"{text.grouped(tokens)} tokens of context"]
    words += [] if batch == 1 else [f"{text.grouped(batch)} at once"]
    return f"for {', '.join(words)}" if words else ""


def device_table(console: Console, report: FitReport) -> Iterator[str]:
    """The devices, and what each one alone has to say."""
    rows = [
        (
            device.name,
            text.size(device.total),
            text.size(device.free),
            text.size(device.need),
            text.size(device.short) if device.short else "",
            device.verdict.value.replace("_", " "),
        )
        for device in report.judgement.devices
    ]
    titles = ("DEVICE", ">TOTAL", ">FREE", ">NEED", ">SHORT", "VERDICT")
    heading, *lines = table(titles, rows, width=console.width)
    yield console.heading(heading)
    yield from lines


def types_words(report: FitReport) -> str:
    """The number types of the weights, the largest share first: `BF16 3.1 GiB, F32 2.0 MiB`."""
    return ", ".join(f"{dtype} {text.size(count)}" for dtype, count in report.dtypes.items())


def disk_words(report: FitReport) -> str | None:
    """What a download would write, against the disk."""
    plan = report.disk
    if plan is None:
        return None
    if not plan.bytes_to_transfer:
        return "all of it is here"
    return f"{text.size(plan.bytes_to_transfer)} to transfer, {text.size(plan.disk_usable)} usable"
