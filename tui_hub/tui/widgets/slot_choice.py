"""Choosing a model for a slot: the one under the cursor is looked at before anybody takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual import work
from textual.message import Message

from tui_hub.domain.errors import HubError
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.tui.actions.slot_choices import Choice, choice_columns
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.questions import Cancel, Take
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.drawing.memory_ghost import Ghost
from tui_hub.tui.widgets.table import Table
from tui_hub.tui.words.programs import becomes_of


class SlotChoice(Table[Choice]):
    """The installed models of a slot's type; says what each would do to the memory."""

    BINDINGS = bindings(Take, Cancel)
    BINDING_GROUP_TITLE = "Choice"
    DEFAULT_CSS = "SlotChoice { display: none; }"

    least = 20

    @dataclass
    class Looked(Message):
        """What the model under the cursor would do, as far as that is known by now."""

        ghost: Ghost

    @dataclass
    class Closed(Message):
        """Nothing is taken."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(choice_columns(glyphs), id="choice")
        self.kind = ModelType.LLM
        self.slot: Slot | None = None
        self.ghost: Ghost | None = None
        """What was looked at last."""

    def begin(self, kind: ModelType, slot: Slot | None, choices: Sequence[Choice]) -> None:
        """Offer models for a slot, and rest on the first that does not stand there."""
        self.kind, self.slot, self.rows, self.display = kind, slot, tuple(choices), True
        other = next((row for row, one in enumerate(choices) if not one.active), 0)
        self.set_reactive(SlotChoice.cursor, other)
        self.rows_changed()
        self.focus()

    def end(self) -> None:
        """Offer nothing more."""
        self.display, self.ghost = False, None
        self.workers.cancel_group(self, "look-ahead")

    def on_row_list_moved(self) -> None:
        """Look at another one."""
        if self.display:
            self.look()

    @work(group="look-ahead", exclusive=True)
    async def look(self) -> None:
        """Find out what the model under the cursor would do."""
        one = self.current
        if one is None:
            return
        leaves = None if self.slot is None else self.slot.model
        ghost = Ghost(comes="  ".join(filter(None, (one.model, one.variant))), leaves=leaves)
        self._tell(ghost)
        activation = self.app.services.activation
        if self.slot is not None:
            programs = (await activation.programs(self.slot))[self.slot.type]
            ghost = replace(ghost, users=becomes_of(programs))
        try:
            preview = await activation.preview(one.model, variant=one.variant)
        except HubError as error:
            self._tell(replace(ghost, trouble=error.message))
        else:
            self._tell(replace(ghost, preview=preview))

    def _tell(self, ghost: Ghost) -> None:
        self.ghost = ghost
        self.post_message(self.Looked(ghost))

    def action_cancel(self) -> None:
        """Take nothing."""
        self.post_message(self.Closed())
