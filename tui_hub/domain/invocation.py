"""How the person started the program: the commands that it tells are started the same way."""

from __future__ import annotations

from tui_hub.domain.frozen import dataclass

_PROGRAM = "tui-hub"


@dataclass(frozen=True, slots=True)
class Invocation:
    """The program with the options that say whose home and settings are meant."""

    words: str = _PROGRAM
    """As a shell takes them."""

    def command(self, line: str) -> str:
        """A command line that begins with `tui-hub`, for the same home and settings."""
        return self.words + line.removeprefix(_PROGRAM)

    def advice(self, message: str) -> str:
        """A sentence whose commands, in backticks each, are for the same home and settings."""
        return message.replace(f"`{_PROGRAM} ", f"`{self.words} ")
