"""How a change of a slot is begun: with all that it needs, and watched."""

from __future__ import annotations

from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.services.context import Context
from tui_hub.services.holders.holders import Holders
from tui_hub.services.holders.memory import Memory
from tui_hub.services.slots.swap import SwapRun
from tui_hub.services.slots.swap_progress import SwapProgress
from tui_hub.services.slots.swap_watch import SwapWatch


class SwapRuns:
    """Makes the runs of changes."""

    def __init__(
        self, context: Context, holders: Holders, memory: Memory, watch: SwapWatch
    ) -> None:
        self._context = context
        self._holders = holders
        self._memory = memory
        self.watch = watch
        """Told how each goes on."""

    def new(
        self,
        kind: ModelType,
        model: str | None,
        before: Slot | None,
        fence: int,
        job: str | None = None,
    ) -> SwapRun:
        """A run for one change.

        Args:
            kind: the slot.
            model: what comes; `None` where it is to be emptied.
            before: what stands there.
            fence: the number of the slot's lease.
            job: the job that the change is.
        """
        previous = before.model if before else None
        progress = SwapProgress(kind, model, previous, self.watch.take)
        return SwapRun(self._context, self._holders, self._memory, before, progress, fence, job)
