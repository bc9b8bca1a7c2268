"""`tui-hub add`: take one model into the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer
    from tui_hub.domain.identifiers import ModelId
    from tui_hub.services import Services

_ELSEWHERE = ("url", "local")
_PATH_STARTS = ("/", "./", "../", "~", "file:")


@verb("add")
@click.argument("model")
@click.pass_obj
def command(options: Options, model: str) -> int:
    """Add one repository to the catalogue.

    Its source is asked for it. Addresses and local paths are not taken yet."""
    from tui_hub.cli.running import run

    wanted = _parse(model)
    return run(options, lambda services, _: _add(services, wanted))


def _parse(given: str) -> ModelId:
    """The id of a model at a source that can be asked.

    Raises:
        RefusedError: for addresses and local paths.
        UsageError: for anything else that is no id.
    """
    from tui_hub.domain.errors import RefusedError
    from tui_hub.domain.identifiers import ModelId

    outside = "://" in given or given.startswith(_PATH_STARTS)
    if not outside:
        wanted = ModelId.parse(given)
        if wanted.source not in _ELSEWHERE:
            return wanted
    raise RefusedError(
        "models by address or local path cannot be added yet",
        hint="Give the id of a repository, for example org/name.",
    )


async def _add(services: Services, wanted: ModelId) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer

    entry = await services.catalogue.get(wanted)
    return Answer(
        documents.model(entry), lines=[f"{entry.id} is in the catalogue"], brief=[entry.id]
    )
