"""The limit of the speed: for now, or kept in the settings."""

from __future__ import annotations

from tui_hub import text
from tui_hub.domain.frozen import dataclass
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.jobs import KeepLimit
from tui_hub.tui.commands.questions import Cancel
from tui_hub.tui.screens.prompt import Prompt, parse_rate

_WORDS = (
    "For all downloads together: 500k, 10M (10 MiB) or 10MB a second; a bare number counts bytes, "
    "nothing or 0 lifts the limit. It ends with this screen, unless the settings keep it."
)


@dataclass(frozen=True, slots=True)
class Limit:
    """What was typed: bytes a second, 0 for no limit, and whether the settings are to keep it."""

    rate: int
    kept: bool


class LimitPrompt(Prompt[Limit]):
    """Asks for a speed; one key takes it for now, another writes it into the settings too."""

    BINDINGS = bindings(KeepLimit)

    def __init__(self, rate: int) -> None:
        value = text.size(rate).replace(" ", "") if rate else ""
        super().__init__("Limit the speed", _WORDS, value, lambda told: _limit(told, kept=False))

    def offers(self) -> str:
        return f"enter for now, {self.offer((KeepLimit, 'keeps it'), (Cancel, 'closes'))}"

    def action_keep_limit(self) -> None:
        """Take the limit, and write it into the settings."""
        self.give(lambda told: _limit(told, kept=True))


def _limit(told: str, *, kept: bool) -> Limit:
    return Limit(parse_rate(told), kept)
