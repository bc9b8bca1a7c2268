"""The `link` runtime: a model is published to other programs and loaded by none of ours."""

from __future__ import annotations

from pathlib import Path

from tui_hub.domain.runtime import OLLAMA
from tui_hub.domain.slots import Slot


def environment(slot: Slot, *, file: str | None, hf_cache: Path) -> dict[str, str]:
    """The variables under which another program finds the model and stays off the network.

    `HF_HUB_CACHE` and the offline switches are those of huggingface_hub and transformers, which
    read them when they are imported.

    Args:
        slot: the slot.
        file: the one file that holds the weights, inside the slot's folder, where that is so.
        hf_cache: the store's view in the layout of a Hugging Face cache.
    """
    variables = {
        "TUI_HUB_MODEL": slot.model,
        "TUI_HUB_MODEL_TYPE": slot.type.value,
        "HF_HUB_CACHE": str(hf_cache),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }
    if slot.path:
        variables["TUI_HUB_MODEL_PATH"] = slot.path
    # Where a server is gone somebody else may listen by now; the daemon loads what it is asked for.
    if slot.url is not None and (slot.error is None or slot.runtime == OLLAMA):
        variables["TUI_HUB_URL"] = slot.url
    if slot.runtime == OLLAMA and slot.child is not None:
        variables["TUI_HUB_SERVED_MODEL"] = slot.child
    if slot.variant is not None:
        variables["TUI_HUB_MODEL_VARIANT"] = slot.variant
    if file is not None and slot.path:
        variables["TUI_HUB_MODEL_FILE"] = str(Path(slot.path) / file)
    return variables
