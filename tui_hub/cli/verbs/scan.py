"""`tui-hub scan`: find the models that are on this box already, and take them in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.errors import HubError
    from tui_hub.domain.scanning import ScanMode, ScanReport
    from tui_hub.services import Services

_MODES = ("auto", "reflink", "hardlink", "copy", "reference")
"""Written out, as importing the vocabulary of scans would slow every `--help`."""


@verb(
    "scan",
    "tui-hub scan",
    "tui-hub scan /data/models --adopt",
    "tui-hub scan ~/ComfyUI/models --adopt --mode hardlink",
)
@click.argument("places", metavar="[PLACE]...", nargs=-1)
@click.option("--adopt", is_flag=True, help="Take in what is found.")
@click.option(
    "--mode",
    type=click.Choice(_MODES),
    default="auto",
    show_default=True,
    help="How to take it in; but for auto, only so.",
)
@click.option("--dry-run", is_flag=True, help="Only report, whatever else is said.")
@click.pass_obj
def command(
    options: Options, places: tuple[str, ...], adopt: bool, mode: str, dry_run: bool
) -> int:
    """Find models that are on this box already.

    Each PLACE is a folder or a file; without one it looks where Hugging Face's libraries, Ollama,
    LM Studio and ComfyUI keep models. Everything is read and hashed once, and remembered. The Hub
    is asked for the hashes of what LM Studio has of it, unless --offline is said.

    It only reports, unless --adopt is said: then what was found becomes models of this home, and
    what it calls installed can be activated at once. No file of theirs is changed, moved or
    deleted, but for --mode hardlink, which makes them read-only where they lie.

    \b
    auto       reflink where the disk can, else reference; copy what is small
    reflink    share the blocks; a write to one leaves the other as it was
    hardlink   a second name for the same file, read-only from then on
    reference  leave it where it lies, and notice once it is changed or gone
    copy       a second copy, which takes as much disk again
    """
    from tui_hub.cli.running import run

    return run(
        options,
        lambda services, console: _scan(services, console, places, adopt and not dry_run, mode),
    )


async def _scan(
    services: Services, console: Console, places: tuple[str, ...], adopt: bool, mode: str
) -> Answer:
    import asyncio

    from tui_hub.cli.disk_work import drawn
    from tui_hub.domain.errors import InterruptedJobError
    from tui_hub.domain.scanning import ScanMode

    chosen = ScanMode(mode)
    if adopt and chosen is ScanMode.HARDLINK:
        console.note("What is taken in becomes read-only where it lies, for everybody.")
    work = services.scanning.run(places, adopt=adopt, mode=chosen)
    try:
        report = await drawn(services, console, work)
        error = _shortcoming(report) if adopt else None
    except (InterruptedJobError, asyncio.CancelledError):
        report = services.scanning.report
        error = InterruptedJobError(
            "the scan was interrupted", hint="What it hashed and took in is kept; the same goes on."
        )
    return _answer(console, report, adopt, chosen, error)


def _answer(
    console: Console, report: ScanReport, adopt: bool, mode: ScanMode, error: HubError | None
) -> Answer:
    from tui_hub.cli import scan_documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.exit_codes import PARTLY

    told = scan_documents.stays(report)
    if told is not None:
        console.note(told)
    return Answer(
        scan_documents.scan(report, adopt=adopt, mode=mode),
        lines=scan_documents.scan_lines(console, report, adopt=adopt),
        brief=[one.model for one in report.models],
        error=error,
        code=PARTLY if error is not None and error.code == "failed" else None,
    )


def _shortcoming(report: ScanReport) -> HubError | None:
    """The error of a scan that could not take in all that it found."""
    from tui_hub.cli.failures import failure

    if not report.fell_short:
        return None
    reasons = [f"{one.model}: {one.reason}" for one in report.models if one.failed]
    reasons += [f"{one.place}: {one.reason}" for one in report.left_out if one.failed]
    more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return failure("failed", f"some was left out: {reasons[0]}{more}")
