"""`tui-hub completion`: what lets a shell complete commands, options and names."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tui_hub.cli.options import Options, verb

_SHELLS = ("bash", "zsh", "fish")


@verb(
    "completion",
    'eval "$(tui-hub completion bash)"',
)
@click.argument("shell", required=False, type=click.Choice(_SHELLS))
@click.pass_obj
def command(options: Options, shell: str | None) -> int:
    """Print the script that completes commands, options, models, feeds and settings.

    \b
    bash:  eval "$(tui-hub completion bash)"   in ~/.bashrc
    zsh:   eval "$(tui-hub completion zsh)"    in ~/.zshrc, below compinit
    fish:  tui-hub completion fish > ~/.config/fish/completions/tui-hub.fish

    Without SHELL it is the one of `$SHELL`."""
    from click.shell_completion import get_completion_class

    from tui_hub.cli.bash_completion import use
    from tui_hub.cli.console import Answer, Console
    from tui_hub.cli.program import COMPLETION, program
    from tui_hub.cli.redaction import Redactor

    use()
    wanted = shell or Path(os.environ.get("SHELL", "")).name
    found = get_completion_class(wanted)
    if wanted not in _SHELLS or found is None:
        raise click.UsageError(f"Name a shell: {', '.join(_SHELLS)}.")
    script = found(program, {}, "tui-hub", COMPLETION).source()
    console = Console.of(options, Redactor(os.environ))
    return console.give(Answer({"shell": wanted, "script": script}, lines=script.splitlines()))
