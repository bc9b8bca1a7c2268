"""The background work: every job with its history, and the log of the one at the cursor."""

from __future__ import annotations

from textual import getters, on, work
from textual.app import ComposeResult
from textual.timer import Timer

from tui_hub import text
from tui_hub.domain.jobs import Job, JobStatus, JobType
from tui_hub.events import JobChanged
from tui_hub.tui import commands as c
from tui_hub.tui.actions.copying import Copyable, copyables
from tui_hub.tui.command import Command, bindings
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import Piece
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.live import POLL
from tui_hub.tui.screens.base import HubScreen
from tui_hub.tui.widgets.document import Document
from tui_hub.tui.widgets.panel import Panel
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.table import Table

LIMIT = 200
"""Jobs that are listed."""
_TONES = {
    JobStatus.RUNNING: "info",
    JobStatus.COMPLETED: "good",
    JobStatus.FAILED: "bad",
    JobStatus.PAUSED: "warn",
}


def _what(job: Job) -> str:
    """What a job is about, from its payload."""
    for key in ("model", "feeds", "targets", "feed", "path", "places"):
        value = job.payload.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, list | tuple) and value:
            return ", ".join(map(str, value))
    return {JobType.VERIFY: "the store", JobType.SCAN: "this box"}.get(job.type, "")


def _variant(job: Job) -> Piece:
    variant = job.payload.get("variant")
    return (variant if isinstance(variant, str) else "", "info")


def _progress(job: Job) -> str:
    done, total = job.progress.done, job.progress.total
    if not total:
        return text.count(done) if done and job.progress.unit != "bytes" else ""
    return f"{min(int(done / total * 100), 100)}%"


def _sign(job: Job, glyphs: Glyphs) -> Piece:
    signs = {
        JobStatus.RUNNING: glyphs.syncing,
        JobStatus.COMPLETED: glyphs.installed,
        JobStatus.FAILED: glyphs.failed,
        JobStatus.PAUSED: glyphs.paused,
        JobStatus.CANCELLED: glyphs.cancelled,
        JobStatus.PENDING: glyphs.waiting,
    }
    return (signs[job.status], _TONES.get(job.status, "muted"))


def _took(job: Job) -> str:
    start, end = text.parse_time(job.started_at), text.parse_time(job.finished_at)
    return text.duration((end - start).total_seconds()) if start and end else ""


def job_columns(glyphs: Glyphs) -> list[Column[Job]]:
    """The columns of a job."""
    return [
        Column("", 1, lambda job: [_sign(job, glyphs)]),
        Column("Type", 8, lambda job: [(job.type.value, "strong")]),
        Column("Status", 9, lambda job: [(job.status.value, _TONES.get(job.status, "muted"))]),
        Column("About", 0, lambda job: [(_what(job), ""), _error(job)]),
        Column("Variant", 10, lambda job: [_variant(job)], rank=1),
        Column("Done", 5, lambda job: [(_progress(job), "muted")], align="right", rank=3),
        Column("Tries", 5, lambda job: [(str(job.attempts), "faint")], align="right", rank=5),
        Column("Took", 12, lambda job: [(_took(job), "faint")], align="right", rank=4),
        Column(
            "Made", 11, lambda job: [(text.ago(job.created_at), "muted")], align="right", rank=2
        ),
        Column("Id", 8, lambda job: [(job.id[:8], "faint")], rank=6),
    ]


def _number(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"


def _hidden(count: int, next_type: str, next_status: str) -> list[Piece]:
    return [
        (f"The filters hide {_number(count)}. ", "muted"),
        (next_type, "key"),
        (" and ", "muted"),
        (next_status, "key"),
        (" go on to the next type and status.", "muted"),
    ]


def _error(job: Job) -> Piece:
    return (f"  {job.error}" if job.error else "", "bad")


_UNDER_WAY = (JobStatus.RUNNING, JobStatus.PENDING)


class JobTable(Table[Job]):
    """Jobs, known again by their id."""

    least = 24

    def key_of(self, row: Job) -> object:
        return row.id


class JobsScreen(HubScreen):
    """History and log."""

    CSS_PATH = "jobs.tcss"
    BINDINGS = bindings(c.CancelJob, c.RetryJob, c.FilterType, c.FilterStatus)
    BINDING_GROUP_TITLE = "Jobs"
    AUTO_FOCUS = "#jobs"

    jobs = getters.query_one(JobTable)
    log_view = getters.query_one("#log", Document)

    def __init__(self) -> None:
        super().__init__()
        self._type: JobType | None = None
        self._status: JobStatus | None = None
        self._timer: Timer | None = None

    def compose_body(self) -> ComposeResult:
        with Panel("Jobs", id="list"):
            yield JobTable(job_columns(self.app.glyphs), id="jobs")
        with Panel("Log", id="log-box"):
            yield Document(id="log")

    def word_of(self, command: type[Command]) -> str:
        job = self.jobs.current
        if command is c.CancelJob and (job is None or job.status.ended):
            return ""
        if command is c.RetryJob and (job is None or job.status in _UNDER_WAY):
            return ""
        return super().word_of(command)

    async def copyables(self) -> list[Copyable]:
        """The job's id, and what it said last."""
        job = self.jobs.current
        if job is None:
            return []
        model = job.payload.get("model")
        told = [("id", job.id), ("model", model if isinstance(model, str) else None)]
        return copyables([*told, ("error", job.error), ("log", job.log[-1] if job.log else None)])

    def on_mount(self) -> None:
        """Read once, then follow."""
        self.app.event_signal.follow(self, self._happened, JobChanged)
        self._timer = self.set_interval(POLL, self.read)
        self.read()

    def on_screen_suspend(self) -> None:
        """Nobody looks: rest."""
        if self._timer is not None:
            self._timer.pause()

    def on_screen_resume(self) -> None:
        """Follow again."""
        if self._timer is not None:
            self._timer.resume()
            self.read()

    def _happened(self, event: JobChanged) -> None:
        if self.app.screen is self:
            self.read()

    @work(group="jobs", exclusive=True)
    async def read(self) -> None:
        """Read the jobs."""
        types = (self._type,) if self._type else ()
        statuses = (self._status,) if self._status else ()
        with self.app.reporting():
            jobs = await self.app.services.jobs.list(types, statuses, LIMIT)
            self.jobs.empty = [("No job yet. Syncs and downloads show here.", "muted")]
            if not jobs and (types or statuses):
                hidden = len(await self.app.services.jobs.list((), (), LIMIT))
                keys = (self.app.key_of(c.FilterType), self.app.key_of(c.FilterStatus))
                self.jobs.empty = _hidden(hidden, *keys)
            if not jobs or tuple(jobs) != self.jobs.rows:
                self.jobs.show(jobs)
        chosen = [str(one) for one in (self._type, self._status) if one]
        filters = f" {self.app.glyphs.dot} ".join(["Jobs", *chosen])
        self.query_one("#list", Panel).label(filters)
        self.query_one("#list", Panel).label(note=_number(len(self.jobs.rows)))

    @on(RowList.Moved, "#jobs")
    def _moved(self) -> None:
        job = self.jobs.current
        if job is None:
            self.log_view.show_words("")
            return
        lines = list(job.log) or ["no line yet"]
        if job.error:
            lines.append(f"error: {job.error}")
        self.log_view.show_lines(lines)

    @work(group="job-action")
    async def action_cancel_job(self) -> None:
        """Cancel the job under the cursor."""
        job = self.jobs.current
        if job is None or job.status.ended:
            words = "There is no job here." if job is None else f"It is {job.status} already."
            self.app.hint(words)
        else:
            with self.app.reporting():
                await self.app.services.jobs.cancel(job.id)
                self.read()

    @work(group="job-action")
    async def action_retry_job(self) -> None:
        """Run the job under the cursor again."""
        job = self.jobs.current
        if job is None or job.status in _UNDER_WAY:
            words = "There is no job here." if job is None else f"It is {job.status} already."
            self.app.hint(words)
        else:
            with self.app.reporting():
                await self.app.services.jobs.retry(job.id)
                self.read()

    def action_filter_type(self) -> None:
        """Go on to the next type, then to all."""
        choices = [None, *JobType]
        self._type = choices[(choices.index(self._type) + 1) % len(choices)]
        self.read()

    def action_filter_status(self) -> None:
        """Go on to the next status, then to all."""
        choices = [None, *JobStatus]
        self._status = choices[(choices.index(self._status) + 1) % len(choices)]
        self.read()
