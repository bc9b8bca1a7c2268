"""`tui-hub paths`: where everything lives."""

from __future__ import annotations

import click

from tui_hub.cli.options import Options, verb


@verb(
    "paths",
    "tui-hub paths",
    "tui-hub paths --json | jq -r .store",
)
@click.pass_obj
def command(options: Options) -> int:
    """Show where everything lives.

    Creates nothing.
    """
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer, Console
    from tui_hub.cli.redaction import Redactor
    from tui_hub.cli.tables import fields

    configuration = options.configuration()
    document = documents.paths(configuration.paths)
    console = Console.of(options, Redactor(configuration.environment))
    return console.give(Answer(document, lines=fields(list(document.items()))))
