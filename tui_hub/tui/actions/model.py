"""What can be done with a model from any screen that shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work

from tui_hub.domain.errors import RefusedError
from tui_hub.tui.actions.copying import Copyable, addresses, copyables
from tui_hub.tui.actions.downloading import plan_download
from tui_hub.tui.command import Command
from tui_hub.tui.commands import DownloadModel, ToggleFavourite
from tui_hub.tui.commands.compare import MarkToCompare, ShowComparison
from tui_hub.tui.marks import Mark
from tui_hub.tui.screens.base import HubScreen

if TYPE_CHECKING:
    from tui_hub.domain.models import Model
    from tui_hub.domain.slots import Slot
    from tui_hub.domain.storage import Install


_DAEMON = "daemon"
"""The fact of models that the daemon of Ollama has itself."""


class ModelActions(HubScreen):
    """A screen with a model to act on."""

    def subject(self) -> Model | None:
        """The model that actions are about."""
        raise NotImplementedError

    def _some_model(self) -> Model | None:
        """The same; says so when there is none."""
        model = self.subject()
        if model is None:
            self.app.hint("There is no model here.")
        return model

    @property
    def variant(self) -> str | None:
        """The variant of it that is meant, where one is."""
        return None

    def on_mount(self) -> None:
        """Follow what is marked for a comparison."""
        self.app.marks_signal.subscribe(self, lambda _: self.name_keys())

    def word_of(self, command: type[Command]) -> str:
        model = self.subject()
        if command is ToggleFavourite and model is not None and model.favourite:
            return "no favourite"
        if command is MarkToCompare and model is not None:
            marked = Mark(model, self.variant) in self.app.marks
            return "drop mark" if marked else command.label
        if command is ShowComparison and len(self.app.marks) < 2:
            return ""
        return super().word_of(command)

    async def copyables(self) -> list[Copyable]:
        """The model's id, where it is at its source, and where it is here."""
        model = self.subject()
        return [] if model is None else copyables(await self.to_copy(model))

    async def to_copy(self, model: Model) -> list[tuple[str, str | None]]:
        """What a model has to copy, each under a word."""
        install = await self._install_of(model)
        return [
            ("id", model.id),
            ("name", model.id.partition(":")[2]),
            ("folder", None if install is None else install.path),
            ("revision", model.revision),
            *addresses(self.app.services.repositories.links(model)),
        ]

    def action_mark_to_compare(self) -> None:
        """Mark the model or its variant for a comparison, or drop the mark."""
        model = self._some_model()
        if model is None:
            return
        with self.app.reporting():
            self.app.mark(self.app.marks.toggled(Mark(model, self.variant)))
            count, key = len(self.app.marks), self.app.key_of(ShowComparison)
            more = f"{key} shows them side by side" if count > 1 else "mark one more to compare"
            self.app.hint(f"{count} marked; {more}" if count else "Nothing is marked any more.")

    def action_show_comparison(self) -> None:
        """Show what is marked side by side."""
        from tui_hub.tui.screens.compare import CompareScreen

        if len(self.app.marks) < 2:
            key = self.app.key_of(MarkToCompare)
            self.app.hint(f"Mark two models or variants with {key}, up to four.")
        else:
            self.app.push_screen(CompareScreen(self.app.marks))

    def to_download(self) -> tuple[str | None, str | None]:
        """The variant and the revision that a download is asked for of; `None` names none."""
        return self.variant, None

    @work(group="plan", exclusive=True)
    async def action_download_model(self) -> None:
        """Show the plan of a download, or where that is on its way already."""
        model = self._some_model()
        if model is not None:
            with self.app.reporting():
                await plan_download(self.app, model, *self.to_download())

    @work(group="activate", exclusive=True)
    async def action_activate_model(self) -> None:
        """Show what leaves and what comes, and begin it when the person agrees."""
        from tui_hub.tui.screens.activation import ActivationQuestion

        model = self._some_model()
        if model is None:
            return
        with self.app.reporting():
            install = await self._install_of(model)
            if install is None and _DAEMON not in model.facts:
                key = self.app.key_of(DownloadModel)
                words = f"{model.name} is not installed: {key} downloads it"
                self.app.notify(words, severity="warning", timeout=5)
                return
            slot = await self.app.services.activation.active(model.type)
            variant = None
            if install is not None:
                variant = await self._variant_of(install, slot)
                if variant is None and install.variants:
                    return
            if await self.app.push_screen_wait(ActivationQuestion(model, slot, variant)):
                replacing = slot is not None
                self.app.changes.put(model.id, model.type, variant, replacing=replacing)

    async def _install_of(self, model: Model) -> Install | None:
        installs = await self.app.services.storage.installs()
        return next((one for one in installs if one.model == model.id), None)

    async def _variant_of(self, install: Install, slot: Slot | None) -> str | None:
        """The variant to activate; where several are here, the one that the person takes."""
        from tui_hub.tui.screens.variants import VariantDialog

        if len(install.variants) < 2:
            return next(iter(install.variants), None)
        active = slot.variant if slot is not None and slot.model == install.model else None
        question = VariantDialog("Activate which?", install.variants, active)
        return await self.app.push_screen_wait(question)

    @work(group="delete", exclusive=True)
    async def action_delete_model(self) -> None:
        """Show what is lost, and delete when the person says so."""
        model = self._some_model()
        if model is not None:
            await delete_model(self, model.id)

    @work(group="edit", exclusive=True)
    async def action_toggle_favourite(self) -> None:
        """Mark the model, or drop the mark."""
        model = self._some_model()
        if model is None:
            return
        with self.app.reporting():
            edit = await self.app.services.catalogue.edits(model.id)
            now = not (edit is not None and edit.favourite)
            await self.app.services.catalogue.edit(model.id, favourite=now)
            self.app.notify(f"{model.name} is {'now' if now else 'no longer'} a favourite")

    @work(group="edit", exclusive=True)
    async def action_edit_note(self) -> None:
        """Ask for a note, and keep it with the model."""
        from tui_hub.tui.screens.prompt import Prompt

        model = self._some_model()
        if model is None:
            return
        with self.app.reporting():
            edit = await self.app.services.catalogue.edits(model.id)
            before = (edit.note or "") if edit is not None else ""
            words = "Your own words about it; no sync changes them. Nothing takes the note away."
            note = await self.app.push_screen_wait(
                Prompt(f"Note on {model.name}", words, before, str.strip)
            )
            if note is not None and note != before:
                await self.app.services.catalogue.edit(model.id, note=note)
                self.app.notify(f"The note on {model.name} is {'kept' if note else 'gone'}")


async def delete_model(screen: HubScreen, model: str, variant: str | None = None) -> None:
    """Ask with the figures, with no as the default; then delete. Call it in a worker.

    Args:
        screen: who asks.
        model: the model's id.
        variant: the one variant that goes; `None` takes all of the model.
    """
    from tui_hub import text
    from tui_hub.services.storage.deletion_words import files_words
    from tui_hub.tui.screens.confirm import deletion_question

    app = screen.app
    with app.reporting():
        storage = app.services.storage
        if variant is None and await _forget(screen, model):
            return
        loss = await storage.preview_delete(model, variant=variant)
        here = [one.variants for one in await storage.installs() if one.model == model]
        staying = [one for names in here for one in names if one != variant]
        active = [slot for slot in await app.services.activation.slots() if slot.model == model]
        if variant is None:
            staying = []
        elif staying:
            taken = [slot for slot in active if slot.variant == variant]
            if taken:
                raise RefusedError(
                    f"{variant} is active as {taken[0].type}",
                    hint="Deactivate it first, on the screen Active.",
                )
            active = []
        if await app.push_screen_wait(deletion_question(loss, active, variant, staying)):
            done = await storage.delete(model, variant=variant, deactivate=bool(active))
            app.notify(f"Deleted {files_words(done)}: {text.size(done.bytes_freed)} free again")


async def _forget(screen: HubScreen, model: str) -> bool:
    """Take a model that the user added out of the catalogue, once nothing of it is here.

    Returns:
        Whether that was the question, whatever the answer.
    """
    from tui_hub.tui.screens.confirm import forgetting_question

    services = screen.app.services
    installed = any(one.model == model for one in await services.storage.installs())
    if installed or await services.adding.find(model) is None:
        return False
    if await screen.app.push_screen_wait(forgetting_question(model)):
        await services.adding.forget(model)
        screen.app.notify(f"{model} is out of the catalogue")
        if len(screen.app.screen_stack) > 1:
            # Not from here: this worker belongs to the page that goes.
            screen.app.call_later(screen.app.action_go_back)
    return True
