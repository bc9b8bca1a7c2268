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

    Its source is asked for it. Beside an id, the address of its page on the Hub is taken; other
    addresses and local paths are not yet."""
    from tui_hub.cli.running import run

    wanted = _parse(options, model)
    return run(options, lambda services, _: _add(services, wanted))


def _parse(options: Options, given: str) -> ModelId:
    """The id of a model at a source that can be asked.

    Raises:
        RefusedError: for addresses elsewhere than on the Hub, and for local paths.
        UsageError: for anything else that is no id.
    """
    from tui_hub.cli.references import read_reference
    from tui_hub.domain.errors import RefusedError
    from tui_hub.domain.identifiers import ModelId

    if not given.startswith(_PATH_STARTS):
        wanted = ModelId.parse(read_reference(options, given).model)
        if wanted.source not in _ELSEWHERE:
            return wanted
    raise RefusedError(
        "models by address or local path cannot be added yet",
        hint="Give the id of a repository, for example org/name.",
    )


async def _add(services: Services, wanted: ModelId) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.references import naming_namesakes

    async with naming_namesakes(services, str(wanted)):
        entry = await services.catalogue.get(wanted)
    return Answer(
        documents.model(entry), lines=[f"{entry.id} is in the catalogue"], brief=[entry.id]
    )
