"""Adding a model on the screen: by its name, by its address, or from a folder of this box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_hub.domain.errors import RefusedError, UsageError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.services.models.references import is_address, is_place, read_reference
from tui_hub.settings import Configuration
from tui_hub.tui.screens.add import AddDialog
from tui_hub.tui.screens.prompt import Prompt

if TYPE_CHECKING:
    from tui_hub.tui.actions.app import ActingApp

Meant = ModelId | tuple[str, ...]
"""A model by its id, or the places of its files."""

_WORDS = (
    "Its name at its source: org/name, or with a prefix as in ollama:llama3.1. Or the addresses "
    "of its files, or the folder or file that it lies in: https://…, /folder, ~/file, ./file."
)


def meaning(words: str, configuration: Configuration) -> Meant:
    """What was typed.

    Raises:
        UsageError: when it is neither an id nor a place.
    """
    if not is_place(words, configuration):
        try:
            return ModelId.parse(read_reference(words, configuration).model)
        except RefusedError as error:
            raise UsageError(error.message, hint=error.hint) from None
    words = words.strip()
    return tuple(words.split()) if is_address(words.partition(" ")[0]) else (words,)


async def ask_for_model(app: ActingApp) -> Model | None:
    """Ask for a model, and bring it into the catalogue; `None` when the person gives that up.

    Call it in a worker.

    Raises:
        HubError: when it cannot be had.
    """
    configuration = app.services.configuration
    prompt = Prompt("Add a model", _WORDS, "", lambda words: meaning(words, configuration))
    meant = await app.push_screen_wait(prompt)
    if meant is None:
        return None
    if isinstance(meant, ModelId):
        return await app.services.catalogue.get(meant)
    shown = app.services.adding.shown(meant)
    return await app.push_screen_wait(AddDialog(meant, shown))
