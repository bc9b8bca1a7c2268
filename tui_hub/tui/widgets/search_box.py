"""The one-line search box. Arrows move the list below while the words are still being typed."""

from __future__ import annotations

from textual.widgets import Input

from tui_hub.tui.command import bindings
from tui_hub.tui.commands import LeaveSearch, ToResults


class SearchBox(Input):
    """Takes words; `down` and `enter` go to the results, `esc` leaves."""

    BINDINGS = bindings(ToResults, LeaveSearch)
    BINDING_GROUP_TITLE = "Search"
    DEFAULT_CSS = """
    SearchBox, SearchBox:focus {
        height: 1; width: 1fr; border: none; padding: 0; background: transparent;
    }
    """

    def __init__(self) -> None:
        super().__init__(placeholder="search models, authors, tags", max_length=500)

    def action_to_results(self) -> None:
        """Go to the list."""
        self.screen.query_one("#models").focus()

    def action_leave_search(self) -> None:
        """Go to the list."""
        self.screen.query_one("#models").focus()
