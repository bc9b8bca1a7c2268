"""Letters on the places of the screen below: one of them goes there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Offset
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tui_hub.domain.frozen import dataclass
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.questions import Cancel
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.widgets.tab_strip import TabStrip

LETTERS = "asdfghjklqwertyuiopzxcvbnm"
"""In the order in which fingers find them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to go on a screen."""

    at: Offset
    go: Callable[[], object]


def places(screen: Screen[object]) -> list[Place]:
    """What can be gone to: everything that takes keys, and the tabs; from the top left on."""
    found = [Place(_corner(widget), widget.focus) for widget in screen.focus_chain]
    for strip in screen.query(TabStrip):
        if strip.is_on_screen:
            for index, left in enumerate(strip.lefts()):
                at = strip.region.offset + Offset(left, 0)
                found.append(Place(at, _turning(strip, index)))
    return sorted(found, key=lambda place: (place.at.y, place.at.x))[: len(LETTERS)]


def _corner(widget: Widget) -> Offset:
    return widget.content_region.offset


def _turning(strip: TabStrip, index: int) -> Callable[[], object]:
    def turn() -> None:
        strip.present = index

    return turn


class JumpScreen(HubDialog[Place | None]):
    """The letters; any other key takes them away."""

    BINDINGS = bindings(Cancel)
    BINDING_GROUP_TITLE = "Jump"
    DEFAULT_CSS = """
    JumpScreen { background: $background 0%; align: left top; }
    JumpScreen > .place {
        position: absolute; width: 3; height: 1;
        background: $accent; color: $background; text-style: bold;
    }
    JumpScreen:ansi > .place { text-style: reverse; }
    """

    def __init__(self, found: Sequence[Place]) -> None:
        super().__init__()
        self._places = dict(zip(LETTERS, found, strict=False))

    def compose(self) -> ComposeResult:
        for letter, place in self._places.items():
            label = Static(Content(f" {letter} "), classes="place")
            label.styles.offset = place.at
            yield label

    def on_key(self, event: events.Key) -> None:
        """Go where the letter is, or nowhere."""
        event.stop()
        self.dismiss(self._places.get(event.character or ""))

    def on_click(self, event: events.Click) -> None:
        """Take the letters away."""
        self.dismiss(None)

    def action_cancel(self) -> None:
        """Take the letters away."""
        self.dismiss(None)
