"""The frame that every main screen stands in, and the one that every question stands in."""

from __future__ import annotations

from typing import TypeVar

from textual import getters, on
from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen

from tui_hub.tui.app import HubApp
from tui_hub.tui.widgets.key_row import KeyRow
from tui_hub.tui.widgets.memory_bar import MemoryBar
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.top_bar import TopBar

Answer = TypeVar("Answer")


class HubScreen(Screen[None]):
    """A screen with the bars around it."""

    DEFAULT_CSS = """
    HubScreen { layout: vertical; }
    """

    app = getters.app(HubApp)

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield from self.compose_body()
        yield MemoryBar()
        yield KeyRow()

    @on(RowList.Chosen)
    async def _clicked_twice(self) -> None:
        await self.run_action("choose")

    def compose_body(self) -> ComposeResult:
        """What stands between the bars."""
        yield from ()


class HubDialog(ModalScreen[Answer]):
    """A question over the screen that asked it."""

    app = getters.app(HubApp)
