"""The slots, the memory of the box by holder, and how a change of a slot goes on."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container

from tui_hub import text
from tui_hub.domain.runtime import Program
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.tui import commands as c
from tui_hub.tui.actions.copying import Copyable, copyables, of_slot
from tui_hub.tui.command import Command, bindings
from tui_hub.tui.live import Live
from tui_hub.tui.screens.active_choice import Choosing
from tui_hub.tui.widgets.memory_pane import MemoryPane
from tui_hub.tui.widgets.panel import Panel
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.slot_choice import SlotChoice
from tui_hub.tui.widgets.slot_pane import SlotPane
from tui_hub.tui.widgets.slot_table import SlotTable
from tui_hub.tui.words.ollama import unslotted
from tui_hub.tui.words.slot_columns import slot_columns, slot_row

_SLOT_ACTIONS = (
    "fill_slot", "reload_slot", "deactivate_slot", "cancel_change", "free_ollama"
)  # fmt: skip
"""What is done to the slot under the cursor, and not while a model is being chosen for it."""
_PROGRAMS = 2.0
"""Seconds between two looks at who uses the model under the cursor."""
_CLOCK = 30.0
"""Seconds between two looks at how long a model has been there."""


class ActiveScreen(Choosing):
    """One row for each type, one bar for each device, and below what is under the cursor."""

    CSS_PATH = "active.tcss"
    BINDINGS = bindings(
        c.FillSlot, c.Choose, c.ReloadSlot, c.DeactivateSlot, c.CancelChange, c.FreeOllama
    )
    BINDING_GROUP_TITLE = "Active"
    AUTO_FOCUS = "#slots"

    def __init__(self) -> None:
        super().__init__()
        self._on: ModelType | None = None
        self._changing = (False, False)
        """Whether the slot under the cursor is being changed, and whether any is."""

    def compose_body(self) -> ComposeResult:
        with Container(id="panes"):
            with Panel("Slots", id="list"):
                yield SlotTable(slot_columns(self.app.glyphs), id="slots")
            with Panel("Memory", id="memory-box"):
                yield MemoryPane()
        with Panel(id="about"):
            yield SlotPane()
            yield SlotChoice(self.app.glyphs)

    async def copyables(self) -> list[Copyable]:
        """What there is of the model in the slot under the cursor."""
        row = self.slots.current
        if row is None or row.slot is None:
            return []
        links = await self.links_of(row.slot.model)
        invocation = self.app.services.configuration.invocation
        return copyables(of_slot(row.slot, links, invocation))

    def on_mount(self) -> None:
        """Follow the slots."""
        self.app.live_signal.subscribe(self, self._live)
        self.app.keys_signal.subscribe(self, lambda _: self.about.follow())
        self.set_interval(_CLOCK, self._tick)
        self.set_interval(_PROGRAMS, self._ask_programs)
        self._live(self.app.live)

    def on_screen_resume(self) -> None:
        """Show what moved while another screen was in front."""
        self._live(self.app.live)
        self.memory.follow()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key row shows what can be done now; the help shows everything."""
        if self.chooses and action in _SLOT_ACTIONS:
            return False
        here, anywhere = self._changing
        if action == "free_ollama" and not unslotted(self.memory.ollama):
            return None
        off = (action == "reload_slot" and here) or (action == "cancel_change" and not anywhere)
        return None if off else super().check_action(action, parameters)

    def word_of(self, command: type[Command]) -> str:
        row = self.slots.current
        slot, swap = (row.slot, row.swap) if row is not None else (None, "")
        if command is c.FillSlot and slot is not None:
            return "switch"
        if command in (c.ReloadSlot, c.DeactivateSlot) and (slot is None or swap):
            return ""
        if command is c.Choose and slot is None and not swap and not self.chooses:
            return ""
        return super().word_of(command)

    def _tick(self) -> None:
        if self.is_current:
            self.slots.refresh()
            self.about.follow()

    def _live(self, live: Live) -> None:
        if not self.is_current:
            return
        by_type = {slot.type: slot for slot in live.slots}
        swaps = {swap.type: swap for swap in live.swaps}
        rows = tuple(slot_row(one, by_type.get(one), swaps.get(one)) for one in ModelType)
        if rows != self.slots.rows:
            self.slots.show(rows)
            self.name_keys()
        self.query_one("#list", Panel).label(note=f"{len(by_type)} of {len(rows)} filled")
        self.show_about(live)

    @on(RowList.Moved, "#slots")
    def _moved(self) -> None:
        row = self.slots.current
        if row is None:
            return
        if self.chooses and row.type is not self.choice.kind:
            self.close_choice()
        if self._on not in (None, row.type):
            for failure in self.app.live.failures:
                self.app.live_state.forget_failure(failure.type)
        self._on = row.type
        self.show_about(self.app.live)
        if row.slot is not None and row.slot.pid is not None:
            self.read_last(row.slot)
            self.read_programs(row.slot)

    def show_about(self, live: Live) -> None:
        """What is under way or failed goes before what stands still, the cursor's slot first."""
        row = self.slots.current
        if row is None or self.chooses:
            return
        swaps = sorted(live.swaps, key=lambda one: one.type is not row.type)
        failures = sorted(live.failures, key=lambda one: one.type is not row.type)
        swap = swaps[0] if swaps else None
        failure = failures[0] if failures else None
        if swap is not None:
            title = f"Changing {swap.type.value}"
        elif failure is not None:
            title = f"{failure.type.value} was not changed"
        else:
            title = row.type.value
        self.query_one("#about", Panel).label(title)
        self.about.show(row.type, row.slot, swap, failure)
        changing = (bool(row.swap), swap is not None)
        if changing != self._changing:
            self._changing = changing
            self.refresh_bindings()

    @work(group="last-load", exclusive=True)
    async def read_last(self, slot: Slot) -> None:
        """Find out what the slot's last load took."""
        with self.app.reporting():
            self.about.show_last(slot, await self.app.services.activation.last_load(slot))

    def _ask_programs(self) -> None:
        row = self.slots.current
        if self.is_current and row is not None and row.slot is not None and row.slot.held:
            self.read_programs(row.slot)

    @work(group="programs", exclusive=True)
    async def read_programs(self, slot: Slot) -> None:
        """Find out who has the slot's weights."""
        self.about.show_programs(slot, await self._programs_of(slot))

    async def _programs_of(self, slot: Slot) -> tuple[Program, ...] | None:
        return (await self.app.services.activation.programs(slot))[slot.type]

    def _filled(self) -> Slot | None:
        """The slot under the cursor; says so when it is empty or being changed."""
        row = self.slots.current
        if row is not None and row.swap:
            key = self.app.key_of(c.CancelChange)
            self.app.hint(f"This slot is being changed; {key} cancels that.")
        elif row is None or row.slot is None:
            self.app.hint("This slot is empty.")
        else:
            return row.slot
        return None

    @work(group="slot-action", exclusive=True)
    async def action_deactivate_slot(self) -> None:
        """Empty the slot under the cursor when the person agrees; cancel a change of it."""
        from tui_hub.tui.screens.confirm import deactivation_question

        row = self.slots.current
        if row is not None and row.swap:
            await self._cancel(row.type)
            return
        slot = self._filled()
        if slot is None:
            return
        question = deactivation_question(slot, await self._programs_of(slot))
        if await self.app.push_screen_wait(question):
            self.app.changes.empty(slot)

    @work(group="slot-action", exclusive=True)
    async def action_reload_slot(self) -> None:
        """Load the model under the cursor again; asks only where that touches memory in use."""
        from tui_hub.tui.screens.confirm import reload_question

        slot = self._filled()
        if slot is None:
            return
        if slot.held:
            question = reload_question(slot, await self._programs_of(slot))
            if not await self.app.push_screen_wait(question):
                return
        self.app.changes.reload(slot)

    @work(group="slot-action", exclusive=True)
    async def action_cancel_change(self) -> None:
        """Cancel the change that is shown when the person agrees."""
        row, swaps = self.slots.current, self.app.live.swaps
        if row is not None and row.swap:
            await self._cancel(row.type)
        elif swaps:
            await self._cancel(swaps[0].type)
        else:
            self.app.hint("No slot is being changed.")

    async def _cancel(self, kind: ModelType) -> None:
        from tui_hub.tui.screens.confirm import cancel_question

        swap = next((one for one in self.app.live.swaps if one.type is kind), None)
        if swap is not None and not swap.local:
            self.app.hint("Another process is at it, and cancels it there.")
            return
        if swap is None or not await self.app.push_screen_wait(cancel_question(swap)):
            return
        with self.app.reporting():
            if not await self.app.changes.cancel(kind):
                self.app.hint("It has ended by itself.")

    @work(group="ollama-release", exclusive=True)
    async def action_free_ollama(self) -> None:
        """Have the daemon of Ollama let go of what stands in no slot when the person agrees."""
        from tui_hub.tui.screens.confirm import release_question

        models = unslotted(self.memory.ollama)
        if not models or not await self.app.push_screen_wait(release_question(models)):
            return
        with self.app.reporting():
            released = await self.app.services.ollama.release(*(one.name for one in models))
            size = text.size(sum(one.size for one in released.models))
            freed = released.freed
            back = "" if freed is None else f"; {text.size(freed)} are back on the GPUs"
            self.app.notify(f"Ollama has let go of {size}{back}")
        self.memory.ask_ollama()

    @work(group="open", exclusive=True)
    async def action_choose(self) -> None:
        """Take the model that was chosen; else open the page of the slot's."""
        from tui_hub.tui.screens.model import ModelScreen

        if self.chooses:
            self.take_choice()
            return
        row = self.slots.current
        model = None if row is None else row.comes or (row.slot and row.slot.model)
        if not model:
            self.app.hint("This slot is empty.")
            return
        with self.app.reporting():
            self.app.push_screen(ModelScreen(await self.app.services.catalogue.get(model)))
