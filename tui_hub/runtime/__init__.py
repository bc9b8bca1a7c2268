"""How a model becomes active."""

from tui_hub.runtime.link import environment

__all__ = ["environment"]
