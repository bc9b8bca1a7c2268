"""What is below the slots: the slot under the cursor, its change, or why that failed."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub.domain.loads import Load
from tui_hub.domain.runtime import Program
from tui_hub.domain.slots import Slot
from tui_hub.domain.swaps import SwapPicture
from tui_hub.domain.types import ModelType
from tui_hub.tui.drawing.draw import Line
from tui_hub.tui.live import SwapFailure
from tui_hub.tui.widgets.lines_pane import LinesPane
from tui_hub.tui.words.slot import empty_lines, failure_lines, slot_lines, swap_lines


class SlotPane(LinesPane):
    """Says one thing at a time, the most urgent first."""

    BINDING_GROUP_TITLE = "Slot"

    def __init__(self) -> None:
        super().__init__(id="about-slot")
        self._kind = ModelType.LLM
        self._slot: Slot | None = None
        self._last: Load | None = None
        self._programs: Sequence[Program] | None = ()
        self._swap: SwapPicture | None = None
        self._failure: SwapFailure | None = None

    def show(
        self,
        kind: ModelType,
        slot: Slot | None,
        swap: SwapPicture | None,
        failure: SwapFailure | None,
    ) -> None:
        """Show a slot, its change where one is under way, or else one that failed."""
        if slot != self._slot:
            self._last = None
        if slot is None or self._slot is None or slot.holder != self._slot.holder:
            self._programs = ()
        self._kind, self._slot, self._swap, self._failure = kind, slot, swap, failure
        self.follow()

    def show_last(self, slot: Slot, last: Load | None) -> None:
        """Add what the slot's last load took, once that is known."""
        if slot == self._slot:
            self._last = last
            self.follow()

    def show_programs(self, slot: Slot, programs: Sequence[Program] | None) -> None:
        """Say who has the slot's weights; `None` where its process does not tell."""
        if self._slot is not None and slot.holder == self._slot.holder:
            self._programs = programs
            self.follow()

    def lines(self, width: int, rows: int) -> Sequence[Line]:
        if self._swap is not None:
            return swap_lines(self._swap, width, rows, self.glyphs)
        if self._failure is not None:
            return failure_lines(self._failure, width, self.glyphs)
        if self._slot is None:
            return empty_lines(self._kind, self.app.key_of)
        return slot_lines(
            self._slot,
            self._last,
            self._programs,
            width,
            self.glyphs,
            self.app.key_of,
            self.app.services.configuration.invocation,
        )
