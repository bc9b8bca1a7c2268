"""The slots: which model stands for each type, and how programs find it."""

from __future__ import annotations

from dataclasses import dataclass

from textual import getters, on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tui_hub import text
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.tui import commands as c
from tui_hub.tui.columns import Column
from tui_hub.tui.command import bindings
from tui_hub.tui.draw import Piece, safe
from tui_hub.tui.glyphs import Glyphs
from tui_hub.tui.live import Live
from tui_hub.tui.screens.base import HubScreen
from tui_hub.tui.widgets.panel import Panel
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.table import Table

_MUTED = "$foreground 62%"


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A type, and the model that stands for it, if one does."""

    type: ModelType
    slot: Slot | None


def _model(row: SlotRow) -> list[Piece]:
    if row.slot is None:
        return [("empty", "faint")]
    return [(row.slot.model, "strong")]


def slot_columns(glyphs: Glyphs) -> list[Column[SlotRow]]:
    """The columns of a slot."""
    return [
        Column("", 1, lambda row: [(glyphs.active if row.slot else glyphs.dot, _tone(row))]),
        Column("Slot", 10, lambda row: [(row.type.value, "" if row.slot else "muted")]),
        Column("Model", 0, _model),
        Column("Variant", 14, lambda row: [(_of(row, "variant"), "info")], rank=1),
        Column("Runtime", 8, lambda row: [(_of(row, "runtime"), "muted")], rank=3),
        Column("Device", 8, lambda row: [(_of(row, "device"), "muted")], rank=4),
        Column("Since", 11, lambda row: [(_since(row), "muted")], align="right", rank=2),
    ]


def _tone(row: SlotRow) -> str:
    return "good" if row.slot else "faint"


def _of(row: SlotRow, name: str) -> str:
    return str(getattr(row.slot, name) or "") if row.slot else ""


def _since(row: SlotRow) -> str:
    return text.ago(row.slot.since) if row.slot and row.slot.since else ""


class SlotTable(Table[SlotRow]):
    """Slots, known again by their type."""

    def key_of(self, row: SlotRow) -> object:
        return row.type


class ActiveScreen(HubScreen):
    """One row for each type."""

    CSS_PATH = "active.tcss"
    BINDINGS = bindings(c.DeactivateSlot, c.Choose)
    BINDING_GROUP_TITLE = "Active"
    AUTO_FOCUS = "#slots"

    slots = getters.query_one(SlotTable)
    words = getters.query_one("#words", Static)

    def compose_body(self) -> ComposeResult:
        with Panel("Slots", id="list"):
            yield SlotTable(slot_columns(self.app.glyphs), id="slots")
        with Panel("How programs find it", id="about"):
            yield Static(id="words")

    def on_mount(self) -> None:
        """Follow the slots."""
        self.app.live_signal.subscribe(self, self._live)
        self._live(self.app.live)

    def _live(self, live: Live) -> None:
        by_type = {slot.type: slot for slot in live.slots}
        rows = tuple(SlotRow(one, by_type.get(one)) for one in ModelType)
        if rows != self.slots.rows:
            self.slots.show(rows)
        self.query_one("#list", Panel).label(note=f"{len(by_type)} of {len(rows)} filled")

    @on(RowList.Moved, "#slots")
    def _moved(self) -> None:
        row = self.slots.current
        self.words.update(Content() if row is None else _about(row))

    @work(group="slot-action", exclusive=True)
    async def action_deactivate_slot(self) -> None:
        """Empty the slot under the cursor when the person agrees."""
        from tui_hub.tui.screens.confirm import deactivation_question

        row = self.slots.current
        if row is None or row.slot is None:
            self.app.hint("This slot is empty already.")
            return
        with self.app.reporting():
            if await self.app.push_screen_wait(deactivation_question(row.slot)):
                await self.app.services.activation.deactivate(row.type)
                await self.app.live_state.look()

    @work(group="open", exclusive=True)
    async def action_choose(self) -> None:
        """Open the page of the slot's model."""
        from tui_hub.tui.screens.model import ModelScreen

        row = self.slots.current
        if row is not None and row.slot is not None:
            with self.app.reporting():
                model = await self.app.services.catalogue.get(row.slot.model)
                self.app.push_screen(ModelScreen(model))


def _about(row: SlotRow) -> Content:
    slot = row.slot
    if slot is None:
        return Content.assemble(
            (f"No model stands for {row.type.value}. ", _MUTED),
            ("Find one on 1, and press ", _MUTED),
            ("a", "$accent"),
            (".", _MUTED),
        )
    pairs = [
        ("path", slot.path),
        ("shell", f"tui-hub active {row.type.value} --path"),
        ("with it", f"tui-hub run {row.type.value} -- COMMAND"),
        ("variant", slot.variant or "all of its files"),
        ("revision", slot.revision),
    ]
    lines = [Content.assemble((word.ljust(10), _MUTED), safe(value)) for word, value in pairs]
    return Content("\n").join(lines)
