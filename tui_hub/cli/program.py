"""The command `tui-hub`: finds the verb, runs it, and turns whatever goes wrong into an answer."""

from __future__ import annotations

import gc
import importlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from tui_hub.cli.exit_codes import BROKEN_PIPE, DONE, FAILED
from tui_hub.cli.options import Options, remember, shared_options, write_examples, write_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from tui_hub.domain.errors import HubError

COMPLETION = "_TUI_HUB_COMPLETE"
"""The variable by which the script of `tui-hub completion` asks what might come next."""
_VERBS = "tui_hub.cli.verbs"
_EXAMPLES = (
    "tui-hub",
    "tui-hub --demo",
    "tui-hub --sync-only",
    "tui-hub search llama 8b --size-max 10GiB",
    "tui-hub download org/name",
    "tui-hub COMMAND --help",
)
_TURN_SECONDS = 0.001
"""After how long a busy thread lets others run: each answer of a database waits for a turn or two,
and during a sync 5 ms, as is usual, add up to what a person feels."""
_GARBAGE = 20_000
"""New objects after which Python looks for cycles: each start makes many, all of which stay."""


_FOLDER = Path(__file__).parent / "verbs"
_HELP = re.compile(
    r'^def command\(.*?\) -> int:\n    """(.*?)(?:"""|\n\n)', re.DOTALL | re.MULTILINE
)
"""The first paragraph of what a verb's help says, in its source."""


@cache
def _verbs() -> tuple[str, ...]:
    return tuple(sorted(file.stem for file in _FOLDER.glob("[!_]*.py")))


def _summary(name: str) -> str | None:
    """What a verb is for, without importing its module: all of them take longer than all else."""
    try:
        found = _HELP.search((_FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    except OSError:
        return None
    return found[1] if found else None


class Program(click.Group):
    """Loads the module of a verb when that verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all verbs: one for each module."""
        return list(_verbs())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb, or `None` where there is no such verb."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"{_VERBS}.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; where there is none, name one that was perhaps meant."""
        if ctx.resilient_parsing:  # for a shell that completes, a wrong word is no failure
            return super().resolve_command(ctx, args)
        name = args[0]
        if name == "help":
            verb = [word for word in args[1:] if not word.startswith("-")]
            if not verb:
                click.echo(ctx.get_help())
                ctx.exit()
            return self.resolve_command(ctx, [*verb, "--help"])
        if not name.startswith("-") and name not in self.list_commands(ctx):
            from difflib import get_close_matches

            near = get_close_matches(name, self.list_commands(ctx), 1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"There is no command {name!r}.{meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each verb is for."""
        names = self.list_commands(ctx)
        room = formatter.width - max(map(len, names)) - 6
        rows = [(name, self._told(ctx, name).get_short_help_str(room)) for name in names]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What a shell offers for a word: verbs with what they are for, and options."""
        from click.shell_completion import CompletionItem

        verbs = [
            CompletionItem(name, help=self._told(ctx, name).get_short_help_str())
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]

    def _told(self, ctx: click.Context, name: str) -> click.Command:
        """A verb as far as its summary tells it; the verb itself only where there is none."""
        summary = _summary(name)
        known = self.get_command(ctx, name) if summary is None else None
        return known or click.Command(name, help=summary)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs first, then the options."""
        self.format_commands(ctx, formatter)
        write_options(ctx, formatter, "Options", self.get_params(ctx))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a few commands that show the way."""
        write_examples(formatter, _EXAMPLES)


@click.group(
    cls=Program,
    params=shared_options(),
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--sync-only", is_flag=True, help="Sync the catalogue once and exit.")
@click.option(
    "--demo",
    is_flag=True,
    expose_value=False,
    callback=remember,
    help="Try everything on a private hub of small models.",
)
@click.pass_context
def program(context: click.Context, sync_only: bool) -> int:
    """Find, fetch, verify, switch and retire AI models. Without a command, open the screen."""
    options = context.ensure_object(Options)
    if sync_only and context.invoked_subcommand is not None:
        raise click.UsageError("--sync-only takes no command; `tui-hub sync` does.", context)
    if context.invoked_subcommand is None and not sync_only:
        from tui_hub.cli.screen import require_terminal

        require_terminal()
    if options.demo:
        from tui_hub.cli.demo import demo_hub

        context.with_resource(demo_hub(options))
    if context.invoked_subcommand is not None:
        return DONE
    if sync_only:
        from tui_hub.cli.verbs.sync import synchronise

        return synchronise(options)
    from tui_hub.cli.screen import open_screen

    return open_screen(options)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with the exit code of the outcome."""
    _ensure_streams()
    if asked := os.environ.get(COMPLETION):
        from click.shell_completion import shell_complete

        sys.exit(
            _flushed(shell_complete(program, {"obj": Options()}, "tui-hub", COMPLETION, asked))
        )
    sys.setswitchinterval(_TURN_SECONDS)
    gc.set_threshold(_GARBAGE, 20, 20)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    code = _flushed(_run(arguments, Options()))
    sys.exit(code)


def _run(arguments: list[str], options: Options) -> int:
    """Run one command line and report its failure, if it is one."""
    options.json = "--json" in _before_separator(arguments)

    def invoke() -> int:
        with program.make_context("tui-hub", arguments, obj=options) as context:
            # reported in here, where the home of `--demo` still takes a log
            return _reported(lambda: program.invoke(context), options)

    return _reported(invoke, options)


def _reported(work: Callable[[], object], options: Options) -> int:
    """The exit code of the work; its failure is told, and is a code too."""
    try:
        outcome = work()
    except click.exceptions.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        return _broken_pipe()
    except (Exception, KeyboardInterrupt) as error:  # whatever it is, the person gets an answer
        from tui_hub.cli.failures import as_hub_error

        return _report(as_hub_error(error, options), options)
    return outcome if isinstance(outcome, int) else DONE


def _report(error: HubError, options: Options) -> int:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.cli.failures import ProgramError, StoppedError
    from tui_hub.cli.redaction import Redactor

    console = Console.of(options, Redactor(options.environment or os.environ))
    try:
        code = error.exit_code if isinstance(error, StoppedError | ProgramError) else None
        return console.give(Answer({}, error=error, code=code))
    except BrokenPipeError:
        return _broken_pipe()
    except OSError as failure:
        return _unwritten(failure)


def _flushed(code: int) -> int:
    """Write out what is buffered, now, while a failure to do so can still be told."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _broken_pipe()
    except OSError as error:
        if code == DONE:
            return _unwritten(error)
        _drop_output()
    return code


def _unwritten(error: OSError) -> int:
    _drop_output()
    sys.stderr.write(f"error: the output cannot be written: {error.strerror}\n")
    return FAILED


def _broken_pipe() -> int:
    _drop_output()
    return BROKEN_PIPE


def _drop_output() -> None:
    """Let the interpreter's own flush at exit go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _ensure_streams() -> None:
    """Fill closed standard streams, so that no database is opened as one; encode what they can."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115
        elif number and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _before_separator(arguments: Sequence[str]) -> Sequence[str]:
    return arguments[: arguments.index("--")] if "--" in arguments else arguments
