"""The first words: what this is, what it is doing, and three keys to try."""

from __future__ import annotations

from collections.abc import Sequence

from textual import getters
from textual.content import Content
from textual.widgets import Static

from tui_hub import text
from tui_hub.tui import commands as c
from tui_hub.tui.app import HubApp
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.live import Live
from tui_hub.tui.words.unreached import unreached

_NAMED = 4
"""Feeds that are named; of more the number is told."""


class Greeting(Static):
    """Stands above the catalogue at the very first start, until any key or click."""

    DEFAULT_CSS = """
    Greeting {
        display: none;
        height: auto;
        margin: 0 1 1 1;
        padding: 1 2;
        background: $panel;
        &.-shown { display: block; }
    }
    HubScreen.-low Greeting { padding: 0 1; margin: 0; }
    """

    app = getters.app(HubApp)

    def on_mount(self) -> None:
        """Follow what the sync does."""
        self.app.live_signal.subscribe(self, self._changed)
        self.app.greeting_signal.subscribe(self, self._turn)

    def _turn(self, shown: bool) -> None:
        self.set_class(shown, "-shown")
        self._changed(self.app.live)

    def _changed(self, live: Live) -> None:
        if self.has_class("-shown"):
            self.update(self._words(live))

    def _words(self, live: Live) -> Content:
        muted = "$foreground 62%"
        title = Content.styled("Welcome to tui-hub", "bold")
        keys: list[tuple[str, str]] = []
        for command, words in ((c.Search, "search"), (c.Choose, "open"), (c.Help, "all keys")):
            if sign := self.app.sign_of(command):
                keys += [(sign, "$accent"), (f" {words}    ", muted)]
        keys += [("any key takes this away", "$foreground 42%")]
        if self.screen.has_class("-low"):
            return Content("\n").join([title, Content.assemble(*keys)])
        purpose = "One screen to find, fetch, verify, switch and retire AI models."
        return Content("\n").join(
            [
                title,
                Content(purpose),
                Content.styled(self.doing(live), muted),
                Content(),
                Content.assemble(*keys),
            ]
        )

    def doing(self, live: Live) -> str:
        """What is here, and what goes on in the background."""
        services = self.app.services
        settings = services.configuration.settings
        here = f"Models here: {text.grouped(live.total)}. " if live.total else ""
        if services.configuration.offline:
            return f"{here}Offline, nothing else is fetched."
        if live.syncing:
            listed = _listed([feed.feed for feed in live.syncing])
            fetched = sum(feed.counts.fetched for feed in live.syncing)
            so_far = f", {text.grouped(fetched)} models so far" if fetched else ""
            return f"{here}Fetching in the background: {listed}{so_far}."
        if not settings.sync.enabled:
            keys = f"{self.app.key_of(c.ShowSync)}, then {self.app.key_of(c.SyncNow)}"
            return f"{here}{keys} brings the catalogue up to date."
        known = {one.feed for one in live.feeds if one.last_sync is not None}
        enabled = [feed.name for feed in services.sync.feeds() if feed.enabled]
        waiting = [name for name in enabled if name not in known]
        if waiting:
            return f"{here}The first sync fetches {_listed(waiting)} in the background."
        if live.failed_feeds:
            if why := unreached(services.sync.feeds(), live.feeds):
                return f"{here}{safe(self.app.advice(why))} It is tried again by itself."
            listed = _listed([feed.feed for feed in live.failed_feeds])
            return f"{here}Failed, and tried again by itself: {listed}."
        return f"{here}The catalogue is kept up to date by itself."


def _listed(feeds: Sequence[str]) -> str:
    """The first feeds, and how many more there are."""
    named = ", ".join(safe(feed) for feed in feeds[:_NAMED])
    return f"{named} and {len(feeds) - _NAMED} more" if len(feeds) > _NAMED else named
