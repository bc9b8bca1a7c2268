"""`tui-hub agent`: schedule and jobs without a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.services import Services


@verb(
    "agent",
    "tui-hub agent",
    "tui-hub agent --install",
    "tui-hub agent --status",
)
@click.option("--install", is_flag=True, help="Write a systemd unit for this user, and stop.")
@click.option("--status", is_flag=True, help="Show whether an agent works, and stop.")
@click.option("--stop", is_flag=True, help="End the agent of this home.")
@click.option("--until-idle", is_flag=True, help="Only go on with downloads; end after the last.")
@click.pass_obj
def command(options: Options, install: bool, status: bool, stop: bool, until_idle: bool) -> int:
    """Work in the background.

    Keeps the catalogue up to date on its schedule, and goes on with downloads that were left to
    the background or whose terminal was closed. Ctrl-C or SIGTERM ends it; a closed terminal does
    not.
    """
    import signal

    from tui_hub.cli.running import run

    if install + status + stop + until_idle > 1:
        raise click.UsageError("--install, --status, --stop and --until-idle exclude one another.")
    if install and options.demo:
        raise click.UsageError("--install is not for the demo, whose hub ends with this command.")
    if install:
        return _install(options)
    if status:
        return run(options, lambda services, _: _status(services))
    if stop:
        return run(options, lambda services, _: _stop(services))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return run(options, lambda services, console: _serve(services, console, until_idle), fill=False)


def _install(options: Options) -> int:
    from tui_hub.cli.console import Answer
    from tui_hub.cli.running import prepare
    from tui_hub.services.agent.unit import COMMANDS, left_out, write_unit
    from tui_hub.text import clean

    configuration, console = prepare(options)
    path = str(write_unit(configuration))
    for name in left_out(configuration):
        why = "which may be a token or hold a password"
        console.note(f"{name}, {why}, is not written into it: {_elsewhere(name)}.")
    console.note(f"Written: {path}")
    console.note("Now run:")
    return console.give(Answer({"unit": path, "commands": COMMANDS}, lines=map(clean, COMMANDS)))


def _elsewhere(name: str) -> str:
    if name == "HF_TOKEN":
        return "`hf auth login` keeps one for the agent"
    return "`systemctl --user edit tui-hub-agent` adds it, if it is to be there"


async def _serve(services: Services, console: Console, until_idle: bool) -> Answer:
    import asyncio

    from tui_hub.cli.console import Answer

    home = services.configuration.paths.hub_database.parent

    def ready() -> None:
        console.note(f"The agent of {home} works; Ctrl-C ends it.")

    try:
        await services.agent.serve(ready, until_idle=until_idle)
    except asyncio.CancelledError:
        console.note("The agent ends; running downloads keep every byte.")
    return Answer({"status": "ended"})


async def _status(services: Services) -> Answer:
    from tui_hub.cli.console import Answer

    holder = await services.agent.holder()
    if holder is None:
        return Answer({"running": False, "holder": None}, lines=["No agent works."])
    return Answer(
        {"running": True, "holder": {"host": holder.host, "pid": holder.pid}},
        lines=[f"The agent is process {holder.pid} on {holder.host}."],
    )


async def _stop(services: Services) -> Answer:
    from dataclasses import replace

    if not await services.agent.stop():
        return await _status(services)
    ended = await _status(services)
    return replace(ended, lines=["The agent has ended."])
