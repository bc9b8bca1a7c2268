"""Names for what the fixtures make."""

from collections.abc import Callable

from tui_hub.settings import Configuration

Configure = Callable[..., Configuration]
"""Makes the configuration of a home by its name, with more environment variables."""
