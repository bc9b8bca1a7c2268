"""What can be done with a model from any screen that shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work

from tui_hub.domain.errors import RefusedError
from tui_hub.tui.screens.base import HubScreen

if TYPE_CHECKING:
    from tui_hub.domain.models import Model


class ModelActions(HubScreen):
    """A screen with a model to act on."""

    def subject(self) -> Model | None:
        """The model that actions are about."""
        raise NotImplementedError

    def action_download_model(self) -> None:
        """Show the plan of a download, and start it when the person agrees."""
        from tui_hub.tui.screens.plan import PlanDialog

        model = self.subject()
        if model is not None:
            self.app.push_screen(PlanDialog(model))

    @work(group="activate", exclusive=True)
    async def action_activate_model(self) -> None:
        """Show what leaves and what comes, and do it when the person agrees."""
        from tui_hub.tui.screens.confirm import activation_question

        model = self.subject()
        if model is None:
            return
        with self.app.reporting():
            activation = self.app.services.activation
            slot = await activation.active(model.type)
            if not await self.app.push_screen_wait(activation_question(model, slot)):
                return
            change = activation.activate if slot is None else activation.switch
            result = await change(model.id)
            if result.error:
                raise RefusedError(result.error)
            note = f"\n{result.note}" if result.note else ""
            self.app.notify(f"{model.name} is active as {result.slot}{note}")

    @work(group="delete", exclusive=True)
    async def action_delete_model(self) -> None:
        """Show what is lost, and delete when the person says so."""
        model = self.subject()
        if model is not None:
            await delete_model(self, model.id)

    @work(group="edit", exclusive=True)
    async def action_toggle_favourite(self) -> None:
        """Mark the model, or drop the mark."""
        model = self.subject()
        if model is None:
            return
        with self.app.reporting():
            edit = await self.app.services.catalogue.edits(model.id)
            now = not (edit is not None and edit.favourite)
            await self.app.services.catalogue.edit(model.id, favourite=now)
            self.app.notify(f"{model.name} is {'now' if now else 'no longer'} a favourite")


async def delete_model(screen: HubScreen, model: str) -> None:
    """Ask with the figures, with no as the default; then delete. Call it in a worker."""
    from tui_hub import text
    from tui_hub.tui.screens.confirm import deletion_question

    app = screen.app
    with app.reporting():
        loss = await app.services.storage.preview_delete(model)
        active = [slot for slot in app.live.slots if slot.model == model]
        if await app.push_screen_wait(deletion_question(loss, active)):
            done = await app.services.storage.delete(model, deactivate=bool(active))
            app.notify(f"Deleted {done.files} files: {text.size(done.bytes_freed)} free again")
