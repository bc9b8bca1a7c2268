"""The command line: stdout is data, stderr is talk, and every verb is one file in `verbs/`."""

from tui_hub.cli.program import main

__all__ = ["main"]
