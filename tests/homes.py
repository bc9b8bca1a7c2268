"""Names for what the fixtures make."""

from collections.abc import Callable

from tui_hub.settings import Configuration

NO_OLLAMA = {"TUI_HUB_OLLAMA__REGISTRY": "", "OLLAMA_HOST": "127.0.0.1:1"}
"""The environment of a home that asks nobody for Ollama's models."""

Configure = Callable[..., Configuration]
"""Makes the configuration of a home by its name, with more environment variables."""
