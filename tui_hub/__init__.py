"""tui-hub: find, fetch, verify, switch and retire AI models on a GPU box."""

__version__ = "0.1.0"
