"""`tui-hub verify`: hash what is in the store again, and take what is damaged out of the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import INSTALLED

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.errors import HubError
    from tui_hub.domain.invocation import Invocation
    from tui_hub.domain.verification import Damage, HeldFile, Missing, Verification
    from tui_hub.services import Services


@verb(
    "verify",
    "tui-hub verify",
    "tui-hub verify org/name",
    "tui-hub verify --dry-run --json | jq .damaged",
)
@click.argument("model", required=False, type=INSTALLED)
@click.option("--dry-run", is_flag=True, help="Only look: move nothing away, mend nothing.")
@click.pass_obj
def command(options: Options, model: str | None, dry_run: bool) -> int:
    """Hash the files of a model again, or everything in the store.

    What is damaged is moved into the store's quarantine, and its models count as not installed
    until they are downloaded again, which fetches just those files. Links and small files that are
    wrong are made again.

    It reads at low priority, no faster than the setting store.read_rate. What was cut short, by
    Ctrl-C for example, goes on where it was when it is asked for again within a week.

    The exit code is 1 when something is damaged or missing.
    """
    from tui_hub.cli.running import run

    return run(options, lambda services, console: _verify(services, console, model, dry_run))


async def _verify(services: Services, console: Console, model: str | None, dry_run: bool) -> Answer:
    import asyncio

    from tui_hub.cli import store_documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.disk_work import drawn
    from tui_hub.domain.errors import InterruptedJobError
    from tui_hub.services.storage.verify_words import problem_of

    try:
        result = await drawn(services, console, services.verify.run(model, dry_run=dry_run))
    except (InterruptedJobError, asyncio.CancelledError):
        return _interrupted(services)
    return Answer(
        store_documents.verification(result),
        lines=_lines(result, console.invocation),
        brief=list(_findings(result)),
        error=problem_of(result),
    )


def _interrupted(services: Services) -> Answer:
    """The answer of a run that was stopped: what it had found by then."""
    from tui_hub.cli import store_documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.failures import failure

    result = services.verify.report
    error: HubError = failure(
        "interrupted", "stopped before the end", "The same command goes on from there."
    )
    if result is None:
        return Answer(store_documents.nothing(), error=error)
    return Answer(
        store_documents.verification(result), lines=_findings(result), brief=(), error=error
    )


def _lines(result: Verification, invocation: Invocation) -> Iterator[str]:
    from tui_hub import text

    what = text.clean(result.model or "the store")
    before = f", {result.resumed} of them before" if result.resumed else ""
    yield (
        f"{what}: {result.ok} of {result.checked} blobs sound{before}, "
        f"{text.size(result.bytes)} read in {text.duration(result.seconds)}"
    )
    yield from _findings(result)
    if result.commands:
        yield ""
        yield "What fetches again what was lost:"
        for command_line in result.commands:
            yield f"  {text.clean(invocation.command(command_line), 4000)}"


def _findings(result: Verification) -> Iterator[str]:
    from tui_hub.text import clean

    for damage in result.damaged:
        yield clean(f"damaged  {damage.sha256 or damage.path}  {damage.reason}", 2000)
        yield from _held(damage)
        if damage.quarantine:
            yield clean(f"    now {damage.quarantine}", 4000)
    for missing in result.missing:
        yield f"missing  {missing.sha256}"
        yield from _held(missing)
    for mend in result.mended:
        word = "mended " if mend.done else "wrong  "
        yield clean(f"{word}  {mend.path}  {mend.problem}", 4000)
    for stranger in result.strangers:
        yield clean(f"strange  {stranger}  is no blob; nothing here made it", 4000)


def _held(one: Damage | Missing) -> Iterator[str]:
    """Whose it is, and where that is active."""
    from tui_hub.text import clean

    for file in one.files:
        yield clean(f"    {_file(file)}", 2000)
    for slot in one.active:
        yield f"    active as {slot}: reload it once it is downloaded again"


def _file(file: HeldFile) -> str:
    return f"{file.model}  {file.path}"
