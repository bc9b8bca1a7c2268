"""The form of a feed: what it asks for, what it takes in and when, checked as it is typed."""

from __future__ import annotations

from datetime import UTC, datetime

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from tui_hub.domain.errors import HubError
from tui_hub.domain.feeds import Feed
from tui_hub.domain.queries import query_words
from tui_hub.services.sync.feed_words import limit_words, rule_words, turn_words
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.feeds import NextField, PreviousField, SaveFeed, TryThis
from tui_hub.tui.commands.questions import Cancel
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.feed_fields import FIELDS, NAME, Field, feed_of, texts_of
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.screens.feed_trial import TrialDialog
from tui_hub.tui.words.feed import cost_question

_MUTED = "$foreground 62%"
_LABEL = 14


class FeedForm(HubDialog[Feed | None]):
    """Makes a new feed, or changes one; `None` when closed without a change."""

    CSS_PATH = "feed_form.tcss"
    BINDINGS = bindings(SaveFeed, TryThis, NextField, PreviousField, Cancel)
    BINDING_GROUP_TITLE = "Feed"
    AUTO_FOCUS = "Input"

    meaning = getters.query_one("#meaning", Static)

    def __init__(self, before: Feed | None = None) -> None:
        super().__init__()
        self._before = before
        self._texts = texts_of(before) if before else {}

    def compose(self) -> ComposeResult:
        box = VerticalScroll(classes="dialog", can_focus=False)
        box.border_title = Content(safe(self._before.name) if self._before else "New feed")
        box.border_subtitle = self.offer(
            (SaveFeed, "saves"), (TryThis, "tries"), (Cancel, "closes")
        )
        with box:
            for field in FIELDS if self._before else (NAME, *FIELDS):
                yield from self._line(field)
            yield Static(id="meaning")

    def _line(self, field: Field) -> ComposeResult:
        with Horizontal(classes="field"):
            yield Static(Content.styled(field.label, _MUTED), classes="label")
            value = safe(self._texts.get(field.key, ""))
            yield Input(value, placeholder=field.hint, id=field.key, max_length=1000)

    def on_mount(self) -> None:
        """Say what the fields mean as they stand."""
        self._changed()

    def _feed(self) -> Feed:
        """The feed of the fields.

        Raises:
            UsageError: when they make none.
        """
        texts = {one.id or "": one.value for one in self.query(Input)}
        # What was not touched stays as it is, even where it cannot be shown as it is.
        shown = {key: safe(value) for key, value in self._texts.items()}
        texts = {key: self._texts[key] if shown.get(key) == value else value
                 for key, value in texts.items()}  # fmt: skip
        feed = feed_of(texts, self._before)
        if feed != self._before:
            self.app.services.feeds.check(feed)
        return feed

    @on(Input.Changed)
    def _changed(self) -> None:
        try:
            self._tell(self._feed())
        except HubError as error:
            # That nothing was typed yet is no fault before somebody saves it.
            if self._before is None and not self.query_one(f"#{NAME.key}", Input).value.strip():
                self.meaning.update(Content.styled("It needs a name first.", _MUTED))
            else:
                self._show(error)

    def _tell(self, feed: Feed) -> None:
        """Say in words what a feed asks for, takes in, and when."""
        interval = self.app.services.sync.turns.timetable.interval_words()
        pairs = (
            ("it brings", f"{limit_words(feed)}: {query_words(feed.queries)}"),
            ("of these", rule_words(feed.rules) or "all"),
            ("its turns", turn_words(feed.schedule, interval, datetime.now(UTC))),
        )
        lines = [Content.assemble((w.ljust(_LABEL), _MUTED), safe(value)) for w, value in pairs]
        self.meaning.update(Content("\n").join(lines))

    def _show(self, error: HubError) -> None:
        self.meaning.update(self.problem_of(error))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.save()

    def action_save_feed(self) -> None:
        """Save, whatever field the cursor is in."""
        self.save()

    @work(group="save", exclusive=True)
    async def save(self) -> None:
        """Write the feed down; what is wrong with that is said here, and nothing typed is lost."""
        feeds = self.app.services.feeds
        try:
            feed = self._feed()
            cost = feeds.cost(feed) if feed.enabled and feed != self._before else None
            if cost is not None and not await self.app.push_screen_wait(cost_question(feed, cost)):
                return
            if self._before is None:
                feed = await feeds.add(feed)
            elif feed != self._before:
                feed = await feeds.edit(self._before, feed)
        except HubError as error:
            self._show(error)
            return
        self.dismiss(feed)

    def action_try_this(self) -> None:
        """Show what the feed would take in."""
        try:
            feed = self._feed()
        except HubError as error:
            self._show(error)
            return
        self.app.push_screen(TrialDialog(feed))

    def action_cancel(self) -> None:
        """Close without a change."""
        self.dismiss(None)
