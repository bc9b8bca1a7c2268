"""Filling a slot on the Active screen: each model shows what it would do, and enter brings it."""

from __future__ import annotations

from textual import getters, on, work

from tui_hub.tui.actions.slot_choices import adapters_aside, choices
from tui_hub.tui.commands import CancelChange, DownloadModel, ReloadSlot, ShowBrowse
from tui_hub.tui.commands.questions import Cancel, Take
from tui_hub.tui.live import Live
from tui_hub.tui.screens.base import HubScreen
from tui_hub.tui.widgets.memory_pane import MemoryPane
from tui_hub.tui.widgets.panel import Panel
from tui_hub.tui.widgets.slot_choice import SlotChoice
from tui_hub.tui.widgets.slot_pane import SlotPane
from tui_hub.tui.widgets.slot_table import SlotTable


class Choosing(HubScreen):
    """The part of the Active screen where a model is chosen for the slot under the cursor."""

    slots = getters.query_one(SlotTable)
    memory = getters.query_one(MemoryPane)
    about = getters.query_one(SlotPane)
    choice = getters.query_one(SlotChoice)

    @property
    def chooses(self) -> bool:
        """Whether a model is being chosen."""
        return self.is_mounted and self.choice.display

    def show_about(self, live: Live) -> None:
        """Show the slot under the cursor."""
        raise NotImplementedError

    @work(group="choice", exclusive=True)
    async def action_fill_slot(self) -> None:
        """Offer the installed models of the slot's type; each shows what it would do."""
        row = self.slots.current
        if row is None:
            return
        if row.swap:
            key = self.app.key_of(CancelChange)
            self.app.hint(f"This slot is being changed; {key} cancels that.")
            return
        kind = row.type
        with self.app.reporting():
            whole, adapters = await self.app.services.activation.candidates(kind)
            found, aside = choices(whole, row.slot), adapters_aside(adapters)
            if not found and adapters:
                self.app.hint(f"No {kind.value} model is installed, but {aside}.")
                return
            if not found:
                find, fetch = map(self.app.key_of, (ShowBrowse, DownloadModel))
                words = f"No {kind.value} model is installed"
                self.app.hint(f"{words}: {find} finds some, {fetch} downloads one.")
                return
            self.about.display = False
            self.query_one("#about", Panel).label(f"A model for {kind.value}", aside)
            self.query_one("#memory-box", Panel).label("Memory, as it would be")
            self.choice.begin(kind, row.slot, found)
            self.refresh_bindings()

    @on(SlotChoice.Looked)
    def _looked(self, event: SlotChoice.Looked) -> None:
        if self.choice.display:
            self.memory.show_ghost(event.ghost)

    @on(SlotChoice.Closed)
    def close_choice(self) -> None:
        """Show the slot again, and the memory as it is."""
        self.choice.end()
        self.about.display = True
        self.memory.show_ghost(None)
        self.query_one("#about", Panel).label(note="")
        self.query_one("#memory-box", Panel).label("Memory")
        self.show_about(self.app.live)
        self.slots.focus()
        self.refresh_bindings()

    def take_choice(self) -> None:
        """Begin to bring the chosen model, unless something is known to stand against it."""
        one, ghost = self.choice.current, self.choice.ghost
        if one is None or ghost is None:
            return
        preview, slot = ghost.preview, self.choice.slot
        if ghost.trouble is not None or preview is None:
            key = self.app.key_of(Take)
            self.app.hint(ghost.trouble or f"It is being looked at; {key} takes it in a moment.")
        elif preview.problem is not None:
            self.app.hint(preview.problem)
        elif one.active and slot is not None and slot.error is None:
            back, key = map(self.app.key_of, (Cancel, ReloadSlot))
            self.app.hint(f"It stands there already; {back}, then {key}, loads it again.")
        else:
            self.close_choice()
            self.app.changes.put(one.model, preview.slot, one.variant, replacing=slot is not None)
