"""`tui-hub doctor`: what is wrong with this box and this home, and how to mend it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.doctor import Finding
    from tui_hub.domain.errors import UsageError
    from tui_hub.settings import Configuration

_SIGNS = {"ok": "✓", "warning": "!", "error": "✗"}
_ASCII = {"ok": "+", "warning": "!", "error": "x"}
_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@verb(
    "doctor",
    "tui-hub doctor",
    "tui-hub doctor -q || echo 'something is to be mended'",
)
@click.pass_obj
def command(options: Options) -> int:
    """Say what is wrong with this box, and how to mend it.

    It looks at the network, the token, the GPUs, torch, the disks, the store, the databases, the
    schedule, the slots and the terminal. -q shows only what is not in order.

    The exit code is 1 when something cannot work until it is mended, else 0.
    """
    from tui_hub.cli.running import run_unopened
    from tui_hub.domain.errors import UsageError

    try:
        options.configuration()
    except UsageError as error:
        return _broken_settings(options, error)
    return run_unopened(options, _doctor)


def _broken_settings(options: Options, error: UsageError) -> int:
    """The one finding without which there can be no other."""
    import os

    from tui_hub.cli.console import Console
    from tui_hub.cli.redaction import Redactor
    from tui_hub.domain.doctor import Finding, FindingStatus

    console = Console.of(options, Redactor(options.environment or os.environ))
    finding = Finding(
        check="settings", status=FindingStatus.ERROR, message=error.message, mend=error.hint
    )
    return console.give(_answer([finding], console, plain=not _speaks_utf8()))


async def _doctor(configuration: Configuration, console: Console) -> Answer:
    from tui_hub.services.doctor.visits import examine

    console.progress("Looking at the network, the GPUs, torch, the disks and the databases ...")
    plain = configuration.settings.screen.ascii or not _speaks_utf8()
    found = [*await examine(configuration), *await _keys(configuration)]
    return _answer(found, console, plain=plain)


async def _keys(configuration: Configuration) -> list[Finding]:
    """What is wrong with keys of the settings; only the screen knows that."""
    import asyncio

    from tui_hub.domain.doctor import Finding, FindingStatus

    wanted = configuration.settings.keys
    if not wanted:
        return []
    from tui_hub.tui.keys import Keys

    keys = Keys(wanted)
    await asyncio.to_thread(keys.drop_conflicts)
    count = len(wanted) - len({one.command for one in keys.problems})
    return [
        Finding(
            check="keys",
            status=FindingStatus.WARNING,
            message=f"{one.command}: {one.message}",
            mend=one.mend,
        )
        for one in keys.problems
    ] or [Finding(check="keys", status=FindingStatus.OK, message=f"{count} of your own")]


def _answer(findings: Sequence[Finding], console: Console, *, plain: bool) -> Answer:
    from dataclasses import asdict

    from tui_hub.cli.console import Answer
    from tui_hub.cli.exit_codes import DONE, FAILED
    from tui_hub.cli.failures import failure
    from tui_hub.domain.doctor import FindingStatus

    found = [_safe(finding, console) for finding in findings]
    wrong = [one for one in found if one.status is FindingStatus.ERROR]
    more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    told = failure("failed", wrong[0].message + more, wrong[0].mend) if wrong else None
    return Answer(
        {"findings": [asdict(finding) for finding in found]},
        lines=_lines(found, plain),
        brief=_lines([one for one in found if one.status is not FindingStatus.OK], plain),
        error=told if console.json else None,  # people have just read it
        code=FAILED if wrong else DONE,
    )


def _safe(finding: Finding, console: Console) -> Finding:
    """The finding without secrets, wherever its words came from."""
    from dataclasses import replace

    mend = finding.mend and console.redact(finding.mend)
    return replace(finding, message=console.redact(finding.message), mend=mend)


def _lines(found: Sequence[Finding], plain: bool) -> Iterator[str]:
    """A line for each finding, and under it what to do."""
    from tui_hub.cli.console import coloured

    signs = _ASCII if plain else _SIGNS
    width = max((len(finding.check) for finding in found), default=0)
    for finding in found:
        sign = signs[finding.status]
        if coloured(sys.stdout):
            sign = click.style(sign, fg=_COLOURS[finding.status])
        yield f"{sign} {finding.check.ljust(width)}  {finding.message}"
        if finding.mend:
            yield f"  {' ' * width}  {finding.mend}"


def _speaks_utf8() -> bool:
    return "utf" in (sys.stdout.encoding or "utf-8").lower()
