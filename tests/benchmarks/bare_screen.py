"""A bare Textual application with as many widgets as the screen of the catalogue, for its start.

It has the same boxes, bars, search box and list, drawn by hand from nothing: no services, no
database, no themes of its own, no keys beyond Textual's.
"""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input, Static


class Lines(ScrollView, can_focus=True):
    """A list that draws a line when it is asked for one."""

    def on_mount(self) -> None:
        self.virtual_size = Size(0, 400)

    def render_line(self, y: int) -> Strip:
        return Strip.blank(self.size.width, self.rich_style)


class Bare(App[None]):
    """The same widgets, and nothing behind them."""

    CSS = """
    .bar { height: 1; }
    .panel { border: round white; }
    #filters { width: 25; display: none; }
    #results { width: 1fr; }
    #detail { width: 36; }
    #search-row { height: 1; }
    #sign { width: 2; }
    #count { width: auto; }
    Input { border: none; height: 1; }
    Lines { height: 1fr; }
    #greeting, #small { display: none; }
    """
    AUTO_FOCUS = "#models"

    def compose(self) -> ComposeResult:
        yield Static("", id="small")
        yield Static("Browse", classes="bar")
        with Horizontal():
            with Vertical(id="filters", classes="panel"):
                yield Lines()
            with Vertical(id="results", classes="panel"):
                with Horizontal(id="search-row"):
                    yield Static("/", id="sign")
                    yield Input()
                    yield Static("", id="count")
                yield Static("", id="greeting")
                yield Lines(id="models")
            with Vertical(id="detail", classes="panel"), VerticalScroll():
                yield Static("")
        yield Static("", classes="bar")
        yield Static("", classes="bar")


if __name__ == "__main__":
    Bare().run()
