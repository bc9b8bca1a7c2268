"""`tui-hub configure`: what is set for one model, in versions."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.configuration import ConfigurationReport
    from tui_hub.services import Services

    Change = Callable[[Services, str], Awaitable[ConfigurationReport]]


@verb(
    "configure",
    "tui-hub configure org/name",
    "tui-hub configure org/name device=cuda:1 dtype=bfloat16 --reload",
    "tui-hub configure org/name --version 2",
)
@click.argument("model", type=MODEL)
@click.argument("values", metavar="[KEY=VALUE]...", nargs=-1)
@click.option("--unset", metavar="KEY", multiple=True, help="Take a value out.")
@click.option("--reset", is_flag=True, help="Take all values out.")
@click.option(
    "--version", metavar="N", type=click.IntRange(min=1), help="Let an older version count again."
)
@click.option("--refuse-pickle", is_flag=True, help="Take back what --allow-pickle agreed to.")
@click.option("--reload", is_flag=True, help="Load the model again where it is active.")
@click.pass_obj
def command(
    options: Options,
    model: str,
    values: tuple[str, ...],
    unset: tuple[str, ...],
    reset: bool,
    version: int | None,
    refuse_pickle: bool,
    reload: bool,
) -> int:
    """Set how a model is loaded; list what is set, and what was.

    The keys: `runtime` (auto, torch, ollama, link or a command of yours), `device` (auto, cpu or
    cuda:N), `dtype` (bfloat16 for example, or auto) and `adapters` (LoRA adapters by their ids,
    with commas between them) for torch, `context` (tokens) and `options.NAME` for Ollama and
    commands, and `variant`. They go before the settings, and behind
    the options of `activate` and `switch`. Each change makes a new version. An active model takes
    it over when it is loaded again.
    """
    from tui_hub.cli.references import read_reference
    from tui_hub.cli.running import obtain, run

    if sum((bool(values or unset), reset, version is not None, refuse_pickle)) > 1:
        raise click.UsageError(
            "Give either values and --unset, or --reset, or --version, or --refuse-pickle."
        )
    reference = read_reference(options, model)
    if reference.revision:
        raise click.UsageError("What is set counts for all revisions of a model: leave out its @.")
    wanted = reference.model
    change = _change(_pairs(values), unset, reset, version)
    if refuse_pickle:
        change = _refuse_pickles
    if change is not None and not reload and _may_ask(options):
        report = obtain(options, lambda services, _: _changed(services, wanted, change))
        # Asked between two openings of the home, so that nothing waits for a person.
        reload, change = _ask(report), None
    return run(options, lambda services, console: _work(services, console, wanted, change, reload))


def _pairs(values: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for given in values:
        key, equals, value = given.partition("=")
        if not equals:
            raise click.UsageError(f"{given!r} is no KEY=VALUE, as dtype=bfloat16 is.")
        if key in pairs:
            raise click.UsageError(f"{key} is given twice.")
        pairs[key] = value
    return pairs


def _change(
    values: dict[str, str], unset: tuple[str, ...], reset: bool, version: int | None
) -> Change | None:
    """What is to be done; `None` where nothing is, but to look."""
    if reset:
        return lambda services, model: services.configuring.reset(model)
    if version is not None:
        return lambda services, model: services.configuring.take_back(model, version)
    if values or unset:
        return lambda services, model: services.configuring.change(model, values, unset)
    return None


async def _refuse_pickles(services: Services, model: str) -> ConfigurationReport:
    return await services.configuring.refuse_pickles(model)


async def _changed(services: Services, model: str, change: Change | None) -> ConfigurationReport:
    from tui_hub.cli.references import naming_namesakes

    async with naming_namesakes(services, model):
        if change is None:
            return await services.configuring.show(model)
        return await change(services, model)


def _may_ask(options: Options) -> bool:
    from tui_hub.cli.console import is_terminal

    there = is_terminal(sys.stdin) and is_terminal(sys.stderr)
    return there and not options.json and not options.quiet


def _ask(report: ConfigurationReport) -> bool:
    """Whether a model that is active in another way is to be loaded again now."""
    from tui_hub.text import clean

    if not report.stale:
        return False
    slots = " and ".join(report.stale)
    return click.confirm(f"{clean(report.model)} is active as {slots}. Reload it?", err=True)


async def _work(
    services: Services, console: Console, model: str, change: Change | None, reload: bool
) -> Answer:
    from tui_hub.cli import configurations
    from tui_hub.cli.console import Answer
    from tui_hub.cli.slots import change_slot

    report = await _changed(services, model, change)
    loads: list[Answer] = []
    for kind in report.stale if reload else ():
        again = services.activation.reload(kind)
        loads.append(await change_slot(services, console, again, kind, report.model))
    if loads:
        report = await services.configuring.show(report.model)
    failed = next((one for one in loads if one.error is not None), None)
    return Answer(
        {**configurations.document(report), "reloads": [one.document for one in loads]},
        lines=[
            *configurations.lines(console, report, reload=reload),
            *(line for one in loads if one.lines for line in ("", *one.lines)),
        ],
        brief=configurations.brief(report),
        error=None if failed is None else failed.error,
    )
