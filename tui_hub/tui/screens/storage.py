"""The store: what it holds by type and by model, what sharing saves, and how to make room."""

from __future__ import annotations

from collections.abc import Iterable

from textual import getters, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from tui_hub import text
from tui_hub.domain.storage import StorageUsage
from tui_hub.events import Event, ModelChanged, SlotChanged, StorageChanged, WorkMoved
from tui_hub.tui import commands as c
from tui_hub.tui.actions.copying import Copyable, copyables
from tui_hub.tui.actions.model import delete_model
from tui_hub.tui.actions.store import StoreActions
from tui_hub.tui.command import Command, bindings
from tui_hub.tui.commands.storage import (
    CloseFindings,
    MakeRoom,
    ScanBox,
    StopWork,
    SweepStore,
    VerifyModel,
    VerifyStore,
)
from tui_hub.tui.drawing.draw import Line, safe
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.widgets.document import Document
from tui_hub.tui.widgets.panel import Panel
from tui_hub.tui.widgets.work_line import WorkLine
from tui_hub.tui.words.store_columns import (
    ShareTable,
    model_columns,
    model_shares,
    type_columns,
    type_shares,
)

_MUTED = "$foreground 62%"
DELAY = 0.5
"""Seconds after a change before the store is measured again."""


class StorageScreen(StoreActions):
    """Figures and bars, the work that goes on, and what it found."""

    CSS_PATH = "storage.tcss"
    BINDINGS = bindings(
        c.DeleteModel, ScanBox, VerifyStore, VerifyModel, SweepStore, MakeRoom, StopWork,
        CloseFindings,
        c.Choose, c.Reload,
    )  # fmt: skip
    BINDING_GROUP_TITLE = "Storage"
    AUTO_FOCUS = "#models"

    models = getters.query_one("#models", ShareTable)
    types = getters.query_one("#types", ShareTable)
    summary = getters.query_one("#summary", Static)
    work_line = getters.query_one(WorkLine)
    findings = getters.query_one("#findings", Document)

    def __init__(self) -> None:
        super().__init__()
        self._delay: Timer | None = None

    def compose_body(self) -> ComposeResult:
        glyphs = self.app.glyphs
        with Panel("Store", id="summary-box"):
            yield Static(Content.styled("measuring", _MUTED), id="summary")
        with Horizontal(id="tables"):
            with Panel("By type", id="types-box"):
                yield ShareTable(type_columns(glyphs), id="types")
            with Panel("By model", id="models-box"):
                yield ShareTable(model_columns(glyphs), id="models")
        with Panel(id="findings-box"):
            yield Document(id="findings")
        yield WorkLine()

    def word_of(self, command: type[Command]) -> str:
        if command is StopWork and not self.app.services.works.pictures():
            return ""
        if command in (c.DeleteModel, c.Choose) and self.models.current is None:
            return ""
        return super().word_of(command)

    async def copyables(self) -> list[Copyable]:
        """The model's id and folder, and where the store is."""
        share = self.models.current
        told: list[tuple[str, str | None]] = []
        if share is not None:
            installs = await self.app.services.storage.installs()
            folder = next((one.path for one in installs if one.model == share.name), None)
            told = [("id", share.name), ("folder", folder)]
        return copyables([*told, ("store", str(self.app.services.configuration.paths.store))])

    def on_mount(self) -> None:
        """Measure, and measure again when something changed."""
        self.models.empty = [("No model is here yet.", "muted")]
        self.app.event_signal.follow(self, self._worked, WorkMoved)
        changes = (StorageChanged, ModelChanged, SlotChanged)
        self.app.event_signal.follow(self, self._happened, *changes)
        self.call_after_refresh(self.measure)

    def on_screen_resume(self) -> None:
        """Measure again, as other processes may have worked on the store."""
        self.work_line.show(self.app.services.works.pictures())
        self.name_keys()
        self.call_after_refresh(self.measure)

    def _worked(self, event: WorkMoved) -> None:
        if self.is_current:
            self.work_line.show(self.app.services.works.pictures())
            self.name_keys()

    def _happened(self, event: Event) -> None:
        if self._delay is None:
            self._delay = self.set_timer(DELAY, self._measure_late)

    def _measure_late(self) -> None:
        self._delay = None
        self.measure()

    @work(group="usage", exclusive=True)
    async def measure(self) -> None:
        """Ask the store for its figures."""
        with self.app.reporting():
            usage = await self.app.services.storage.usage()
            self.models.show(model_shares(usage))
            self.types.show(type_shares(usage))
            self.name_keys()
            self.summary.update(summary_text(usage, self.app.glyphs, self.summary.size.width))

    def show_findings(self, title: str, lines: Iterable[Line]) -> None:
        """Show what was found below the tables."""
        shown = list(lines)
        box = self.query_one("#findings-box", Panel)
        box.label(title)
        box.display = True
        self.findings.show_pieces(shown)
        self.call_after_refresh(self._fit_findings)
        self.measure()

    def _fit_findings(self) -> None:
        """Give what was found the lines that it takes at this width."""
        self.query_one("#findings-box").styles.height = self.findings.height_wanted + 2

    async def action_close_findings(self) -> None:
        """Hide what was found, or go back."""
        box = self.query_one("#findings-box", Panel)
        if box.display:
            box.display = False
        else:
            await self.app.action_go_back()

    def chosen_model(self) -> str | None:
        share = self.models.current
        return share.name if share is not None else None

    @work(group="delete", exclusive=True)
    async def action_delete_model(self) -> None:
        """Delete the model under the cursor, after showing what is lost."""
        share = self.models.current
        if share is not None:
            await delete_model(self, share.name)
            self.measure()

    @work(group="open", exclusive=True)
    async def action_choose(self) -> None:
        """Open the model's page."""
        from tui_hub.tui.screens.model import ModelScreen

        share = self.models.current
        if share is not None:
            with self.app.reporting():
                model = await self.app.services.catalogue.get(share.name)
                self.app.push_screen(ModelScreen(model))

    def action_reload(self) -> None:
        """Measure again."""
        self.measure()


def summary_text(usage: StorageUsage, glyphs: Glyphs, width: int) -> Content:
    """The store on its disk in three lines and a bar: the store, others, free."""
    total = max(usage.disk_total, 1)
    room = max(width, 20)
    own = min(round(usage.bytes / total * room), room)
    others = min(round((total - usage.disk_free - usage.bytes) / total * room), room - own)
    others = max(others, 0)
    disk = Content.assemble(
        (glyphs.full * own, "$primary"),
        (glyphs.half * others, "$foreground 30%"),
        (glyphs.rest * (room - own - others), "$foreground 14%"),
    )
    gap = f"   {glyphs.dot}   " if width >= 90 else f" {glyphs.dot} "
    of_all = f" free of {text.size(usage.disk_total)}" if width >= 90 else " free"
    figures = Content.assemble(
        (text.size(usage.bytes), "bold $primary"),
        (f" in {text.grouped(usage.blobs)} blobs" if width >= 64 else "", _MUTED),
        (gap, _MUTED),
        (text.size(usage.bytes_saved), "bold $success"),
        (" saved by sharing", _MUTED),
        (gap, _MUTED),
        (text.size(usage.disk_free), "bold"),
        (of_all, _MUTED),
    )
    arrived = f", {text.size(usage.partial_arrived)} arrived" if width >= 90 else ""
    where = [(safe(usage.path), "$foreground 42%")]
    for size, words, style in (
        (usage.partial_bytes, f"of unfinished downloads{arrived}", "$warning"),
        (usage.referenced_bytes, "stay where they lie", "$primary"),
        (usage.quarantined_bytes, "damaged, moved away", "$warning"),
        (usage.over_quota, f"over the quota of {text.size(usage.quota)}", "$error"),
    ):
        if size:
            where += [(gap, _MUTED), (text.size(size), f"bold {style}"), (f" {words}", _MUTED)]
    return Content("\n").join([figures, disk, Content.assemble(*where)])
