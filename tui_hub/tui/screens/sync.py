"""The feeds: how up to date each is, what its last sync did, and what went wrong."""

from __future__ import annotations

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tui_hub import text
from tui_hub.domain.feeds import Feed, FeedStatus
from tui_hub.domain.schedule import Schedule
from tui_hub.events import FeedsChanged
from tui_hub.tui import commands as c
from tui_hub.tui.command import Command, bindings
from tui_hub.tui.commands import feeds as f
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.live import Live
from tui_hub.tui.screens.base import HubScreen
from tui_hub.tui.screens.feed_form import FeedForm
from tui_hub.tui.screens.feed_trial import TrialDialog
from tui_hub.tui.widgets.changes_panel import ChangesPanel
from tui_hub.tui.widgets.panel import Panel
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.table import Table
from tui_hub.tui.words.feed import FeedRow, about, cost_question, feed_columns, removal_question
from tui_hub.tui.words.unreached import unreached

_ROOM_FOR_KEYS = 150
"""Cells of a terminal whose row of keys holds them all."""
_KEYS = (c.SyncFeed, c.CancelSync, f.NewFeed, f.EditFeed, f.SwitchFeed, f.TryFeed, f.RemoveFeed)


class FeedTable(Table[FeedRow]):
    """Feeds, known again by their name."""

    def key_of(self, row: FeedRow) -> object:
        return row.feed.name


class SyncScreen(HubScreen):
    """Feeds, and the words about the one at the cursor."""

    CSS_PATH = "sync.tcss"
    BINDINGS = bindings(
        c.SyncNow,
        c.SyncFeed,
        c.CancelSync,
        f.NewFeed,
        f.EditFeed,
        f.SwitchFeed,
        f.TryFeed,
        f.RemoveFeed,
        c.FilterChanges,
        c.OtherList,
    )
    BINDING_GROUP_TITLE = "Sync"
    AUTO_FOCUS = "#feeds"

    feeds = getters.query_one(FeedTable)
    words = getters.query_one("#words", Static)
    problem = getters.query_one("#problem", Static)
    changes = getters.query_one(ChangesPanel)

    def compose_body(self) -> ComposeResult:
        with Panel("Feeds", id="list"):
            yield Static(id="problem")
            yield FeedTable(feed_columns(self.app.glyphs), id="feeds")
        with Horizontal(id="below"):
            with Panel("Feed", id="about"):
                yield Static(id="words")
            yield ChangesPanel(id="news")

    def on_mount(self) -> None:
        """Follow the state of the feeds."""
        self.app.live_signal.subscribe(self, self._live)
        self.app.event_signal.follow(self, self._changed, FeedsChanged)
        self.app.keys_signal.subscribe(self, lambda _: self._show_keys())
        self._live(self.app.live)
        self.set_interval(60, self._tick)

    def word_of(self, command: type[Command]) -> str:
        row, sync = self.feeds.current, self.app.services.sync
        if command is c.SyncFeed and self.changes.rows.has_focus:
            return c.Choose.label
        if command is c.CancelSync and not (sync.running or self.app.live.syncing):
            return ""
        if row is not None and command is f.SwitchFeed:
            return "turn off" if row.feed.enabled else "turn on"
        if row is not None and command is f.RemoveFeed:
            return "" if self.app.services.feeds.ships(row.feed.name) else command.label
        return super().word_of(command)

    def on_resize(self) -> None:
        """Show the keys of a feed anew, and the words about it."""
        self._show_keys()
        self.call_after_refresh(self._moved)

    def on_descendant_focus(self) -> None:
        """One key does something else in the other list."""
        self._show_keys()

    def _show_keys(self) -> None:
        """Show the keys of a feed in the frame where the row of keys is too short for them."""
        self.name_keys()
        told: list[str] = []
        if self.size.width < _ROOM_FOR_KEYS:
            shown = [one for one in _KEYS if self.app.keys.of(one) and self.word_of(one)]
            told = [f"{self.app.sign_of(one)} {self.word_of(one)}" for one in shown]
        self.query_one("#list", Panel).label(title="  ".join(("Feeds", *told)))

    async def on_screen_resume(self) -> None:
        """What changed is on screen now."""
        await self.changes.come_into_sight()

    def on_screen_suspend(self) -> None:
        """What comes from now on is new the next time."""
        self.changes.go_out_of_sight()

    def _tick(self) -> None:
        """Time went on: `4 min ago` is another now."""
        self.feeds.refresh()
        self._moved()

    def _changed(self, event: FeedsChanged) -> None:
        self._live(self.app.live)

    @property
    def _retries(self) -> int:
        return self.app.services.sync.turns.timetable.retries

    def _live(self, live: Live) -> None:
        known = {status.feed: status for status in live.feeds}
        rows = [self._row(feed, known.get(feed.name)) for feed in self.app.services.sync.feeds()]
        if tuple(rows) != self.feeds.rows:
            self.feeds.show(rows)
        self._show_keys()
        problem = self._problem(live)
        self.problem.display = problem is not None
        if problem is not None:
            self.problem.update(Content(safe(problem)))
        if live.total is not None:
            words = f"{text.grouped(live.total)} models, {_who(live.schedule)}"
            self.query_one("#list", Panel).label(note=words)

    def _problem(self, live: Live) -> str | None:
        """What is wrong with all feeds, or with all of one source."""
        wrong = self.app.services.feeds.problem
        if wrong is not None:
            return f"The feeds stay as they were: {wrong.message}"
        why = unreached(self.app.services.sync.feeds(), live.feeds)
        return self.app.advice(why, "Sync") or None

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
        width = self.words.content_size.width
        words = Content() if row is None else about(row, self._retries, width)
        self.words.update(words, layout=False)
        self._show_keys()

    @work(group="sync-action", exclusive=True)
    async def action_sync_now(self) -> None:
        """Begin a sync of all feeds."""
        self._start(())

    def action_filter_changes(self) -> None:
        """Look at the changes in the next way."""
        self.changes.next_filter()

    def action_other_list(self) -> None:
        """Go from the feeds to the changes, and back."""
        to_changes = not self.changes.rows.has_focus
        # On a narrow screen there is room for one of the two beside the list of feeds.
        self.set_class(to_changes, "-changes")
        other = self.changes.rows if to_changes else self.feeds
        self.call_after_refresh(other.focus)

    def _open_model(self) -> None:
        from tui_hub.tui.screens.model import ModelScreen

        if self.changes.model is not None:
            self.app.push_screen(ModelScreen(self.changes.model))

    @work(group="sync-action", exclusive=True)
    async def action_choose(self) -> None:
        """Begin a sync of one feed, or open the model that changed."""
        if self.changes.rows.has_focus:
            self._open_model()
            return
        row = self.feeds.current
        if row is not None:
            self._start((row.feed.name,))

    @work(group="edit", exclusive=True)
    async def action_new_feed(self) -> None:
        """Make a feed."""
        feed = await self.app.push_screen_wait(FeedForm())
        if feed is not None:
            self.app.notify(f"{feed.name} is added")
            self._live(self.app.live)
            names = [row.feed.name for row in self.feeds.rows]
            if feed.name in names:
                self.feeds.cursor = names.index(feed.name)

    @work(group="edit", exclusive=True)
    async def action_edit_feed(self) -> None:
        """Change a feed."""
        row = self.feeds.current
        if row is not None:
            await self.app.push_screen_wait(FeedForm(row.feed))

    @work(group="edit", exclusive=True)
    async def action_switch_feed(self) -> None:
        """Turn a feed on or off; a very large one not without a word."""
        row = self.feeds.current
        if row is None:
            return
        feeds, feed = self.app.services.feeds, row.feed
        cost = None if feed.enabled else feeds.cost(feed)
        if cost is None or await self.app.push_screen_wait(cost_question(feed, cost)):
            with self.app.reporting():
                await feeds.enable([feed.name], not feed.enabled)

    def action_try_feed(self) -> None:
        """Show what a feed would take in."""
        row = self.feeds.current
        if row is not None:
            self.app.push_screen(TrialDialog(row.feed))

    @work(group="edit", exclusive=True)
    async def action_remove_feed(self) -> None:
        """Take a feed of the user's own out of the settings."""
        row = self.feeds.current
        if row is None:
            return
        if self.app.services.feeds.ships(row.feed.name):
            key = self.app.key_of(f.SwitchFeed)
            self.app.hint(f"{row.feed.name} ships with the program; {key} turns it off")
        elif await self.app.push_screen_wait(removal_question(row.feed)):
            with self.app.reporting():
                await self.app.services.feeds.remove([row.feed.name])

    def _start(self, feeds: tuple[str, ...]) -> None:
        with self.app.reporting():
            if self.app.services.sync.running:
                key = self.app.key_of(c.CancelSync)
                self.app.notify(f"A sync runs already; {key} cancels it.", severity="warning")
                return
            self.app.services.sync.start(feeds)
            if self.app.services.configuration.offline:
                self.app.notify("Offline: feeds that need the network stay as they are.")

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
