"""The catalogue as a list: the rows near the cursor are here, the database has the rest."""

from __future__ import annotations

from dataclasses import dataclass

from textual import work
from textual.geometry import Size
from textual.message import Message

from tui_hub.domain.catalogue import Search
from tui_hub.domain.models import Model
from tui_hub.tui.columns import draw_row, header, layout
from tui_hub.tui.draw import Line
from tui_hub.tui.model_text import model_columns
from tui_hub.tui.widgets.row_list import RowList

PAGE = 100
"""Rows asked for at once."""
KEPT = 30
"""Pages kept on either side of the cursor's; the others are asked for again when needed."""
_LEAST = 28
"""Cells that a name keeps before other columns are shown beside it."""
RELOAD = 10
"""Pages at most that are read again when the catalogue changed."""


class ModelList(RowList):
    """Pages of one answer by keyset: each page's key is where the page before ended."""

    BINDING_GROUP_TITLE = "Lists"
    DEFAULT_CSS = "ModelList { padding: 0 1; }"

    @dataclass
    class Answered(Message):
        """The first page of an answer is here."""

        search: Search

    def __init__(self) -> None:
        super().__init__(id="models")
        self.search = Search()
        self.empty: Line = ()
        self._pages: dict[int, tuple[Model, ...]] = {}
        self._keys: list[str | None] = [None]
        self._known = 0
        self._complete = False
        self._loading: set[int] = set()
        self._favourites: frozenset[str] = frozenset()
        self._columns = model_columns(self.glyphs)

    def ask(self, search: Search) -> None:
        """Show the answer to another question; the old rows stay until the first page is here."""
        self.search = search
        self._loading.clear()
        self.answer(search)

    @work(group="answer", exclusive=True)
    async def answer(self, search: Search) -> None:
        """Read the first page, and begin the list anew with it."""
        with self.app.reporting():
            page = await self.app.services.catalogue.search(search, PAGE)
            self._pages = {0: page.models}
            self._keys = [None, page.after] if page.after else [None]
            self._known, self._complete = len(page.models), page.after is None
            self._columns = model_columns(self.glyphs, search.sort, self._favourites)
            self.rows_changed(keep_cursor=False)
            self.mark()
            self.post_message(self.Answered(search))

    @work(group="answer", exclusive=True)
    async def reload(self) -> None:
        """Read the pages down to the one on screen again, after the catalogue changed."""
        last = min((self.scroll_offset.y + self.page_height) // PAGE, RELOAD)
        pages: dict[int, tuple[Model, ...]] = {}
        keys: list[str | None] = [None]
        with self.app.reporting():
            for number in range(last + 1):
                page = await self.app.services.catalogue.search(self.search, PAGE, keys[number])
                pages[number] = page.models
                if page.after is None:
                    break
                keys.append(page.after)
            current = self.current
            self._pages, self._keys = pages, keys
            self._known = sum(map(len, pages.values()))
            self._complete = len(keys) == len(pages)
            self._follow(current)
            self.rows_changed()
            self.mark()
            self.post_message(self.Answered(self.search))

    @work(group="marks", exclusive=True)
    async def mark(self) -> None:
        """Find out which models are favourites."""
        with self.app.reporting():
            known = await self.app.services.catalogue.favourites()
            if known != self._favourites:
                self._favourites = known
                self._columns = model_columns(self.glyphs, self.search.sort, known)
                self.refresh()

    def _follow(self, model: Model | None) -> None:
        for number, page in self._pages.items():
            for place, one in enumerate(page):
                if model is not None and one.id == model.id:
                    self.set_reactive(RowList.cursor, number * PAGE + place)

    @work(group="pages")
    async def load(self, number: int, search: Search) -> None:
        """Read one page whose key is known."""
        with self.app.reporting():
            page = await self.app.services.catalogue.search(search, PAGE, self._keys[number])
            if search is not self.search or number not in self._loading:
                return
            self._loading.discard(number)
            self._pages[number] = page.models
            if number == len(self._keys) - 1:
                self._known = number * PAGE + len(page.models)
                self._complete = page.after is None
                if page.after is not None:
                    self._keys.append(page.after)
            self._forget()
            self.mark()
            self.virtual_size = Size(0, self._known + self.header_height)
            top = self.scroll_offset.y
            if number in range(top // PAGE, (top + self.page_height) // PAGE + 1):
                self.refresh()
            self.want()

    def _forget(self) -> None:
        middle = self.cursor // PAGE
        for number in [n for n in self._pages if abs(n - middle) > KEPT]:
            del self._pages[number]

    def want(self) -> None:
        """Ask for the pages that the screen shows or is about to show."""
        first = self.scroll_offset.y // PAGE
        last = (self.scroll_offset.y + 2 * self.page_height + PAGE // 2) // PAGE
        for number in range(first, min(last, len(self._keys) - 1) + 1):
            if number not in self._pages and number not in self._loading:
                self._loading.add(number)
                self.load(number, self.search)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Look ahead whenever other rows come on screen."""
        super().watch_scroll_y(old_value, new_value)
        self.want()

    def model_at(self, row: int) -> Model | None:
        """The model of a row, if it is here."""
        page = self._pages.get(row // PAGE, ())
        place = row % PAGE
        return page[place] if place < len(page) else None

    @property
    def current(self) -> Model | None:
        """The model under the cursor."""
        return self.model_at(self.cursor)

    @property
    def complete(self) -> bool:
        """Whether the last page is known, so that the number of rows is the answer's."""
        return self._complete

    def row_count(self) -> int:
        return self._known

    def draw_header(self, width: int) -> Line | None:
        return [("  ", ""), *header(layout(self._columns, width - 2, _LEAST), self.glyphs.ellipsis)]

    def draw(self, row: int, width: int) -> Line:
        model = self.model_at(row)
        if model is None:
            return [("  ", ""), (self.glyphs.ellipsis, "faint")]
        mark = f"{self.glyphs.cursor} " if row == self.cursor else "  "
        placed = layout(self._columns, width - 2, _LEAST)
        return [(mark, "accent"), *draw_row(model, placed, self.glyphs.ellipsis)]

    def draw_beyond(self, row: int) -> Line:
        return [("  ", ""), *self.empty] if row == 1 and not self._known else ()
