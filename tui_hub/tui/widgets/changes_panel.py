"""The feed of changes in its frame: what is shown of it, and what nobody had seen before."""

from __future__ import annotations

from dataclasses import field

from textual import getters, work
from textual.app import ComposeResult

from tui_hub import text
from tui_hub.domain.changes import ChangeKind, ChangeQuery
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Model
from tui_hub.tui.app import HubApp
from tui_hub.tui.commands import FilterChanges
from tui_hub.tui.live import Live
from tui_hub.tui.widgets.change_list import ChangeList
from tui_hub.tui.widgets.panel import Panel

_MOST = 2000
"""Changes that are shown; `tui-hub changes` lists all."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One way to look at the feed of changes."""

    words: str
    query: ChangeQuery = field(default_factory=ChangeQuery)
    fits: bool = False
    empty: str = ""
    """What a list without rows says."""


FILTERS = (
    Filter("all", empty="Nothing changed since the feeds were first synced."),
    Filter("new models", ChangeQuery(kinds=(ChangeKind.NEW,)), empty="No new models."),
    Filter("fits this box", fits=True, empty="Nothing that is known to fit this box changed."),
    Filter("installed", ChangeQuery(installed=True), empty="Nothing that is installed changed."),
)


class ChangesPanel(Panel):
    """Changes, newest first, through one of the filters."""

    app = getters.app(HubApp)
    rows = getters.query_one(ChangeList)

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__("Changes", id=id)
        self._filter = 0
        self._newest: int | None = None
        self._in_sight = False

    def compose(self) -> ComposeResult:
        yield ChangeList(self.app.glyphs, id="changes")

    def on_mount(self) -> None:
        """Follow what syncs find."""
        self.app.live_signal.subscribe(self, self._live)
        self.app.keys_signal.subscribe(self, lambda _: self.load())

    @property
    def model(self) -> Model | None:
        """The model that the cursor is on, where the catalogue has it."""
        row = self.rows.current
        return None if row is None else row.model

    def next_filter(self) -> None:
        """Look at the feed in the next way."""
        self._filter = (self._filter + 1) % len(FILTERS)
        self.load()

    async def come_into_sight(self) -> None:
        """Mark what nobody had seen, which counts as seen from now on."""
        if self._in_sight:
            return
        self._in_sight = True
        with self.app.reporting():
            self.rows.seen = await self.app.services.changes.seen()
            await self.app.services.changes.mark_seen()
        self.load()

    def go_out_of_sight(self) -> None:
        """What comes from now on is marked the next time."""
        self._in_sight = False

    def _live(self, live: Live) -> None:
        if live.newest != self._newest:
            self._newest = live.newest
            self.load()

    @work(group="changes", exclusive=True)
    async def load(self) -> None:
        """Read the changes again; what comes while they are in sight counts as seen."""
        chosen = FILTERS[self._filter]
        with self.app.reporting():
            changes = self.app.services.changes
            entries = await changes.list(chosen.query, _MOST, fits=chosen.fits)
            if not self.is_attached:
                return
            self.rows.empty = [(chosen.empty, "muted")]
            self.rows.show(entries)
            fresh = sum(entry.number > self.rows.seen for entry in entries)
            words = f"{text.grouped(fresh)} since you looked last" if fresh else ""
            key = self.app.sign_of(FilterChanges)
            others = f"  {key} others" if key else ""
            self.label(f"Changes: {chosen.words}{others}", words)
            if self._in_sight:
                await changes.mark_seen()
