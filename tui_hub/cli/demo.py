"""`--demo`: a private hub on loopback and, unless one was named, a home that goes away again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui_hub.cli.options import Options
    from tui_hub.services import Services

_ELSEWHERE = (
    "MODEL_STORE_PATH",
    "HF_HUB_OFFLINE",
    "HUGGING_FACE_HUB_TOKEN",
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "REPLICATE_API_TOKEN",
    "TUI_HUB_HOME",
    "TUI_HUB_CONFIG_FILE",
    "TUI_HUB_STORE__PATH",
    "TUI_HUB_HUGGINGFACE__ENDPOINT",
    "TUI_HUB_NETWORK__OFFLINE",
)
_OLLAMA = ("TUI_HUB_OLLAMA__REGISTRY", "TUI_HUB_OLLAMA__LIBRARY")
"""The hub answers as Ollama's registry too."""
_NOBODY = "127.0.0.1:1"
"""In the place of the daemon, whose models are not the demo's."""
_SCANNED = tuple(f"TUI_HUB_SCAN__{name}" for name in ("OLLAMA", "LMSTUDIO", "COMFYUI", "FOLDER"))
"""What the person keeps elsewhere is not the demo's."""
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@contextmanager
def demo_hub(options: Options) -> Iterator[None]:
    """Let the run talk to a demo hub of its own; ends the hub and removes the home at the end.

    Raises:
        HubError: when the hub does not start.
    """
    from tui_hub.cli.demo_homes import temporary_home
    from tui_hub.demo import launch

    with ExitStack() as stack:
        # A home that was here may know commits of an earlier life of the hub.
        later = options.home is not None and Path(options.home).exists()
        hub = stack.enter_context(launch(later=later))
        if options.home is None:
            options.home = str(stack.enter_context(temporary_home()))
            options.temporary = True
        options.environment = _environment(os.environ, hub.endpoint, hub.token, options.home)
        yield


async def fill_catalogue(services: Services) -> None:
    """Sync a catalogue that has nothing in it yet."""
    if not await services.catalogue.total():
        await services.sync.run()


async def empty_slots(services: Services) -> None:
    """End the processes that hold models for a home that goes away."""
    for slot in await services.activation.slots():
        await services.activation.deactivate(slot.type)


def _environment(parent: Mapping[str, str], endpoint: str, token: str, home: str) -> dict[str, str]:
    """The parent's environment without what would lead away from the demo, its own store first."""
    kept = {
        name: value
        for name, value in parent.items()
        if name not in _ELSEWHERE and name.lower() not in _PROXIES
    }
    hub = dict.fromkeys(("HF_ENDPOINT", *_OLLAMA), endpoint)
    places = dict.fromkeys(_SCANNED, "[]")
    return {
        **kept,
        **hub,
        **places,
        "HF_TOKEN": token,
        "HF_HOME": str(Path(home) / "huggingface"),
        "TUI_HUB_OLLAMA__HOST": _NOBODY,
    }
