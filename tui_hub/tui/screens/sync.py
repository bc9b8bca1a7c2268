"""The feeds: how up to date each is, what its last sync did, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass

from textual import getters, on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tui_hub import text
from tui_hub.domain.feeds import Feed, FeedState, FeedStatus
from tui_hub.domain.schedule import Schedule
from tui_hub.tui import commands as c
from tui_hub.tui.columns import Column
from tui_hub.tui.command import bindings
from tui_hub.tui.draw import Piece, safe
from tui_hub.tui.glyphs import Glyphs
from tui_hub.tui.live import Live
from tui_hub.tui.screens.base import HubScreen
from tui_hub.tui.widgets.panel import Panel
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.table import Table

_MUTED = "$foreground 62%"
_TONES = {
    FeedState.RUNNING: "info",
    FeedState.COMPLETED: "good",
    FeedState.PARTIAL: "warn",
    FeedState.FAILED: "bad",
}


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A feed and what is known of it."""

    feed: Feed
    status: FeedStatus
    schedule: str
    """In words; empty for one that has no turns."""
    problem: bool = False
    """Whether its schedule cannot be read."""


def _sign(row: FeedRow, glyphs: Glyphs) -> Piece:
    signs = {
        FeedState.RUNNING: glyphs.syncing,
        FeedState.COMPLETED: glyphs.installed,
        FeedState.PARTIAL: glyphs.half,
        FeedState.FAILED: glyphs.failed,
        FeedState.SKIPPED: glyphs.cancelled,
        FeedState.NEVER: glyphs.waiting,
    }
    if not row.feed.enabled:
        return (glyphs.dash, "faint")
    return (signs[row.status.state], _TONES.get(row.status.state, "muted"))


def _state(row: FeedRow) -> Piece:
    if not row.feed.enabled:
        return ("off", "faint")
    return (row.status.state.value, _TONES.get(row.status.state, "muted"))


def _number(value: int, tone: str = "muted") -> list[Piece]:
    return [(text.count(value) if value else "", tone)]


def feed_columns(glyphs: Glyphs) -> list[Column[FeedRow]]:
    """The columns of a feed."""
    right = "right"
    return [
        Column("", 1, lambda row: [_sign(row, glyphs)]),
        Column("Feed", 0, lambda row: [(row.feed.name, "strong")]),
        Column("Status", 9, lambda row: [_state(row)]),
        Column(
            "Last success", 12, lambda row: [(text.ago(row.status.last_success), "muted")], rank=1
        ),
        Column("Schedule", 12, lambda row: [_schedule(row)], rank=6),
        Column("Next", 10, lambda row: [(_next(row), "muted")], rank=2),
        Column("Fetched", 7, lambda row: _number(row.status.counts.fetched, ""), right, 3),
        Column("New", 5, lambda row: _number(row.status.counts.created, "accent"), right, 4),
        Column("Changed", 7, lambda row: _number(row.status.counts.updated), right, 5),
        Column("Same", 5, lambda row: _number(row.status.counts.unchanged, "faint"), right, 8),
        Column("Gone", 5, lambda row: _number(row.status.counts.removed, "warn"), right, 9),
        Column("Skipped", 7, lambda row: _number(row.status.counts.skipped, "warn"), right, 7),
        Column("Took", 9, lambda row: [(_took(row), "faint")], right, 10),
    ]


def _took(row: FeedRow) -> str:
    return text.duration(row.status.seconds) if row.status.seconds else ""


def _schedule(row: FeedRow) -> Piece:
    return ("wrong", "bad") if row.problem else (row.schedule, "faint")


def _next(row: FeedRow) -> str:
    """When its turn is, by the clock: a time that stands still."""
    if not row.schedule:
        return ""
    return text.clock(row.status.next_run) if row.status.next_run else "due"


class FeedTable(Table[FeedRow]):
    """Feeds, known again by their name."""

    def key_of(self, row: FeedRow) -> object:
        return row.feed.name


class SyncScreen(HubScreen):
    """Feeds, and the words about the one at the cursor."""

    CSS_PATH = "sync.tcss"
    BINDINGS = bindings(c.SyncNow, c.SyncFeed, c.CancelSync)
    BINDING_GROUP_TITLE = "Sync"
    AUTO_FOCUS = "#feeds"

    feeds = getters.query_one(FeedTable)
    words = getters.query_one("#words", Static)

    def compose_body(self) -> ComposeResult:
        with Panel("Feeds", id="list"):
            yield FeedTable(feed_columns(self.app.glyphs), id="feeds")
        with Panel("Feed", id="about"):
            yield Static(id="words")

    def on_mount(self) -> None:
        """Follow the state of the feeds."""
        self.app.live_signal.subscribe(self, self._live)
        self._live(self.app.live)
        self.set_interval(60, self._tick)

    def _tick(self) -> None:
        """Time went on: `4 min ago` is another now."""
        self.feeds.refresh()
        self._moved()

    def _live(self, live: Live) -> None:
        known = {status.feed: status for status in live.feeds}
        rows = [self._row(feed, known.get(feed.name)) for feed in self.app.services.sync.feeds()]
        if tuple(rows) != self.feeds.rows:
            self.feeds.show(rows)
        if live.total is not None:
            words = f"{text.grouped(live.total)} models, {_who(live.schedule)}"
            self.query_one("#list", Panel).label(note=words)

    def _row(self, feed: Feed, status: FeedStatus | None) -> FeedRow:
        timetable = self.app.services.sync.turns.timetable
        return FeedRow(
            feed,
            status or FeedStatus(feed=feed.name),
            timetable.words(feed.name) if timetable.has(feed.name) else "",
            feed.name in timetable.problems,
        )

    @on(RowList.Moved, "#feeds")
    def _moved(self) -> None:
        row = self.feeds.current
        self.words.update(Content() if row is None else self._about(row))

    def _about(self, row: FeedRow) -> Content:
        status = row.status
        pairs = [
            ("queries", "; ".join(_query_words(row.feed)) or "everything"),
            ("takes", "all of it" if row.feed.limit is None else f"{row.feed.limit} of each query"),
            ("schedule", self._turn(row) if row.schedule else "none"),
            ("last sync", text.ago(status.last_sync)),
            ("asked", f"{status.requests} requests, {text.size(status.bytes)}"),
        ]
        lines = [Content.assemble((w.ljust(12), _MUTED), safe(value)) for w, value in pairs]
        if status.error:
            lines.append(
                Content.assemble(("error".ljust(12), _MUTED), (safe(status.error), "$error"))
            )
        return Content("\n").join(lines)

    def _turn(self, row: FeedRow) -> str:
        retries = row.status.retries
        most = self.app.services.configuration.settings.sync.retries
        retry = f", retry {retries} of {most}" if retries else ""
        when = _next(row)
        return f"{row.schedule}, {'due now' if when == 'due' else f'next {when}'}{retry}"

    @work(group="sync-action", exclusive=True)
    async def action_sync_now(self) -> None:
        """Begin a sync of all feeds."""
        self._start(())

    @work(group="sync-action", exclusive=True)
    async def action_choose(self) -> None:
        """Begin a sync of one feed."""
        row = self.feeds.current
        if row is not None:
            self._start((row.feed.name,))

    def _start(self, feeds: tuple[str, ...]) -> None:
        with self.app.reporting():
            if self.app.services.sync.running:
                self.app.notify("A sync runs already; x cancels it.", severity="warning")
                return
            self.app.services.sync.start(feeds)

    @work(group="sync-action")
    async def action_cancel_sync(self) -> None:
        """Stop the sync."""
        with self.app.reporting():
            await self.app.services.sync.cancel()
            await self.app.live_state.look()


def _who(schedule: Schedule) -> str:
    """Who runs the feeds at their times."""
    if schedule.holder is None:
        return f"schedule: {schedule.off or 'not begun'}"
    place = f"({text.clean(schedule.holder.host, 30)}, pid {schedule.holder.pid})"
    return f"schedule: {'this screen' if schedule.ours else 'another process'} {place}"


def _query_words(feed: Feed) -> list[str]:
    words = []
    for query in feed.queries:
        parts = [f"tag {tag}" for tag in query.filter]
        parts += [query.pipeline_tag] if query.pipeline_tag else []
        parts += [f"by {query.author}"] if query.author else []
        parts += [f"library {query.library}"] if query.library else []
        parts += [f"search {query.search}"] if query.search else []
        if parts:
            words.append(" and ".join(parts))
    return words
