"""One model: its card, its files by variant, whether it fits, its revisions, what is set for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import ContentSwitcher

from tui_hub.domain.artifacts import ArtifactStatus
from tui_hub.domain.errors import HubError, NotFoundError
from tui_hub.domain.losses import lost_words
from tui_hub.domain.models import Details, Model
from tui_hub.events import ModelChanged, SlotChanged
from tui_hub.tui import commands as c
from tui_hub.tui.actions.model import ModelActions, delete_model
from tui_hub.tui.actions.revisions import RevisionTable, name_revision, revision_text
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.compare import MarkToCompare, ShowComparison
from tui_hub.tui.screens.text_dialog import TextDialog, is_text, read_text
from tui_hub.tui.widgets.configuration_pane import ConfigurationPane
from tui_hub.tui.widgets.detail_pane import DetailPane
from tui_hub.tui.widgets.document import Document
from tui_hub.tui.widgets.file_list import FileList
from tui_hub.tui.widgets.fit_pane import FitPane
from tui_hub.tui.widgets.panel import Panel
from tui_hub.tui.widgets.tab_strip import TabStrip

_TABS = ("card", "files", "fit", "revisions", "configuration")
_FILES, _REVISIONS = 1, 3


class ModelScreen(ModelActions):
    """The page of one model. What the source has to tell arrives while it is open."""

    CSS_PATH = "model.tcss"
    BINDINGS = bindings(
        c.NameVersion,
        c.DownloadModel,
        c.ActivateModel,
        c.NextTab,
        c.PreviousTab,
        c.Choose,
        c.ToggleFavourite,
        c.EditNote,
        c.DeleteModel,
        MarkToCompare,
        ShowComparison,
        c.RefreshModel,
    )
    BINDING_GROUP_TITLE = "Model"
    AUTO_FOCUS = "#card"

    tabs = getters.query_one(TabStrip)
    card = getters.query_one("#card", Document)
    files = getters.query_one(FileList)
    fit = getters.query_one(FitPane)
    revisions = getters.query_one(RevisionTable)
    configuration = getters.query_one(ConfigurationPane)
    about = getters.query_one(DetailPane)

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._folder: str | None = None

    def compose_body(self) -> ComposeResult:
        with Horizontal():
            with Panel(id="page"):
                yield TabStrip(("Card", "Files", "Fit", "Revisions", "Configuration"))
                with ContentSwitcher(initial="card"):
                    yield Document(id="card")
                    yield FileList()
                    yield FitPane(id="fit")
                    yield RevisionTable(self.app.glyphs, id="revisions")
                    yield ConfigurationPane(id="configuration")
            with Panel("About", id="about"):
                yield DetailPane()

    def on_mount(self) -> None:
        """Show what is known, then ask for the rest."""
        self.query_one("#page", Panel).label(self._model.id)
        self.about.show(self._model)
        self.card.show_words("asking for the card")
        self.revisions.empty = [("No revision of it has been here yet.", "muted")]
        self.app.event_signal.follow(self, self._happened, ModelChanged)
        self.app.event_signal.follow(self, lambda _: self.configuration.read(), SlotChanged)
        self.call_after_refresh(self.look_up)

    def subject(self) -> Model:
        return self._model

    def _happened(self, event: ModelChanged) -> None:
        if event.model == self._model.id:
            self.look_up()

    @work(group="details", exclusive=True)
    async def look_up(self, refresh: bool = False) -> None:
        """Fill the page from the database, or from the source where that is needed."""
        try:
            details = await self.app.services.repositories.details(self._model.id, refresh=refresh)
        except HubError as error:
            self.card.show_words(error.message, "bad")
            self.files.empty = error.message
            self.files.refresh()
            self.configuration.show(self._model.id)
            return
        if self.query(DetailPane):  # the page may have been closed meanwhile
            self._show(details)
            await self._show_card(refresh)

    def _show(self, details: Details) -> None:
        self._model, self._folder = details.model, details.path
        self.about.show(
            details.model, details.edit, details.installed_size, lost_words(details.files)
        )
        self.files.show(details)
        self.fit.show_model(details)
        self.revisions.installed = details.installed_revision
        self.revisions.show(details.versions)
        self.configuration.show(details.model.id, details)
        self.tabs.rename(1, f"Files {len(details.files)}")
        self.name_keys()
        if details.path:
            self.query_one("#page", Panel).label(note=details.path)
        if details.note:
            self.app.notify(details.note, severity="warning")

    async def _show_card(self, refresh: bool) -> None:
        try:
            card = await self.app.services.repositories.card(self._model.id)
        except HubError as error:
            self.card.show_words(error.message, "bad")
            return
        if card:
            self.card.show_card(card)
        else:
            self.card.show_words(self._model.description or "This model has no card.")

    @on(TabStrip.Changed)
    def _tab_changed(self, event: TabStrip.Changed) -> None:
        name = _TABS[event.present]
        self.query_one(ContentSwitcher).current = name
        self.query_one(f"#{name}").focus()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key row offers to name a revision where they are in front; the help always does."""
        if action == "name_version" and not (self.is_mounted and self.tabs.present == _REVISIONS):
            return None
        return super().check_action(action, parameters)

    async def to_copy(self, model: Model) -> list[tuple[str, str | None]]:
        """What the cursor is on goes before what the whole model has."""
        told: list[tuple[str, str | None]] = []
        file = self.files.file if self.tabs.present == _FILES else None
        if file is not None:
            here = self._folder is not None and file.status is ArtifactStatus.COMPLETED
            told = [
                ("path", f"{self._folder}/{file.path}" if here else file.path),
                ("sha256", file.sha256),
                ("git blob", file.git_sha1),
            ]
        row = self.revisions.current if self.tabs.present == _REVISIONS else None
        if row is not None:
            told = [("commit", row.revision)]
        return [*told, *await super().to_copy(model)]

    def action_next_tab(self) -> None:
        """Go to the next tab."""
        self.tabs.step(1)

    def action_previous_tab(self) -> None:
        """Go to the tab before."""
        self.tabs.step(-1)

    def action_refresh_model(self) -> None:
        """Ask the source anew."""
        self.look_up(refresh=True)

    def to_download(self) -> tuple[str | None, str | None]:
        """The variant or the revision under the cursor, where there is one."""
        one = self.revisions.current if self.tabs.present == _REVISIONS else None
        if one is None:
            return self.variant, None
        return next((name.variant for name in one.names), None), one.revision

    @property
    def variant(self) -> str | None:
        """The variant under the cursor, where the files are in front."""
        return self.files.variant if self.tabs.present == _FILES else None

    @work(group="delete", exclusive=True)
    async def action_delete_model(self) -> None:
        """Delete the variant under the cursor, or all of the model; asks first."""
        await delete_model(self, self._model.id, self.variant)

    @work(group="version", exclusive=True)
    async def action_name_version(self) -> None:
        """Ask for a name for the revision under the cursor."""
        if self.revisions.current is None:
            self.app.hint("There is no revision here.")
        else:
            await name_revision(self, self._model.id, self.revisions.current)

    @work(group="file", exclusive=True)
    async def action_choose(self) -> None:
        """Show the file under the cursor, where it is a small text, or what a revision changed."""
        if self.tabs.present == _REVISIONS:
            if self.revisions.current is not None:
                words = revision_text(self.revisions.current, self.app.glyphs)
                self.app.push_screen(TextDialog(self.revisions.current.revision[:12], words))
            return
        file = self.files.file if self.tabs.present == _FILES else None
        if file is None or not is_text(file.path, file.size):
            if self.tabs.present == _FILES:
                self.app.hint("Only text files up to 200 kB can be shown.")
            return
        if self._folder is None or file.status is not ArtifactStatus.COMPLETED:
            key = self.app.key_of(c.DownloadModel)
            self.app.hint(f"{file.path} is not here; {key} downloads it.")
            return
        with self.app.reporting():
            try:
                words = await asyncio.to_thread(read_text, Path(self._folder) / file.path)
            except OSError as error:
                raise NotFoundError(f"{file.path} cannot be read: {error.strerror}") from None
            self.app.push_screen(TextDialog(file.path, words))
