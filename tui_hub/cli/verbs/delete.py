"""`tui-hub delete`: take a model out of the store."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer
    from tui_hub.domain.storage import Deletion
    from tui_hub.services import Services


@verb("delete")
@click.argument("model")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--deactivate", is_flag=True, help="Deactivate it first, if it is active.")
@click.option("--dry-run", is_flag=True, help="Show what would be freed, and do nothing.")
@click.pass_obj
def command(options: Options, model: str, yes: bool, deactivate: bool, dry_run: bool) -> int:
    """Delete a model's files.

    Bytes that another model shares stay. An active model is refused."""
    from tui_hub.cli.running import obtain, run

    if dry_run:
        return run(options, lambda services, _: _preview(services, model))
    if not yes:
        _ask(obtain(options, lambda services, _: services.storage.preview_delete(model)))
    return run(options, lambda services, _: _delete(services, model, deactivate))


async def _preview(services: Services, model: str) -> Answer:
    return _answer(await services.storage.preview_delete(model), "would be deleted")


async def _delete(services: Services, model: str, deactivate: bool) -> Answer:
    return _answer(await services.storage.delete(model, deactivate=deactivate), "deleted")


def _ask(preview: Deletion) -> None:
    """Let the person confirm.

    Raises:
        UsageError: when there is no one to ask.
        HubError: when the answer is no.
    """
    from tui_hub import text
    from tui_hub.cli.console import is_terminal
    from tui_hub.domain.errors import HubError, UsageError

    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise UsageError(
            f"deleting {preview.model} needs a yes, and there is no terminal to ask on",
            hint="Add --yes.",
        )
    question = (
        f"Delete {text.clean(preview.model)}: {preview.files} files, "
        f"{text.size(preview.bytes_freed)} freed?"
    )
    if not click.confirm(question, default=False, err=True):
        raise HubError("nothing was deleted")


def _answer(deletion: Deletion, done: str) -> Answer:
    from tui_hub import text
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer

    line = (
        f"{text.clean(deletion.model)}: {deletion.files} files {done}, "
        f"{text.size(deletion.bytes_freed)} freed"
    )
    return Answer(documents.deletion(deletion), lines=[line], brief=[])
