"""What a person meant by a model on the command line, and what else it might have been."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tui_hub.domain.catalogue import Search
from tui_hub.domain.errors import NotFoundError, UnreachableError
from tui_hub.domain.identifiers import ModelId
from tui_hub.services.models import references
from tui_hub.services.models.references import Reference

if TYPE_CHECKING:
    from tui_hub.cli.options import Options
    from tui_hub.services import Services

__all__ = ["Reference", "naming_namesakes", "read_reference"]

_NAMESAKES = 3
_SEARCHED = 50


def read_reference(options: Options, given: str, revision: str | None = None) -> Reference:
    """The model that was typed, by the settings of the run; see `services.references`.

    Raises:
        RefusedError: for an address that is no model's page on the Hub.
    """
    return references.read_reference(given, options.configuration(), revision)


@asynccontextmanager
async def naming_namesakes(services: Services, model: str) -> AsyncIterator[None]:
    """Let the error about a bare name that is unknown here say which models are called that.

    Raises:
        HubError: the one that was raised, with another hint where there are such models.
    """
    try:
        yield
    except (NotFoundError, UnreachableError) as error:
        found = await _namesakes(services, model)
        if found:
            *others, last = found
            meant = f"{', '.join(others)} or {last}" if others else last
            error.hint = f"Did you mean {meant}?"
        raise


async def _namesakes(services: Services, model: str) -> list[str]:
    """The ids of the catalogue's models with exactly this name, unless it is one's own id."""
    wanted = ModelId.parse(model)
    if wanted.author is not None or await services.catalogue.find(wanted) is not None:
        return []
    page = await services.catalogue.search(Search(text=wanted.name), _SEARCHED)
    return [entry.id for entry in page.models if entry.name.casefold() == wanted.name.casefold()][
        :_NAMESAKES
    ]
