"""The catalogue as a list: the rows near the cursor are here, the database has the rest.

A page's key is where the page before ended. Whoever jumps into pages that nobody has read makes
the database pass over the rows before, once; from there on it goes by keys again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from textual import work
from textual.geometry import Size
from textual.message import Message

from tui_hub.domain.catalogue import Page, Search, Sort
from tui_hub.domain.models import Model
from tui_hub.domain.stored_need import Capacity
from tui_hub.tui.drawing.columns import draw_row, header, layout
from tui_hub.tui.drawing.draw import Line
from tui_hub.tui.marks import Marks
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.words.model import Known, model_columns

PAGE = 100
"""Rows asked for at once."""
KEPT = 30
"""Pages kept on either side of the cursor's; the others are asked for again when needed."""
SOUGHT = 20
"""Pages in which the model under the cursor is looked for, when a reload finds it elsewhere."""
_LEAST = 24
"""Cells that a name keeps before other columns are shown beside it."""


class ModelList(RowList):
    """One answer of any length, by pages."""

    BINDING_GROUP_TITLE = "Lists"
    DEFAULT_CSS = "ModelList { padding: 0 1; }"
    header_height = 1

    @dataclass
    class Answered(Message):
        """The first page of an answer is here."""

        search: Search

    def __init__(self) -> None:
        super().__init__(id="models")
        self.search = Search()
        self.empty: Line = ()
        """What a list without rows says."""
        self.missing: Line = ()
        """What it says below that of what the catalogue lacks."""
        self._pages: dict[int, tuple[Model, ...]] = {}
        self._keys: dict[int, str | None] = {0: None}
        self._reached = 0
        """Rows down to the end of the furthest page that was read."""
        self._total: int | None = None
        """How many rows the answer is said to have."""
        self._complete = False
        self._loading: set[int] = set()
        self._jumping: int | None = None
        """The page whose key is being looked for."""
        self._known = Known()
        self._capacity: Capacity | None = None
        self._columns = model_columns(self.glyphs)
        self.answered = asyncio.Event()
        """Set while the rows are the answer to the present question."""
        self.answered.set()
        self._by_hand = False
        """Whether a person moved the cursor since the answer came."""

    def on_mount(self) -> None:
        """Follow what is marked for a comparison."""
        self.app.marks_signal.subscribe(self, self._marked)

    def _marked(self, marks: Marks) -> None:
        self._known = replace(self._known, compared=marks.models)
        self._name_columns(self.search.sort)
        self.refresh()

    def _name_columns(self, sort: Sort) -> None:
        self._columns = model_columns(self.glyphs, sort, self._known, self._capacity)

    def show_fit(self, capacity: Capacity) -> None:
        """Say of each model whether this box is large enough for it."""
        self._capacity = capacity
        self._name_columns(self.search.sort)
        self.refresh()

    def ask(self, search: Search) -> None:
        """Show the answer to another question; the old rows stay until the first page is here."""
        same_models = replace(search, sort=self.search.sort) == self.search
        self.search = search
        self._loading.clear()
        self.answered.clear()
        self.answer(search, self._total if same_models else None)

    @work(group="answer", exclusive=True)
    async def answer(self, search: Search, total: int | None) -> None:
        """Read the first page, and begin the list anew with it."""
        with self.app.reporting():
            page = await self.app.services.catalogue.search(search, PAGE)
            self._total = total
            self._begin({0: page}, {0: None})
            self._by_hand = False
            self._name_columns(search.sort)
            self.rows_changed(keep_cursor=False)
            self.mark()
            self.post_message(self.Answered(search))
        self.answered.set()

    def count_is(self, total: int) -> None:
        """Give the list its whole length, once the answer has been counted."""
        self._total = total
        self.virtual_size = Size(0, self.row_count() + self.header_height)

    @work(group="answer", exclusive=True)
    async def reload(self) -> None:
        """Read what is on screen again, after the catalogue changed."""
        first = self.scroll_offset.y // PAGE
        with self.app.reporting():
            key = await self._key_of(first)
            if first and key is None:
                first = 0
            keys = {0: None, first: key}
            pages: dict[int, Page] = {}
            for number in range(first, first + SOUGHT):
                if number not in keys or (number > first + 1 and not self._is_sought(pages)):
                    break
                page = await self.app.services.catalogue.search(self.search, PAGE, keys[number])
                pages[number] = page
                if page.after is not None:
                    keys[number + 1] = page.after
            current, shown = self.current, self._by_hand and self._shows(self.cursor)
            self._begin(pages, keys)
            self._follow(current)
            self.rows_changed()
            self.want()  # a person may be elsewhere by now
            if shown:
                # Only the next layout knows how far a longer list can be scrolled.
                self.call_after_refresh(lambda: self.reveal(self.cursor))
            self.mark()
            self.post_message(self.Answered(self.search))
        self.answered.set()

    def _begin(self, pages: dict[int, Page], keys: dict[int, str | None]) -> None:
        """Take pages for all that is known of the answer."""
        self._pages, self._keys = {}, dict(keys)
        self._reached, self._complete, self._jumping = 0, False, None
        self._loading.clear()
        for number, page in pages.items():
            self._take(number, page)

    def _take(self, number: int, page: Page) -> None:
        self._pages[number] = page.models
        self._reached = max(self._reached, number * PAGE + len(page.models))
        if page.after is not None:
            self._keys[number + 1] = page.after
        else:
            self._complete = True
            self._reached = number * PAGE + len(page.models)

    async def _key_of(self, number: int) -> str | None:
        return (
            await self.app.services.catalogue.key_at(self.search, number * PAGE) if number else None
        )

    @work(group="marks", exclusive=True)
    async def mark(self) -> None:
        """Find out which models are favourites, and what of them is here or lost."""
        with self.app.reporting():
            services = self.app.services
            favourites = await services.catalogue.favourites()
            installed = {one.model: one.bytes for one in await services.storage.installs()}
            lost = await services.storage.damaged()
            known = replace(self._known, favourites=favourites, installed=installed, lost=lost)
            if known != self._known:
                self._known = known
                self._name_columns(self.search.sort)
                self.refresh()

    def _is_sought(self, pages: dict[int, Page]) -> bool:
        """Whether the model on which a person put the cursor is on screen, but not in these."""
        current = self.current
        if current is None or not (self._by_hand and self._shows(self.cursor)):
            return False
        return not any(one.id == current.id for page in pages.values() for one in page.models)

    def _follow(self, model: Model | None) -> None:
        """Put the cursor on its model again; one that nobody moved does not leave the screen."""
        for number, page in self._pages.items():
            for place, one in enumerate(page):
                if model is not None and one.id == model.id:
                    row = number * PAGE + place
                    stays = self._by_hand or self._shows(row)
                    self.set_reactive(RowList.cursor, row if stays else 0)

    def _shows(self, row: int) -> bool:
        """Whether a row is on screen."""
        return 0 <= row - self.scroll_offset.y < self.page_height

    def watch_cursor(self, old: int, new: int) -> None:
        """A person moved it: from now on it stays on its model."""
        self._by_hand = True
        super().watch_cursor(old, new)

    @work(group="pages")
    async def load(self, number: int, search: Search, key: str | None) -> None:
        """Read one page whose key is known; the list may begin anew before this begins."""
        with self.app.reporting():
            page = await self.app.services.catalogue.search(search, PAGE, key)
            if search is not self.search or number not in self._loading:
                return
            self._loading.discard(number)
            self._take(number, page)
            self._forget()
            self.mark()
            self.virtual_size = Size(0, self.row_count() + self.header_height)
            top = self.scroll_offset.y
            if number in range(top // PAGE, (top + self.page_height) // PAGE + 1):
                self.refresh()
                if number == self.cursor // PAGE:
                    self.post_message(self.Moved(self))
            self.want()

    @work(group="jump", exclusive=True)
    async def jump(self, number: int, search: Search) -> None:
        """Find the key of a page; a jump further on stops this one."""
        with self.app.reporting():
            key = await self._key_of(number)
            if search is not self.search or number != self._jumping:
                return
            self._jumping = None
            if key is None:
                # The answer has become shorter since it was counted.
                self._total = None
                self.rows_changed()
            else:
                self._keys[number] = key
            self.want()

    def _forget(self) -> None:
        middle = self.cursor // PAGE
        for number in [n for n in self._pages if abs(n - middle) > KEPT]:
            del self._pages[number]

    def want(self) -> None:
        """Ask for the pages that the screen shows or is about to show."""
        first = self.scroll_offset.y // PAGE
        last = (self.scroll_offset.y + 2 * self.page_height + PAGE // 2) // PAGE
        end = max(self.row_count() - 1, 0) // PAGE
        for number in range(first, min(last, end) + 1):
            if number in self._pages or number in self._loading:
                continue
            if number in self._keys:
                self._loading.add(number)
                self.load(number, self.search, self._keys[number])
            elif number - 1 not in self._loading:
                if number != self._jumping:
                    self._jumping = number
                    self.jump(number, self.search)
                break

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
        return self._reached if self._complete else max(self._reached, self._total or 0)

    def draw_header(self, width: int) -> Line:
        return [("  ", ""), *header(layout(self._columns, width - 2, _LEAST), self.glyphs.ellipsis)]

    def draw(self, row: int, width: int) -> Line:
        model = self.model_at(row)
        if model is None:
            return [("  ", ""), (self.glyphs.ellipsis, "faint")]
        mark = f"{self.glyphs.cursor} " if row == self.cursor else "  "
        placed = layout(self._columns, width - 2, _LEAST)
        return [(mark, "accent"), *draw_row(model, placed, self.glyphs.ellipsis)]

    def draw_beyond(self, row: int) -> Line:
        told = {1: self.empty, 2: self.missing}.get(row, ()) if not self.row_count() else ()
        return [("  ", ""), *told] if told else ()
