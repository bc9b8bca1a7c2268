"""Downloads: what runs with every file's ranges, what waits, and what has been."""

from __future__ import annotations

from collections.abc import Callable

from textual import getters, work
from textual.app import ComposeResult

from tui_hub import text
from tui_hub.domain.downloads import Download
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.events import JobChanged
from tui_hub.tui import commands as c
from tui_hub.tui.actions.copying import Copyable, copyables, of_download
from tui_hub.tui.command import Command, bindings
from tui_hub.tui.download_order import waits
from tui_hub.tui.live import Live
from tui_hub.tui.screens.base import HubScreen
from tui_hub.tui.widgets.download_list import DownloadList
from tui_hub.tui.widgets.download_totals import DownloadTotals
from tui_hub.tui.widgets.panel import Panel
from tui_hub.tui.words.download import title_of

HISTORY = 50
"""Ended downloads that are listed."""
_MOVING = (JobStatus.RUNNING, JobStatus.PENDING)
_ENDED = (JobStatus.COMPLETED, JobStatus.CANCELLED, JobStatus.FAILED)


def _rests(one: Download) -> bool:
    """Whether a person paused it, and one key lets it go on already."""
    return one.status is JobStatus.PAUSED and one.error_code is None


_APPLIES: dict[type[Command], Callable[[Download], bool]] = {
    c.PauseOrResume: lambda one: one.status in (*_MOVING, JobStatus.PAUSED),
    c.CancelDownload: lambda one: not one.status.ended or one.status is JobStatus.FAILED,
    c.RetryDownload: lambda one: one.status not in _MOVING and not _rests(one),
    c.MoveLater: waits,
    c.MoveEarlier: waits,
    c.Choose: lambda one: True,
}
"""What each command that is about one download can be done with."""
_WORDS: dict[tuple[type[Command], JobStatus], str] = {
    (c.PauseOrResume, JobStatus.PAUSED): "resume",
    (c.CancelDownload, JobStatus.FAILED): "put aside",
    (c.RetryDownload, JobStatus.COMPLETED): "again",
    (c.RetryDownload, JobStatus.CANCELLED): "again",
}
"""What some of them do otherwise with a download of some status."""


class DownloadsScreen(HubScreen):
    """One list of all downloads."""

    BINDINGS = bindings(
        c.PauseOrResume,
        c.CancelDownload,
        c.RetryDownload,
        c.MoveLater,
        c.MoveEarlier,
        c.LimitSpeed,
        c.Choose,
    )
    BINDING_GROUP_TITLE = "Downloads"
    AUTO_FOCUS = "#downloads"

    downloads = getters.query_one(DownloadList)

    def compose_body(self) -> ComposeResult:
        with Panel("Downloads", id="box"):
            yield DownloadList()
            yield DownloadTotals()

    async def copyables(self) -> list[Copyable]:
        """What there is of the download under the cursor."""
        one = self.downloads.current
        if one is None:
            return []
        files = await self.app.services.repositories.files(one.model, one.revision)
        return copyables(of_download(one, await self.links_of(one.model), files))

    def on_mount(self) -> None:
        """Follow the figures."""
        self.app.live_signal.subscribe(self, self._live)
        self.app.event_signal.follow(self, self._happened, JobChanged)
        self._live(self.app.live)
        self.read_history()

    def on_screen_resume(self) -> None:
        """Show what moved while another screen was in front; the notes of that are old now."""
        self.app.clear_notifications()
        self._live(self.app.live)
        self.downloads.look()

    def on_screen_suspend(self) -> None:
        """Remember what was seen."""
        self.downloads.leave()

    def _live(self, live: Live) -> None:
        if not self.is_current:
            return
        ended = {one.job for one in self.downloads.downloads} - {d.job for d in live.downloads}
        self.downloads.show(current=live.downloads, aside=live.aside)
        self.query_one(DownloadTotals).show(live.running)
        self._show_limit()
        self.name_keys()
        if ended:
            self.read_history()

    def word_of(self, command: type[Command]) -> str:
        if command not in _APPLIES:
            return super().word_of(command)
        one = self.downloads.current
        aside = one is not None and one.job in self.app.live.aside
        if one is None or (command is c.CancelDownload and aside) or not _APPLIES[command](one):
            return ""
        return _WORDS.get((command, one.status), command.label)

    def _show_limit(self) -> None:
        limit = self.app.services.downloads.limit
        words = f" {self.app.glyphs.dot} limited to {text.speed(limit)}" if limit else ""
        self.query_one("#box", Panel).label(f"Downloads{words}")

    def _happened(self, event: JobChanged) -> None:
        """What moves is no history; when it ends, the figures tell."""
        if event.job not in {one.job for one in self.app.live.running}:
            self.read_history()

    @work(group="history", exclusive=True)
    async def read_history(self) -> None:
        """Read what has been."""
        with self.app.reporting():
            jobs = await self.app.services.jobs.list((JobType.DOWNLOAD,), _ENDED, HISTORY)
            past = [await self.app.services.downloads.get(job.id) for job in jobs]
            if self.is_attached:
                self.downloads.show(past=[one for one in past if one is not None])
                self.name_keys()

    def _subject(self) -> Download | None:
        one = self.downloads.current
        if one is None:
            self.app.hint("There is no download here.")
        return one

    @work(group="download-action")
    async def action_pause_or_resume(self) -> None:
        """Pause what moves; let go on what rests."""
        one = self._subject()
        if one is None:
            return
        with self.app.reporting():
            service = self.app.services.downloads
            if one.status in _MOVING:
                await service.pause(one.job)
            elif one.status is JobStatus.PAUSED:
                await service.resume(one.job)
            else:
                key = self.app.key_of(c.RetryDownload)
                again = "" if one.status is JobStatus.COMPLETED else f"; {key} tries again"
                self.app.hint(f"It is {one.status.value}{again}.")
            await self.app.live_state.look()

    @work(group="download-action")
    async def action_cancel_download(self) -> None:
        """Cancel, which asks where bytes would be lost; what failed is put aside."""
        from tui_hub.tui.screens.confirm import cancellation_question

        one = self._subject()
        if one is None:
            return
        if one.status is JobStatus.FAILED and one in self.app.live.failed:
            self.app.live_state.put_aside(one.job)
        elif one.status.ended:
            self.app.hint(f"It is {one.status.value} already.")
        elif not one.done or await self.app.push_screen_wait(
            cancellation_question(one, self.app.key_of)
        ):
            with self.app.reporting():
                await self.app.services.downloads.cancel(one.job)
                await self.app.live_state.look()

    @work(group="download-action")
    async def action_retry_download(self) -> None:
        """Go on from the bytes that are here."""
        one = self._subject()
        if one is None:
            return
        if one.status in _MOVING:
            running = one.status is JobStatus.RUNNING
            self.app.hint("It is running already." if running else "It waits in line already.")
            return
        with self.app.reporting():
            await self.app.services.downloads.retry(one.job)
            await self.app.live_state.look()
            again = await self.app.services.downloads.get(one.job)
            if again is not None and again.note and again.note != one.note:
                self.app.notify(f"{title_of(again)}: {again.note}", timeout=8)

    def action_move_later(self) -> None:
        """Move down the line."""
        self._move(1)

    def action_move_earlier(self) -> None:
        """Move up the line."""
        self._move(-1)

    def _move(self, offset: int) -> None:
        one = self._subject()
        if one is None:
            return
        if not waits(one):
            self.app.hint("Only downloads that wait in line here can be moved.")
            return
        with self.app.reporting():
            if not self.app.services.downloads.move(one.job, offset):
                self.app.hint("It is the last in line." if offset > 0 else "It is first in line.")

    @work(group="limit", exclusive=True)
    async def action_limit_speed(self) -> None:
        """Ask for a speed, and keep to it from now on."""
        from tui_hub.tui.screens.limit import LimitPrompt

        service = self.app.services.downloads
        limit = await self.app.push_screen_wait(LimitPrompt(service.limit))
        if limit is None:
            return
        with self.app.reporting():
            if limit.kept:
                await self.app.services.preferences.set("downloads.limit", str(limit.rate))
            service.set_limit(limit.rate)
            self._show_limit()
            words = f"are limited to {text.speed(limit.rate)}" if limit.rate else "have no limit"
            until = "from now on" if limit.kept else "until this screen ends"
            self.app.notify(f"Downloads {words} {until}", timeout=4)

    @work(group="open", exclusive=True)
    async def action_choose(self) -> None:
        """Open the model's page."""
        from tui_hub.tui.screens.model import ModelScreen

        one = self._subject()
        if one is not None:
            with self.app.reporting():
                model = await self.app.services.catalogue.get(one.model)
                self.app.push_screen(ModelScreen(model))
