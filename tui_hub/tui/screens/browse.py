"""Find models: search as you type, filters with counts, and the detail of the one at the cursor."""

from __future__ import annotations

from dataclasses import replace

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from tui_hub import text
from tui_hub.domain.catalogue import FacetCount, Facets, Search, Sort
from tui_hub.domain.losses import lost_words
from tui_hub.domain.models import Model
from tui_hub.domain.stored_need import classes_within
from tui_hub.events import CatalogueChanged, Event, ModelChanged
from tui_hub.tui import commands as c
from tui_hub.tui.actions.model import ModelActions
from tui_hub.tui.command import Command, bindings
from tui_hub.tui.commands.compare import MarkToCompare, ShowComparison
from tui_hub.tui.live import Live
from tui_hub.tui.widgets.detail_pane import DetailPane
from tui_hub.tui.widgets.facet_list import FacetList, alternatives
from tui_hub.tui.widgets.greeting import Greeting
from tui_hub.tui.widgets.model_list import ModelList
from tui_hub.tui.widgets.panel import Panel
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.search_box import SearchBox
from tui_hub.tui.words.unreached import unreached

REST = 0.15
"""Seconds that the cursor has to rest before the detail is filled."""
COUNT_DELAY = 0.25
"""Seconds without a key before everything is counted."""
RELOAD_DELAY = 1.0
"""Seconds between two looks at a catalogue that keeps changing."""


class BrowseScreen(ModelActions):
    """The catalogue."""

    CSS_PATH = "browse.tcss"
    BINDINGS = bindings(
        c.DownloadModel,
        c.ActivateModel,
        c.ToggleFilters,
        c.ToggleDetail,
        c.ChangeOrder,
        MarkToCompare,
        ShowComparison,
        c.ToggleFavourite,
        c.EditNote,
        c.ClearFilters,
        c.Choose,
    )
    BINDING_GROUP_TITLE = "Browse"
    AUTO_FOCUS = "#models"

    models = getters.query_one(ModelList)
    facets = getters.query_one(FacetList)
    detail = getters.query_one(DetailPane)
    box = getters.query_one(SearchBox)

    def __init__(self) -> None:
        super().__init__()
        self.search = Search()
        self._counted: Search | None = None
        """The question that the number beside the box answers."""
        self._rest: Timer | None = None
        self._reload: Timer | None = None

    def compose_body(self) -> ComposeResult:
        with Horizontal():
            with Panel("Filters", id="filters"):
                yield FacetList()
            with Panel("Models", id="results"):
                with Horizontal(id="search-row"):
                    yield Static(Content(f"{self.app.glyphs.search} "), id="search-sign")
                    yield SearchBox()
                    yield Static(id="count")
                yield Greeting()
                yield ModelList()
            with Panel(id="detail"):
                yield DetailPane()

    def on_mount(self) -> None:
        """Ask once the home is open."""
        self.app.event_signal.follow(self, self._happened, CatalogueChanged, ModelChanged)
        self.app.live_signal.subscribe(self, self._live)
        self._begin()

    def subject(self) -> Model | None:
        return self.models.current

    def word_of(self, command: type[Command]) -> str:
        if command is c.ClearFilters and not (self.search.text or self._chosen()):
            return ""
        return super().word_of(command)

    async def answered(self) -> None:
        """Wait until the list answers what was asked last; keys are for its rows."""
        await self.models.answered.wait()

    @work(group="opening")
    async def _begin(self) -> None:
        await self.app.opened.wait()
        self.tell_again()
        self._ask()

    def _ask(self) -> None:
        self.name_keys()
        self.models.ask(self.search)
        self.count()

    @work(group="count", exclusive=True)
    async def count(self) -> None:
        """Count the answer and its facets, once no more keys come."""
        import asyncio

        await asyncio.sleep(COUNT_DELAY)
        await self.app.opened.wait()
        with self.app.reporting():
            found = await self.app.services.catalogue.count(self.search)
            if not (self.query("#count") and self.query(ModelList)):
                return  # the answer came after the end
            self._show_count(found)
            self._counted = self.search
            self.models.count_is(found)
            await self._look_at_memory()
            if self.query("#filters") and self.query_one("#filters").display:
                counted = await self._count_facets(self.search)
                if self.query(FacetList):
                    self.facets.show(self.search, counted)

    async def _look_at_memory(self) -> None:
        """Learn once how large the box is, for what of the list fits it."""
        if self.facets.memory is None:
            capacity = await self.app.services.fit.capacity()
            if self.query("#facets") and self.query("#models"):
                self.facets.memory = capacity.largest
                self.models.show_fit(capacity)

    async def _count_facets(self, search: Search) -> Facets:
        """The counts of the answer, and of the alternatives to what is chosen."""
        facets = await self.app.services.catalogue.facets(search)
        within = classes_within(self.facets.memory or 0)
        fitting = [one for one in facets.of("need") if one.value in within]
        exact = all(one.exact for one in fitting)
        many = sum(one.count for one in fitting)
        fits = FacetCount(facet="memory", value="yes", count=many, exact=exact)
        facets = replace(facets, counts=(*facets.counts, fits))
        for facet, question in alternatives(search).items():
            others = (await self.app.services.catalogue.facets(question)).of(facet)
            rest = tuple(one for one in facets.counts if one.facet != facet)
            facets = Facets(total=facets.total, counts=(*rest, *others))
        return facets

    def _show_count(self, found: int | None) -> None:
        total = self.app.live.total
        words = "" if found is None else text.grouped(found)
        # The total comes from another look, and while a sync goes on it lags behind.
        if found is not None and total is not None and found < total:
            words += f" of {text.grouped(total)}"
        number = self.query_one("#count", Static)
        if words != str(number.content):
            number.update(Content(words))
        order = f"by {self.search.sort.value}"
        chosen = len(self._chosen())
        filters = f" {self.app.glyphs.dot} {chosen} filters" if chosen else ""
        self.query_one("#results", Panel).label(note=f"{order}{filters}")

    def _chosen(self) -> tuple[object, ...]:
        search = self.search
        lists = (search.types, search.sources, search.tasks, search.libraries, search.licenses)
        values = [value for values in (*lists, search.sizes) for value in values]
        asked = (search.installed, search.favourite, search.gated, search.deprecated)
        flags = [flag for flag in asked if flag is not None]
        return (*values, *flags, *([True] if search.new else []))

    def _happened(self, event: Event) -> None:
        if self._reload is None:
            self._reload = self.set_timer(RELOAD_DELAY, self._look_again)

    def _look_again(self) -> None:
        self._reload = None
        self.models.reload()
        self.count()

    def _live(self, live: Live) -> None:
        self._explain_empty()
        if not (self.search.text or self._chosen()):
            self._show_count(live.total)  # the same number as in the first words

    def on_descendant_focus(self) -> None:
        """Keys are others while words are typed."""
        self._explain_empty()

    def _explain_empty(self) -> None:
        before = (self.models.empty, self.models.missing)
        after = (self.why_empty(self.app.live), self._missing(self.app.live))
        self.models.empty, self.models.missing = after
        if before != after and not self.models.row_count():
            self.models.refresh()

    def why_empty(self, live: Live) -> list[tuple[str, str]]:
        """What a list without rows says."""
        leave = [(self.app.key_of(c.LeaveSearch), "key"), (", then ", "muted")]
        first = leave if self.focused is self.box else []
        if live.total and (self.search.text or self._chosen()):
            what = " clears the search" + (" and the filters." if self._chosen() else ".")
            return [
                ("Nothing matches. ", "muted"),
                *first,
                (self.app.key_of(c.ClearFilters), "key"),
                (what, "muted"),
            ]
        if live.syncing:
            names = ", ".join(feed.feed for feed in live.syncing[:3])
            return [("Fetching the catalogue: ", "muted"), (names, "info")]
        coming = any(one.group == "sync" and not one.is_finished for one in self.app.workers)
        if live.total != 0 or coming or not self.models.complete:
            return [("Reading the catalogue.", "muted")]
        return [
            ("The catalogue is empty. ", "muted"),
            *first,
            (self.app.key_of(c.ShowSync), "key"),
            (" then ", "muted"),
            (self.app.key_of(c.SyncNow), "key"),
            (" fetches it.", "muted"),
        ]

    def _missing(self, live: Live) -> list[tuple[str, str]]:
        """That much is not in the catalogue, as a source could not be asked yet."""
        failed = live.failed_feeds
        if not failed or unreached(self.app.services.sync.feeds(), live.feeds) is None:
            return []
        why = (self.app.key_of(c.ShowSync), "key")
        return [("Nothing was fetched yet: ", "warn"), why, (" says why.", "muted")]

    @on(Input.Changed, "SearchBox")
    def _typed(self, event: Input.Changed) -> None:
        self.search = self.search.with_text(event.value)
        self._ask()

    @on(FacetList.Changed)
    def _filtered(self, event: FacetList.Changed) -> None:
        self.search = replace(event.search, text=self.search.text, sort=self.search.sort)
        self._ask()

    @on(ModelList.Answered)
    def _answered(self, event: ModelList.Answered) -> None:
        self._explain_empty()
        if self.models.complete:
            self._show_count(self.models.row_count())
        elif event.search != self._counted:  # the number on screen is of another question
            self._show_count(None)

    @on(RowList.Moved, "#models")
    def _moved(self) -> None:
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(REST, self._rested)

    @on(Panel.Shown, "#filters")
    def _filters_shown(self) -> None:
        self.count()

    @on(Panel.Shown, "#detail")
    def _rested(self) -> None:
        if self.query_one("#detail").display:
            self.fill(self.models.current)

    @work(group="detail", exclusive=True)
    async def fill(self, model: Model | None) -> None:
        """Fill the detail with what is here."""
        if model is None:
            self.detail.show(None)
            return
        with self.app.reporting():
            services = self.app.services
            edit = await services.catalogue.edits(model.id)
            installs = await services.storage.installs()
            here = next((one.bytes for one in installs if one.model == model.id), None)
            lost = lost_words(await services.repositories.files(model.id))
            if self.query(DetailPane):
                self.detail.show(model, edit, here, lost)

    def action_choose(self) -> None:
        """Open the model's own page."""
        from tui_hub.tui.screens.model import ModelScreen

        model = self.models.current
        if model is not None:
            self.app.push_screen(ModelScreen(model))

    def action_focus_search(self) -> None:
        """Go to the search box with what is in it marked, so that typing replaces it."""
        self.box.focus()
        self.box.select_all()

    def action_toggle_filters(self) -> None:
        """Show the filters and go there, or hide them."""
        pane = self.query_one("#filters")
        self._show_pane("#filters", not pane.display)
        if pane.display:
            self.facets.focus()
        else:
            self.models.focus()

    def action_toggle_detail(self) -> None:
        """Show or hide the detail."""
        self._show_pane("#detail", not self.query_one("#detail").display)

    def _show_pane(self, pane: str, shown: bool) -> None:
        self.query_one(pane).set_class(shown, "-shown").set_class(not shown, "-hidden")

    def action_change_order(self) -> None:
        """List by the next order."""
        orders = list(Sort)
        self.search = replace(
            self.search, sort=orders[(orders.index(self.search.sort) + 1) % len(orders)]
        )
        self._show_count(None)
        self._ask()

    def action_clear_filters(self) -> None:
        """Ask for everything again."""
        self.search = Search(sort=self.search.sort)
        with self.prevent(Input.Changed):
            self.box.value = ""
        self.models.focus()
        self.facets.show(self.search, None)
        self._ask()
