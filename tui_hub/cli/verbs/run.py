"""`tui-hub run`: start a program that finds the active model in its environment."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL_TYPE

if TYPE_CHECKING:
    from tui_hub.cli.console import Console
    from tui_hub.domain.types import ModelType
    from tui_hub.services import Services

_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")


@verb(
    "run",
    "tui-hub run llm -- python chat.py",
    "tui-hub run image_gen -- sh -c 'ls \"$TUI_HUB_MODEL_PATH\"'",
)
@click.argument("kind", metavar="TYPE", type=MODEL_TYPE)
@click.argument("program", metavar="-- CMD...", nargs=-1, required=True)
@click.pass_obj
def command(options: Options, kind: ModelType, program: tuple[str, ...]) -> int:
    """Run a program on an active model.

    It finds the model's path, the home and the offline switches in its environment, as `env`
    prints them.
    The exit code is that of CMD; 127 where there is no such program, 126 where it cannot be run.
    """
    from tui_hub.cli.running import obtain
    from tui_hub.domain.runtime import OPTIONAL_VARIABLES

    if options.json:
        raise click.UsageError("run prints what the program prints, and no document of its own.")
    found = obtain(options, lambda services, console: _environment(services, console, kind))
    around = os.environ if options.environment is None else options.environment
    inherited = {name: value for name, value in around.items() if name not in OPTIONAL_VARIABLES}
    return _start(program, {**inherited, **found}, stay=options.demo)


async def _environment(services: Services, console: Console, kind: ModelType) -> dict[str, str]:
    from tui_hub.cli.slots import active_slot, tell_trouble

    tell_trouble(console, await active_slot(services, kind))
    places = services.configuration.paths.variables()
    return {**places, **await services.activation.environment(kind)}


def _start(program: tuple[str, ...], environment: dict[str, str], *, stay: bool) -> int:
    """Become the program; `stay` waits for it instead, where something is left to be tidied up.

    Raises:
        ProgramError: when it cannot be started.
    """
    import subprocess

    from tui_hub.cli.exit_codes import NO_PROGRAM, NOT_EXECUTABLE
    from tui_hub.cli.failures import ProgramError

    try:
        if stay:
            code = subprocess.run(program, env=environment, check=False).returncode
            return code if code >= 0 else 128 - code
        _become(program, environment)
    except OSError as error:
        reason = error.strerror or str(error)
        code = NO_PROGRAM if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
        raise ProgramError(f"{program[0]!r} cannot be started: {reason}", code) from None


def _become(program: tuple[str, ...], environment: dict[str, str]) -> NoReturn:
    """Replace this process, with the signals that Python ignores given back to the system."""
    sys.stdout.flush()
    sys.stderr.flush()
    for name in _IGNORED_BY_PYTHON:
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execvpe(program[0], program, environment)  # noqa: S606 - the person's own command
