"""The keys that move in lists, and those of the search box."""

from __future__ import annotations

from tui_hub.tui.command import Command


class Down(Command):
    """Move down."""

    key, label, shown, act = "down,j", "down", False, "cursor_down"


class Up(Command):
    """Move up."""

    key, label, shown, act = "up,k", "up", False, "cursor_up"


class PageDown(Command):
    """Move down by a page."""

    key, label, shown = "pagedown", "page down", False


class PageUp(Command):
    """Move up by a page."""

    key, label, shown = "pageup", "page up", False


class HalfPageDown(Command):
    """Move down by half a page."""

    key, label, shown = "ctrl+d", "half page down", False


class HalfPageUp(Command):
    """Move up by half a page."""

    key, label, shown = "ctrl+u", "half page up", False


class First(Command):
    """Go to the first row."""

    key, label, shown = "g,home", "first", False


class Last(Command):
    """Go to the last row that is known."""

    key, label, sign, shown = "G,end", "last", "G", False


class Choose(Command):
    """Open what the cursor is on."""

    key, label, sign = "enter", "open", "⏎"


class Toggle(Command):
    """Choose this value, or drop it again."""

    key, label, sign, act = "enter,space", "choose", "⏎", "choose"


class ToResults(Command):
    """Go to the results; the words stay."""

    key, label, sign = "enter,down", "results", "⏎"


class LeaveSearch(Command):
    """Leave the search box; the words stay."""

    key, label, sign = "escape", "leave", "esc"


LISTS: tuple[type[Command], ...] = (
    Down,
    Up,
    PageDown,
    PageUp,
    HalfPageDown,
    HalfPageUp,
    First,
    Last,
)
