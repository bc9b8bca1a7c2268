"""The questions by which a person sets a value for a model. Ask them in a worker."""

from __future__ import annotations

from tui_hub.domain.configuration import AUTO, OPTION, ModelConfiguration, changed
from tui_hub.domain.errors import UsageError
from tui_hub.domain.models import Details
from tui_hub.domain.runtime import DTYPES
from tui_hub.tui.app import HubApp
from tui_hub.tui.screens.choice import Choice, ChoiceDialog
from tui_hub.tui.screens.prompt import Prompt
from tui_hub.tui.words.configuration import meaning_of

_RUNTIMES = {
    AUTO: "what suits the model and this box",
    "torch": "into memory by torch",
    "ollama": "by Ollama's daemon",
    "link": "nothing is loaded; its files are published",
}
_YOURS = "a server of yours"
_EXAMPLE = "`top_k=40` for example."


async def ask_value(app: HubApp, details: Details | None, key: str, words: str) -> str | None:
    """Ask for the value of a key; an empty one takes it out, `None` leaves it.

    Args:
        app: who asks.
        details: the model with its variants, where they are known.
        key: the key.
        words: what stands there now.
    """
    choices = _choices(app, details, key)
    if choices:
        heading = key.capitalize()
        dialog = ChoiceDialog(key, meaning_of(key), choices, words or AUTO, heading=heading)
        return await app.push_screen_wait(dialog)

    def meant(given: str) -> str:
        if given:
            changed(ModelConfiguration(), {key: given})
        return given

    about = f"{meaning_of(key)} Leave it empty to let the default count."
    return await app.push_screen_wait(Prompt(key, about, words, meant))


async def ask_option(app: HubApp, words: str) -> tuple[str, str] | None:
    """Ask for one more option: its key and its value."""
    about = f"A name and a value for the runtime, {_EXAMPLE}"
    return await app.push_screen_wait(Prompt("Add an option", about, words, _option))


def _choices(app: HubApp, details: Details | None, key: str) -> list[Choice]:
    """The values of a key, where they are few."""
    match key:
        case "runtime":
            names = app.services.configuring.runtimes
            return [Choice(name, _RUNTIMES.get(name, _YOURS)) for name in names]
        case "device":
            sample = app.services.hardware.sample
            gpus = () if sample is None else sample.gpus
            return [
                Choice(AUTO, "the first GPU, else the processor"),
                Choice("cpu", "the memory of the host"),
                *(Choice(f"cuda:{gpu.index}", gpu.short_name) for gpu in gpus),
            ]
        case "dtype":
            return [Choice(AUTO, "as the files have it"), *map(Choice, DTYPES)]
        case "variant" if details is not None:
            here = details.installed_variants
            return [
                Choice(one.name, "installed" if one.name in here else "")
                for one in details.variants
            ]
    return []


def _option(words: str) -> tuple[str, str]:
    """What was typed, as the key of an option and its value.

    Raises:
        UsageError: when it is none.
    """
    name, equals, value = words.strip().removeprefix(OPTION).partition("=")
    if not equals:
        raise UsageError("That is no NAME=VALUE.", hint=_EXAMPLE)
    key, value = f"{OPTION}{name.strip()}", value.strip()
    changed(ModelConfiguration(), {key: value})
    return key, value
