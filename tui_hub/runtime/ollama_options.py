"""How the daemon of Ollama is told to load a model: what it calls options."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tui_hub.domain.configuration import ModelConfiguration
from tui_hub.domain.ollama import OllamaModel

_AT_LOAD = ("num_batch", "main_gpu", "use_mmap", "num_thread", "draft_num_predict")
"""Options that count when a model is loaded, besides the context and the layers on GPUs. Where a
request differs in one of them the daemon loads anew: Ollama's `server/sched.go`, `needsReload`."""


def options_of(configuration: ModelConfiguration) -> dict[str, object]:
    """What is set for a model, as the daemon is told of it."""
    options: dict[str, object] = {
        name: _as_typed(value) for name, value in configuration.options.items()
    }
    return (
        options if configuration.context is None else options | {"num_ctx": configuration.context}
    )


def place_of(model: OllamaModel) -> dict[str, object]:
    """Its context, and as many layers on GPUs as are there: without them it is loaded anew."""
    context = {} if model.context is None else {"num_ctx": model.context}
    return {"num_gpu": -1, **context}


def as_it_is(model: OllamaModel, options: Mapping[str, object]) -> dict[str, object]:
    """The options by which a model in memory is asked for without being loaded anew."""
    return {
        **{name: value for name, value in options.items() if name in _AT_LOAD},
        **place_of(model),
    }


def _as_typed(value: str) -> object:
    """A number or truth where a text reads as one, as in JSON; else the text."""
    try:
        return msgspec.json.decode(value, type=bool | int | float)
    except msgspec.MsgspecError:
        return value
