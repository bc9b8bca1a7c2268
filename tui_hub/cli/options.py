"""The options that every command takes, before the verb or after it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import click

from tui_hub.domain.invocation import Invocation
from tui_hub.version import __version__

if TYPE_CHECKING:
    from tui_hub.settings import Configuration


@dataclass(slots=True)
class Options:
    """What the person asked for on the whole run; click fills it in while it parses."""

    home: str | None = None
    config: str | None = None
    offline: bool = False
    json: bool = False
    verbose: int = 0
    quiet: bool = False
    environment: dict[str, str] | None = None
    """Stands in for the process's environment; `--demo` makes one of its own."""
    demo: bool = False
    temporary: bool = False
    """Whether the home goes away at the end of the run."""

    @property
    def invocation(self) -> Invocation:
        """How a later run finds the home and the settings of this one; not one that goes away."""
        words = ["tui-hub"]
        if self.home is not None and not self.temporary:
            words += [*(["--demo"] if self.demo else []), "--home", self.home]
        if self.config is not None:
            words += ["--config", self.config]
        return Invocation(shlex.join(words))

    def configuration(self) -> Configuration:
        """Read the settings for this run.

        Raises:
            UsageError: when the file or the environment holds something wrong.
        """
        from tui_hub.settings import load_configuration

        configuration = load_configuration(
            home=self.home,
            config_file=self.config,
            offline=self.offline,
            environment=self.environment,
        )
        return replace(configuration, invocation=self.invocation)


def remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Keep what was given; an option that is absent here may have stood on the other side."""
    options = context.ensure_object(Options)
    if parameter.name == "verbose" and isinstance(value, int):
        options.verbose += value
    elif value and parameter.name:
        setattr(options, parameter.name, value)


def _version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        if context.ensure_object(Options).json:
            click.echo(f'{{"version": "{__version__}"}}')
        else:
            click.echo(f"tui-hub {__version__}")
        context.exit()


def shared_options() -> list[click.Parameter]:
    """Fresh parameter objects for one command."""
    shared = partial(click.Option, expose_value=False, callback=remember)
    return [
        shared(["--home"], metavar="DIR", help="Keep all state under DIR."),
        shared(["--config"], metavar="FILE", help="Read the settings from FILE."),
        shared(["--offline"], is_flag=True, help="Never open a connection."),
        shared(["--json"], is_flag=True, help="Print one JSON document and nothing else."),
        shared(["-v", "--verbose", "verbose"], count=True, help="Say more; -vv says all."),
        shared(["-q", "--quiet", "quiet"], is_flag=True, help="Say less: results only."),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Print the version.",
        ),
    ]


class Verb(click.Command):
    """A command that also takes the shared options, and lists them apart in its help.

    One that it means otherwise, as `--version` may be, is its own.
    """

    def __init__(
        self, *arguments: object, examples: Sequence[str] = (), **settings: object
    ) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        self.examples = tuple(examples)
        self._own = len(self.params)
        taken = {name for one in self.params for name in one.opts}
        self.params.extend(one for one in shared_options() if not taken.intersection(one.opts))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verb's own options first, then those of every command."""
        write_options(ctx, formatter, "Options", self.params[: self._own])
        write_options(ctx, formatter, "Options of every command", self.get_params(ctx)[self._own :])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(formatter, self.examples)


class VerbGroup(click.Group):
    """A verb with actions of its own, each a verb too; it takes the shared options like any."""

    def __init__(
        self, *arguments: object, examples: Sequence[str] = (), **settings: object
    ) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        self.examples = tuple(examples)
        self.params.extend(shared_options())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The actions in the order in which people need them."""
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the actions first, then the options."""
        self.format_commands(ctx, formatter)
        write_options(ctx, formatter, "Options of every command", self.get_params(ctx))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(formatter, self.examples)


def write_options(
    context: click.Context,
    formatter: click.HelpFormatter,
    title: str,
    parameters: list[click.Parameter],
) -> None:
    """Write one section of a help page, unless it would be empty."""
    options = [one for one in parameters if isinstance(one, click.Option)]
    records = [option.get_help_record(context) for option in options]
    rows = [record for record in records if record is not None]
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    """Write commands as they are typed, a line each, never broken."""
    with formatter.section("Examples"):
        for example in examples:
            formatter.write(f"{' ' * formatter.current_indent}{example}\n")


def verb(name: str, *examples: str) -> Callable[[Callable[..., int]], Verb]:
    """Make a function the command `name`; it returns the exit code. Its help shows the examples."""
    return click.command(name, cls=Verb, examples=examples)


def verb_group(name: str, *examples: str) -> Callable[[Callable[..., int]], VerbGroup]:
    """Make a function the command `name`, which does its work where no action is named."""
    return click.group(name, cls=VerbGroup, invoke_without_command=True, examples=examples)
