"""The line at the top: the screens with what is going on in each, and the state of the sync."""

from __future__ import annotations

from typing import Literal, NamedTuple

from textual import events
from textual.strip import Strip

from tui_hub import text
from tui_hub.domain.jobs import JobStatus
from tui_hub.tui.drawing.draw import Piece, fit, spread, width_of
from tui_hub.tui.keys import Keys
from tui_hub.tui.live import Live
from tui_hub.tui.modes import MODES, key_command
from tui_hub.tui.widgets.drawn import Drawn

Names = Literal["all", "short", "lively", "none"]
"""Which screens have a name beside their key: all of them, in full or in a short word; those with a
badge; or the one in front, which always has its own."""
_SHORT = {"downloads": "down", "active": "act", "storage": "store", "settings": "set"}
"""Screens whose name has a shorter word that can still be read."""


class _Level(NamedTuple):
    """How full the bar is. The program's own name always stays."""

    names: Names
    gap: int
    """Cells between two screens."""
    sync: int
    """Detail of the sync, from 3 down to nothing."""
    close: bool = False
    """Whether badges stand without a space before them."""


_LEVELS = (
    _Level("all", 2, 3), _Level("all", 2, 2), _Level("all", 1, 2), _Level("all", 1, 1),
    _Level("all", 1, 1, close=True), _Level("short", 1, 1), _Level("short", 1, 1, close=True),
    _Level("short", 1, 0, close=True), _Level("lively", 1, 1, close=True),
    _Level("none", 1, 1, close=True), _Level("none", 1, 0, close=True),
)  # fmt: skip
"""The fullest first: names of screens go last."""


class TopBar(Drawn):
    """Names, keys and badges of the screens; a click goes there."""

    DEFAULT_CSS = "TopBar { height: 1; dock: top; background: $background; padding: 0 1; }"

    def on_mount(self) -> None:
        """Follow the background, and the clock for `4 min ago`."""
        self._drawn: list[Piece] = []
        self.app.live_signal.subscribe(self, self._offered, immediate=True)
        self.app.keys_signal.subscribe(self, self._changed)
        self.set_interval(30, self.refresh)

    def _offered(self, live: Live) -> None:
        """Spare the bars of the screens that nobody sees their turn; they look when one does."""
        if self.in_sight:
            self.call_next(self._changed, live)

    def _changed(self, of: Live | Keys) -> None:
        if self._pieces() != self._drawn:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the bar."""
        self._drawn = self._pieces()
        return self.strip(self._drawn, self.size.width, self.plain)

    def _pieces(self) -> list[Piece]:
        """The bar, as full as the width allows."""
        level = self._room()
        left = [*self._brand(), *self._screens(level)]
        width = self.size.width
        if width_of(left) > width:
            return fit(left, width, ellipsis=self.glyphs.ellipsis)
        return spread(left, self._sync(level.sync), width)

    def _room(self) -> _Level:
        """The fullest that there is room for."""
        brand = width_of(self._brand())
        for level in _LEVELS:
            left = brand + width_of(self._screens(level))
            right = width_of(self._sync(level.sync))
            if left + right + (2 if right else 0) <= self.size.width:
                return level
        return _LEVELS[-1]

    def _brand(self) -> list[Piece]:
        return [("tui-hub", "strong"), (" demo" if self.app.demo else "", "warn"), ("  ", "")]

    def _screens(self, level: _Level) -> list[Piece]:
        pieces: list[Piece] = []
        for mode in MODES:
            if pieces:
                pieces.append((" " * level.gap, ""))
            pieces += self._entry(mode, level)
        return pieces

    def _entry(self, mode: str, level: _Level) -> list[Piece]:
        here, badge = mode == self.app.current_mode, self._badge(mode)
        key = self.app.sign_of(key_command(mode))
        named = here or level.names in ("all", "short") or (level.names == "lively" and bool(badge))
        word = mode if here or level.names == "all" else _SHORT.get(mode, mode)
        before = " " if key else ""
        name: list[Piece] = [(f"{before}{word.capitalize()}", "strong" if here else "muted")]
        if level.close and named:
            badge = [(sign.lstrip(), tone) for sign, tone in badge]
        return [(key, "accent" if here else "faint"), *(name if named else []), *badge]

    def _badge(self, mode: str) -> list[Piece]:
        live = self.app.live
        if mode == "downloads":
            return self._downloads(live)
        if mode == "active":
            return self._slots(live)
        if mode == "sync" and live.fresh:
            return [(f" +{text.count(live.fresh)}", "accent")]
        return []

    def _slots(self, live: Live) -> list[Piece]:
        lost = sum(slot.error is not None for slot in live.slots)
        badges = (
            (f"{self.glyphs.active}{len(live.slots) - lost}", len(live.slots) > lost, "good"),
            (f"{self.glyphs.failed}{lost}", lost, "bad"),
            (self.glyphs.syncing, live.swaps, "info"),
        )
        return [(f" {words}", tone) for words, there, tone in badges if there]

    def _downloads(self, live: Live) -> list[Piece]:
        moving = sum(d.status in (JobStatus.RUNNING, JobStatus.PENDING) for d in live.downloads)
        paused = sum(d.status is JobStatus.PAUSED for d in live.downloads)
        badges = (
            (self.glyphs.downloading, moving, "info"),
            (self.glyphs.paused, paused, "warn"),
            (self.glyphs.failed, len(live.failed), "bad"),
        )
        return [(f" {sign}{count}", tone) for sign, count, tone in badges if count]

    def _sync(self, detail: int) -> list[Piece]:
        live = self.app.live
        if detail == 0:
            return []
        failed = len(live.failed_feeds)
        if detail == 1:  # no room for a word on what goes on by itself; what failed has its own
            return [(f"{failed} failed", "bad")] if failed and not live.syncing else []
        if live.syncing:
            fetched = sum(feed.counts.fetched for feed in live.syncing)
            names = f"{len(live.syncing)} feeds" if len(live.syncing) > 1 else live.syncing[0].feed
            words = f"{self.glyphs.syncing} syncing" + (f" {names}" if detail > 2 else "")
            return [(words, "info"), (f" {text.count(fetched)}" if fetched else "", "muted")]
        if live.total is None:
            return [("opening", "faint")]
        pieces: list[Piece] = [(f"{self.glyphs.syncing} {text.ago(live.last_sync)}", "muted")]
        offline = self.app.configuration.offline
        if offline:
            pieces.insert(0, (f"offline {self.glyphs.dot} ", "warn"))
        if failed:
            words = "1 feed" if failed == 1 else f"{failed} feeds"
            pieces.insert(0, (f"{self.glyphs.failed} {words} failed  ", "bad"))
        if detail > 2 and live.next_run and not offline:
            pieces.append((f" {self.glyphs.dot} next {text.clock(live.next_run)}", "faint"))
        return pieces

    async def on_click(self, event: events.Click) -> None:
        """Go to the screen under the pointer."""
        level = self._room()
        at = 1 + width_of(self._brand())
        for mode in MODES:
            at += width_of(self._entry(mode, level))
            if event.x < at:
                await self.app.action_show_mode(mode)
                return
            at += level.gap
