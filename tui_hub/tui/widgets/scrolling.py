"""What widgets share that show lines and scroll, without a cursor."""

from __future__ import annotations

from textual.scroll_view import ScrollView

from tui_hub.tui.command import bindings
from tui_hub.tui.commands import LISTS
from tui_hub.tui.widgets.drawn import Drawn


class Scrolling(Drawn, ScrollView, can_focus=True):
    """Drawn lines that the keys of lists scroll."""

    BINDINGS = bindings(*LISTS)
    BINDING_GROUP_TITLE = "Text"
    DEFAULT_CSS = """
    Scrolling { height: 1fr; overflow: hidden auto;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    def action_cursor_down(self) -> None:
        self.scroll_to(y=self.scroll_offset.y + 1, animate=False)

    def action_cursor_up(self) -> None:
        self.scroll_to(y=self.scroll_offset.y - 1, animate=False)

    def action_page_down(self) -> None:
        self.scroll_to(y=self.scroll_offset.y + self.size.height, animate=False)

    def action_page_up(self) -> None:
        self.scroll_to(y=self.scroll_offset.y - self.size.height, animate=False)

    def action_half_page_down(self) -> None:
        self.scroll_to(y=self.scroll_offset.y + self.size.height // 2, animate=False)

    def action_half_page_up(self) -> None:
        self.scroll_to(y=self.scroll_offset.y - self.size.height // 2, animate=False)

    def action_first(self) -> None:
        self.scroll_home(animate=False)

    def action_last(self) -> None:
        self.scroll_end(animate=False)
