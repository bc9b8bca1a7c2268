"""`tui-hub import`: take in a registry that `export` wrote."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.errors import HubError
    from tui_hub.domain.registry import Decision, ImportReport
    from tui_hub.services import Services


class _Wanted(TypedDict):
    replace: bool
    dry_run: bool
    download: bool


@verb(
    "import",
    "tui-hub import registry.json --dry-run",
    "tui-hub import registry.json --yes --download",
)
@click.argument("file")
@click.option("--replace", is_flag=True, help="Let the document go before what is here.")
@click.option("--yes", is_flag=True, help="Take models of its own from any host or path it names.")
@click.option("--download", is_flag=True, help="Leave its installed models to the agent to fetch.")
@click.option("--dry-run", is_flag=True, help="Show what would come in, and do nothing.")
@click.pass_obj
def command(options: Options, file: str, yes: bool, **wanted: Unpack[_Wanted]) -> int:
    """Take in a document of `tui-hub export`; - reads it from stdin.

    What is here stays, unless --replace says otherwise. Models that were installed come in as
    known, and `download` then takes exactly the files that were there. Ends with 3 where parts were
    left out."""
    from tui_hub.cli.running import obtain, run
    from tui_hub.domain.additions import Consent

    if wanted["download"] and options.demo:
        raise click.UsageError("--download is not for the demo, whose hub ends with this command.")
    body = _read(file)
    consents: set[str] = {Consent.HOST} if yes else set()
    if not yes and not wanted["dry_run"] and _is_asked():
        hosts = obtain(options, lambda services, _: _hosts(services, body))
        if hosts and click.confirm(f"Take files from {', '.join(hosts)}?", err=True):
            consents.add(Consent.HOST)
    return run(
        options, lambda services, console: _import(services, console, body, consents, wanted)
    )


def _read(file: str) -> bytes:
    """The document, read before anything is opened, so that Ctrl-C ends a wait for a pipe.

    Raises:
        UsageError: when it cannot be read.
    """
    from pathlib import Path

    from tui_hub.domain.errors import UsageError
    from tui_hub.services.registry.entries import LARGEST
    from tui_hub.text import clean

    try:
        if file == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with Path(file).expanduser().open("rb") as document:
            return document.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(
            f"{clean(file, 200)} cannot be read: {why}", hint="- reads from stdin."
        ) from None


def _is_asked() -> bool:
    from tui_hub.cli.console import is_terminal

    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


async def _hosts(services: Services, body: bytes) -> tuple[str, ...]:
    """Where the document's own models come from that nobody said yes to yet."""
    return (await services.registry.preview(await services.registry.read(body))).hosts


async def _import(
    services: Services, console: Console, body: bytes, consents: set[str], wanted: _Wanted
) -> Answer:
    from tui_hub.cli.console import Answer
    from tui_hub.cli.exit_codes import PARTLY
    from tui_hub.domain.registry import Outcome

    registry = services.registry
    reading = await registry.read(body)
    work = registry.preview if wanted["dry_run"] else registry.take
    report = await work(reading, consents, replace=wanted["replace"])
    jobs = []
    if wanted["download"] and not wanted["dry_run"]:
        jobs = [job async for job in _downloads(services, console, report)]
    queued = len(jobs) == len(report.pinned) or wanted["dry_run"] or not wanted["download"]
    error = _shortcoming(report, queued=queued)
    return Answer(
        {
            **{str(outcome): report.count(outcome) for outcome in Outcome},
            "entries": [_entry(one) for one in report.decisions],
            "pinned": list(report.pinned),
            "dry_run": wanted["dry_run"],
            "jobs": jobs,
        },
        lines=_lines(console, report, jobs, dry_run=wanted["dry_run"]),
        brief=list(report.pinned),
        error=error,
        code=None if error is None else PARTLY,
    )


def _shortcoming(report: ImportReport, *, queued: bool) -> HubError | None:
    """The error of an import that left parts out, or could not queue all downloads."""
    from tui_hub.cli.failures import failure
    from tui_hub.domain.registry import Outcome

    skipped = [one for one in report.decisions if one.outcome is Outcome.SKIPPED]
    if not skipped:
        return None if queued else failure("failed", "not every download could be queued")
    more = f", and {len(skipped) - 1} more" if len(skipped) > 1 else ""
    told = f"some was left out: {skipped[0].subject}: {skipped[0].reason}{more}"
    return failure("failed", told)


async def _downloads(
    services: Services, console: Console, report: ImportReport
) -> AsyncIterator[str]:
    """Queue what the document pinned; the jobs, by id."""
    from tui_hub.domain.errors import HubError

    for model in report.pinned:
        try:
            plan = await services.downloads.plan(model)
            job = await services.downloads.begin(plan, detached=True)
            await services.agent.hand_over(job.id)
        except HubError as error:
            console.note(f"{model} is not downloaded: {error.message}")
        else:
            yield job.id


def _entry(one: Decision) -> dict[str, object]:
    return {
        "subject": one.subject,
        "part": one.part.value,
        "name": one.name,
        "outcome": one.outcome.value,
        "reason": one.reason,
        "place": one.place,
    }


def _lines(
    console: Console, report: ImportReport, jobs: list[str], *, dry_run: bool
) -> Iterator[str]:
    from tui_hub.cli.tables import table
    from tui_hub.domain.registry import Outcome

    skipped = [one for one in report.decisions if one.outcome is Outcome.SKIPPED]
    if skipped:
        rows = [
            (one.subject, f"{one.part} {one.name or ''}".strip(), one.reason, one.place)
            for one in skipped
        ]
        heading, *lines = table(
            ("LEFT OUT", "PART", "WHY", "WHERE"), rows, width=console.width, flexible=2
        )
        yield from (console.heading(heading), *lines, "")
    figures = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in Outcome)
    yield f"{'would be: ' if dry_run else ''}{figures}"
    if jobs:
        yield f"Left to the agent: {', '.join(jobs)}; `tui-hub jobs` shows how they go."
    elif report.pinned and not dry_run:
        yield f"To be downloaded, here as they were there: {', '.join(report.pinned)}"
        yield "`tui-hub download MODEL` takes one; `--download` beside the import takes all."
