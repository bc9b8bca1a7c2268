"""The changes of slots that a person began: they go on wherever the person goes meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.domain.errors import HubError, InterruptedJobError, PickleError
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.tui.commands import ReloadSlot, ShowActive
from tui_hub.tui.live import SwapFailure

if TYPE_CHECKING:
    from tui_hub.domain.slots import Slot
    from tui_hub.domain.swaps import ActivationResult
    from tui_hub.domain.types import ModelType
    from tui_hub.tui.app import HubApp

Change = Callable[[bool], Awaitable["ActivationResult"]]
"""Does it; called with whether pickle files may be loaded, weights only."""


class SlotChanges:
    """Runs changes of slots, tells how they ended, and cancels them."""

    def __init__(self, app: HubApp) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[object]] = set()

    def put(self, model: str, kind: ModelType, variant: str | None, *, replacing: bool) -> None:
        """Put a model into its slot."""
        activation = self._app.services.activation
        change = activation.switch if replacing else activation.activate
        self._begin(kind, model, lambda yes: change(model, variant=variant, consent=yes))
        if self._app.current_mode != "active":
            self._app.hint(f"{model} is on its way; {self._app.key_of(ShowActive)} shows it")

    def reload(self, slot: Slot) -> None:
        """Load the model of a slot again."""
        reload = self._app.services.activation.reload
        self._begin(slot.type, slot.model, lambda yes: reload(slot.type, consent=yes))

    def empty(self, slot: Slot) -> None:
        """Take the model out of a slot."""
        deactivate = self._app.services.activation.deactivate
        self._begin(slot.type, slot.model, lambda _: deactivate(slot.type))

    async def cancel(self, kind: ModelType) -> bool:
        """Cancel the change of a slot that this process is at; whether there is one to cancel.

        Raises:
            HubError: when it has ended by itself.
        """
        jobs = self._app.services.jobs
        running = await jobs.list((JobType.ACTIVATE,), (JobStatus.RUNNING,))
        ours = [job for job in running if not jobs.runs_elsewhere(job)]
        job = next((job for job in ours if job.payload.get("slot") == kind), None)
        if job is not None:
            await jobs.cancel(job.id)
        return job is not None

    async def close(self) -> None:
        """Cut off what is under way, and wait until the old models are back in their places."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, kind: ModelType, model: str, change: Change) -> None:
        self._app.live_state.forget_failure(kind)
        self._app.run_worker(self._run(kind, model, change), group="swap")

    async def _run(self, kind: ModelType, model: str, change: Change) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            result = await self._with_consent(model, change)
        except InterruptedJobError:
            self._app.notify(f"Cancelled. {await self._outcome(kind)}", timeout=8)
        except HubError as error:
            await self._failed(kind, model, error)
        else:
            if result is not None and result.error is not None:
                await self._failed(kind, model, HubError(result.error, hint=result.hint))
            elif result is not None:
                self._app.notify(_success(result), timeout=8 if result.note else None)

    async def _with_consent(self, model: str, change: Change) -> ActivationResult | None:
        """Do it; pickle files need another word of the person. `None` where that is no."""
        try:
            return await change(False)
        except PickleError as error:
            from tui_hub.tui.screens.confirm import pickle_question

            if not await self._app.push_screen_wait(pickle_question(model, error)):
                return None
            return await change(True)

    async def _failed(self, kind: ModelType, model: str, error: HubError) -> None:
        outcome = await self._outcome(kind)
        self._app.live_state.put_failure(
            SwapFailure(
                type=kind,
                model=model,
                error=error.message,
                hint=self._app.advice(error.hint),
                outcome=outcome,
            )
        )
        words = f"{error.message}\n{outcome}"
        self._app.report(HubError(words, hint=error.hint))

    async def _outcome(self, kind: ModelType) -> str:
        """What stands in a slot now, in words."""
        slot = await self._app.services.activation.active(kind)
        if slot is None:
            return f"The slot {kind.value} is empty, as before."
        if slot.error is not None:
            key = self._app.key_of(ReloadSlot)
            return f"{slot.model} is the slot's still, but not in memory; {key} loads it again."
        return f"{slot.model} is active as {kind.value}, as before."


def _success(result: ActivationResult) -> str:
    words = f"{result.model} is active as {result.slot.value}"
    if result.status == "inactive":
        words = f"{result.model} is no longer active as {result.slot.value}"
    elif result.pid is not None or result.url is not None:
        held = result.memory.used_after
        size = "" if held is None else f"{text.size(held)} "
        words += f": {size}on {result.device}, in {text.duration(result.seconds)}"
    return f"{words}\n{result.note}" if result.note else words
