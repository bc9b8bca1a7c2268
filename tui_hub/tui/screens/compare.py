"""Up to four models or variants side by side."""

from __future__ import annotations

from dataclasses import replace

from textual import getters, on
from textual.app import ComposeResult

from tui_hub.domain.errors import HubError
from tui_hub.domain.models import Model
from tui_hub.events import ModelChanged
from tui_hub.tui import commands as c
from tui_hub.tui.actions.model import ModelActions
from tui_hub.tui.command import Command, bindings
from tui_hub.tui.commands.compare import DropColumn, OnlyDifferences
from tui_hub.tui.marks import Mark, Marks
from tui_hub.tui.widgets.comparison_table import ComparisonTable
from tui_hub.tui.widgets.panel import Panel
from tui_hub.tui.words.comparison import Candidate


class CompareScreen(ModelActions):
    """What is known is there at once; files and fit arrive column by column."""

    BINDINGS = bindings(
        c.DownloadModel,
        c.ActivateModel,
        c.Choose,
        OnlyDifferences,
        DropColumn,
        c.ToggleFavourite,
        c.EditNote,
        c.RefreshModel,
    )
    BINDING_GROUP_TITLE = "Comparison"
    AUTO_FOCUS = "#comparison"

    table = getters.query_one(ComparisonTable)

    def __init__(self, marks: Marks) -> None:
        super().__init__()
        self.candidates = [Candidate(mark=mark) for mark in marks.all]
        """The columns, as far as they are known."""
        self._only_differences = False

    def compose_body(self) -> ComposeResult:
        with Panel("Side by side", id="page"):
            yield ComparisonTable()

    def word_of(self, command: type[Command]) -> str:
        if command is OnlyDifferences and self._only_differences:
            return "all lines"
        return super().word_of(command)

    def on_mount(self) -> None:
        """Show what is known, then ask for the rest."""
        self.app.event_signal.follow(self, self._happened, ModelChanged)
        self._show()
        self.call_after_refresh(self.look_up)

    def subject(self) -> Model | None:
        current = self.current
        return None if current is None else current.model

    @property
    def current(self) -> Candidate | None:
        """The column that actions are about."""
        here = self.table.column < len(self.candidates)
        return self.candidates[self.table.column] if here else None

    @property
    def variant(self) -> str | None:
        """The variant of that column, where one was marked."""
        return None if self.current is None else self.current.mark.variant

    def look_up(self, *, refresh: bool = False, model: str | None = None) -> None:
        """Find out about the files and the fit of one model, or of all."""
        for mark in [one.mark for one in self.candidates]:
            if model in (None, mark.model.id):
                work = self._look(mark, refresh)
                self.run_worker(work, group=f"compare {mark.key}", exclusive=True)

    async def _look(self, mark: Mark, refresh: bool) -> None:
        services = self.app.services
        try:
            details = await services.repositories.details(mark.model.id, refresh=refresh)
            self._put(mark, details=details)
            report = await services.fit.check(mark.model.id, variant=mark.variant)
        except HubError as error:
            self._put(mark, problem=error.message, asked=True)
        else:
            self._put(mark, report=report, problem=details.note, asked=True)

    def _put(self, mark: Mark, **found: object) -> None:
        self.candidates = [
            replace(one, **found) if one.mark.key == mark.key else one  # type: ignore[arg-type]
            for one in self.candidates
        ]
        self._show()

    def _show(self) -> None:
        if self.query(ComparisonTable):
            self.table.show(self.candidates, only_differences=self._only_differences)
            only = f" {self.app.glyphs.dot} differences" if self._only_differences else ""
            self.query_one("#page", Panel).label(f"Side by side{only}")
            self._show_note()
            self.name_keys()

    def _show_note(self) -> None:
        current = self.current
        self.query_one("#page", Panel).label(note="" if current is None else current.model.id)

    @on(ComparisonTable.Turned)
    def _turned(self) -> None:
        self._show_note()

    def _happened(self, event: ModelChanged) -> None:
        self.look_up(model=event.model)

    def action_choose(self) -> None:
        """Open the page of the model."""
        from tui_hub.tui.screens.model import ModelScreen

        model = self.subject()
        if model is not None:
            self.app.push_screen(ModelScreen(model))

    def action_refresh_model(self) -> None:
        """Ask the sources anew."""
        self.look_up(refresh=True)

    def action_only_differences(self) -> None:
        """Show fewer lines, or all."""
        self._only_differences = not self._only_differences
        self._show()

    async def action_drop_column(self) -> None:
        """Take the model out; without a second one there is nothing to compare."""
        current = self.current
        if current is None:
            return
        self.candidates.remove(current)
        self.app.mark(self.app.marks.without(current.mark))
        if self.candidates:
            self._show()
        else:
            await self.app.action_go_back()
