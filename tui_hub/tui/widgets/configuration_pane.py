"""What is set for a model: seen, changed where it stands, taken back, taken over by the slot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui_hub.domain.configuration import ConfigurationReport, ModelConfiguration
from tui_hub.domain.errors import HubError, UsageError
from tui_hub.domain.models import Details
from tui_hub.tui.actions.configuration import ask_option, ask_value
from tui_hub.tui.app import HubApp
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.configuration import (
    AddOption,
    EditValue,
    ReloadModel,
    ShowLog,
    UnsetValue,
)
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.widgets.configuration_list import ConfigurationList
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.words.configuration import ConfigurationRow, about

_MUTED = "$foreground 62%"


class ConfigurationPane(Vertical):
    """The list, and below it all about the row under the cursor."""

    BINDINGS = bindings(EditValue, UnsetValue, AddOption, ReloadModel, ShowLog)
    BINDING_GROUP_TITLE = "Configuration"
    DEFAULT_CSS = """
    ConfigurationPane #about-value { height: auto; max-height: 4; padding: 0 3; margin-top: 1; }
    """

    app = getters.app(HubApp)
    rows = getters.query_one(ConfigurationList)

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._model = ""
        self._details: Details | None = None
        self._report: ConfigurationReport | None = None

    def compose(self) -> ComposeResult:
        yield ConfigurationList()
        yield Static(id="about-value")

    def focus(self, scroll_visible: bool = True) -> Self:
        """Let the keys move the list."""
        self.rows.focus(scroll_visible)
        return self

    def show(self, model: str, details: Details | None = None) -> None:
        """Show what is set for a model, as it is now; its files need not be known for that."""
        self._model, self._details = model, details
        self.read()

    @work(group="configuration-read", exclusive=True)
    async def read(self) -> None:
        """Read what is set."""
        if not self._model:
            return
        before = self._report
        try:
            report = await self.app.services.configuring.show(self._model)
            if self._report is before:  # what a change gave meanwhile is newer
                self._take(report)
        except HubError as error:
            self.rows.empty = error.message
            self.rows.refresh()

    def _take(self, report: ConfigurationReport) -> None:
        self._report = report
        self.rows.show(report)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        row = self.rows.row
        words = Content() if row is None else self._about(row)
        self.query_one("#about-value", Static).update(words)

    @on(RowList.Chosen)
    def _clicked_twice(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_edit_value()

    def _about(self, row: ConfigurationRow) -> Content:
        now = ModelConfiguration() if self._report is None else self._report.configuration
        first, second = about(row, now, self.app.glyphs.arrow)
        return Content.assemble(safe(first), "\n", (safe(second), _MUTED))

    @work(group="configuration", exclusive=True)
    async def action_edit_value(self) -> None:
        """Ask for the value under the cursor, or let the version there count again."""
        row = self.rows.row
        if row is None:
            return
        if row.version is not None:
            await self._take_back(row)
            return
        if not row.key:
            self.app.hint(f"{self.app.key_of(UnsetValue)} takes the consent back.")
            return
        before = given = "" if row.value is None else str(row.value.value or "")
        while True:
            answer = await ask_value(self.app, self._details, row.key, given)
            if answer is None or answer == before:
                return
            values, unset = ({row.key: answer}, ()) if answer else ({}, (row.key,))
            if await self._change(values, unset):
                return
            given = answer

    @work(group="configuration", exclusive=True)
    async def action_unset_value(self) -> None:
        """Let the default count for the key under the cursor, or ask again about a pickle."""
        row = self.rows.row
        if row is None or self._report is None:
            return
        if row.consent is not None:
            with self.app.reporting():
                self._take(await self.app.services.configuring.refuse_pickles(self._model))
        elif not row.key:
            self.app.hint("A version is taken back by setting another one.")
        elif row.key not in self._report.configuration.values:
            self.app.hint(f"{row.key} is not set for this model.")
        else:
            await self._change({}, (row.key,))

    @work(group="configuration", exclusive=True)
    async def action_add_option(self) -> None:
        """Ask for one more option."""
        given = ""
        while (answer := await ask_option(self.app, given)) is not None:
            key, value = answer
            if await self._change({key: value}):
                return
            given = f"{key}={value}"

    @work(group="configuration", exclusive=True)
    async def action_reload_model(self) -> None:
        """Load the active model again."""
        if self._report is None or not self._report.active:
            self.app.hint("It is not active; a activates it.")
        else:
            await self._offer_reload(self._report.stale or self._report.active)

    @work(group="configuration", exclusive=True)
    async def action_show_log(self) -> None:
        """Show what the process that holds the model says."""
        from tui_hub.tui.screens.text_dialog import TextDialog

        slot = None
        for kind in () if self._report is None else self._report.active:
            slot = slot or await self.app.services.activation.active(kind)
        if slot is None:
            self.app.hint("It is not active.")
            return
        said = await self.app.services.activation.said(slot)
        words = "\n".join(said) or "It has said nothing so far."
        self.app.push_screen(TextDialog(f"{slot.chosen_by} as {slot.type.value}", words))

    async def _change(self, values: Mapping[str, str], unset: Iterable[str] = ()) -> bool:
        """Set values; `False` where something is wrong with them, which is said."""
        try:
            report = await self.app.services.configuring.change(self._model, values, unset)
        except HubError as error:
            self.app.report(error)
            return not isinstance(error, UsageError)
        self._take(report)
        if "context" in values:
            for note in report.notes:
                self.app.notify(note, severity="warning")
        await self._offer_reload(report.stale)
        return True

    async def _take_back(self, row: ConfigurationRow) -> None:
        if row.version is None:
            return
        if row.counts:
            self.app.hint("This version counts already.")
            return
        version = row.version.version
        with self.app.reporting():
            report = await self.app.services.configuring.take_back(self._model, version)
            self._take(report)
            self.app.notify(f"Version {version} counts again, as version {report.version}")
            await self._offer_reload(report.stale)

    async def _offer_reload(self, slots: Iterable[str]) -> None:
        """Ask whether what is active is loaded again now."""
        from tui_hub.tui.screens.confirm import reload_question

        for kind in slots:
            slot = await self.app.services.activation.active(kind)
            if slot is None:
                continue
            programs = (await self.app.services.activation.programs(slot))[slot.type]
            if await self.app.push_screen_wait(reload_question(slot, programs)):
                self.app.changes.reload(slot)
