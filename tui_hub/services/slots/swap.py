"""The change of one slot as a transaction: what goes wrong leaves the old model where it was.

Written down before each step that a crash could leave half done; `swap_recovery` reads it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tui_hub.blobs import clear_active
from tui_hub.domain.errors import HubError, LostLeaseError
from tui_hub.domain.loads import Brought
from tui_hub.domain.slots import MemoryFigures, Slot, slot_lease
from tui_hub.domain.swaps import ActivationResult, Swap, SwapStep
from tui_hub.domain.types import ModelType
from tui_hub.services.concurrency import to_the_end
from tui_hub.services.context import Context
from tui_hub.services.holders.holders import Holders, Loader
from tui_hub.services.holders.loading import Loading
from tui_hub.services.holders.memory import Memory
from tui_hub.services.slots.swap_previous import PreviousModel
from tui_hub.services.slots.swap_progress import SwapProgress
from tui_hub.services.slots.swap_recovery import point_back, point_to

_log = logging.getLogger(__name__)

Again = Callable[[Slot], Awaitable[Loading]]
"""How the model of a slot is loaded again."""


class SwapRun:
    """Brings one model into a slot, or takes it out; used once, under the slot's lease."""

    def __init__(
        self,
        context: Context,
        holders: Holders,
        memory: Memory,
        before: Slot | None,
        progress: SwapProgress,
        fence: int,
        job: str | None = None,
    ) -> None:
        """Made for one change.

        Args:
            context: the open home.
            holders: what holds models in memory.
            memory: of the box.
            before: what stands in the slot.
            progress: told how the change goes on.
            fence: the number of the slot's lease, without which nothing is written.
            job: the job that the change is.
        """
        self._context = context
        self._holders = holders
        self._before = before
        self._old = PreviousModel(holders, memory, before, progress)
        self._progress = progress
        self._fence = fence
        self._job = job
        self._loader: Loader | None = None
        self._begun = False
        self._started = time.monotonic()

    @property
    def left(self) -> str | None:
        """What a person should know of the old model, where it may be in memory still."""
        return self._old.left

    async def bring(self, wanted: Slot, loading: Loading, again: Again) -> ActivationResult:
        """Put a model into the slot.

        Args:
            wanted: the slot as it is to be.
            loading: how its model is loaded.
            again: how the old model would be loaded, should it have to come back.

        Returns:
            How it ended: `active`, or `rolled_back` with the old model in its place, or `error`.

        Raises:
            HubError: what stood against it before anything was changed.
            LostLeaseError: when another process took over; it settles the rest.
        """
        try:
            slot, loaded = await self._load(wanted, loading)
            await to_the_end(self._publish(slot))
        except (HubError, asyncio.CancelledError) as error:
            if not self._begun or isinstance(error, LostLeaseError):
                await self._drop()
                raise
            result = await to_the_end(self._undo(wanted, error, again))
            if isinstance(error, asyncio.CancelledError):
                raise
            return result
        # From here on the new model is the slot's: whoever cancels is too late.
        await to_the_end(self._finish(slot, loaded, loading.dtype))
        return self._result(slot, "active")

    async def empty(self, slot: Slot) -> None:
        """Take the model out of the slot."""
        self._progress.step(SwapStep.RELEASING)
        swap = Swap(type=slot.type, wanted=None, previous=slot, job=self._job)
        await self._context.hub.swaps.begin(swap, self._fence)
        await self._old.end()
        await self._confirm()
        await to_the_end(self._clear(swap))

    async def _clear(self, swap: Swap) -> None:
        await self._context.on_disk(clear_active, self._context.store, swap.type)
        await self._context.hub.swaps.commit(replace(swap, committed=True), self._fence)
        await self._context.hub.swaps.end(swap.type, self._fence)

    async def restore(self, slot: Slot, loading: Loading) -> Slot:
        """Load the slot's own model again, after a crash took it; gives the slot as it is now.

        Raises:
            HubError: when it cannot be loaded again.
        """
        self._progress.step(SwapStep.ROLLING_BACK)
        try:
            held = await self._hold(slot, loading)
            await self._context.hub.swaps.end(slot.type, self._fence, held)
        except BaseException:
            await self._drop()
            raise
        await self._let_go()
        return held

    async def _load(self, wanted: Slot, loading: Loading) -> tuple[Slot, Brought | None]:
        loader = self._loader = self._new_loader(wanted.type, loading)
        if loader is None:
            return wanted, None
        await loader.open(loading, self._before)
        await self._note(replace(wanted, child=loader.name, holder=loader.owner))
        if not loader.beside:
            await self._old.release()
        return await loader.load(wanted, loading)

    async def _publish(self, slot: Slot) -> None:
        """Make it the slot's model: the link first, since that is what counts; then the rows."""
        self._progress.step(SwapStep.PUBLISHING)
        await self._context.prepare_store()
        await self._note(slot)
        store, before = self._context.store, self._before
        await self._context.on_disk(point_to, store, slot)
        swap = Swap(type=slot.type, wanted=slot, previous=before, committed=True, job=self._job)
        await self._context.hub.swaps.commit(swap, self._fence)

    async def _finish(self, slot: Slot, loaded: Brought | None, dtype: str) -> None:
        """End the old model. What goes wrong here the journal lets the next look settle."""
        await self._let_go()
        try:
            await self._old.end(keeping=slot)
            await self._context.hub.swaps.end(slot.type, self._fence)
            if loaded is not None:
                await self._context.hub.loads.add(slot, dtype, loaded.bytes, loaded.seconds)
        except HubError as error:
            _log.warning("%s is active, but: %s", slot.model, error.message)

    async def _confirm(self) -> None:
        """Make sure that nobody else changes the slot, before its link is moved.

        Raises:
            LostLeaseError: when another process does.
        """
        kind = self._progress.picture.type
        if not await self._context.hub.leases.holds(slot_lease(kind), self._fence):
            raise LostLeaseError(f"another process changes the slot {kind} by now")

    async def _note(self, wanted: Slot) -> None:
        """Write down what is about to be done."""
        self._begun = True
        await self._context.hub.swaps.begin(
            Swap(type=wanted.type, wanted=wanted, previous=self._before, job=self._job),
            self._fence,
        )

    async def _undo(self, wanted: Slot, error: BaseException, again: Again) -> ActivationResult:
        """Put the old model back where it was, and say how that went.

        Raises:
            LostLeaseError: when another process does that by now.
        """
        self._progress.step(SwapStep.ROLLING_BACK)
        await self._drop()
        await self._confirm()
        slot = self._before
        if slot is not None and self._old.released:
            slot = await self._bring_back(slot, again)
        await self._confirm()
        await self._context.on_disk(point_back, self._context.store, wanted, slot)
        await self._context.hub.swaps.end(wanted.type, self._fence, slot)
        await self._let_go()
        told = error if isinstance(error, HubError) else HubError("it was cancelled")
        lost = slot is None or slot.error is not None
        return replace(
            self._result(slot, "error" if lost else "rolled_back"),
            slot=wanted.type,
            model=wanted.model,
            error="; ".join(filter(None, (told.message, slot.error if slot else None))),
            error_code=told.code,
            hint=told.hint,
        )

    async def _bring_back(self, slot: Slot, again: Again) -> Slot:
        """Load the old model again; where that fails, the slot says why it is not in memory."""
        try:
            with contextlib.suppress(
                HubError
            ):  # who cannot tell of the memory keeps nobody waiting
                await self._old.room()
            if await self._old.unpark():
                return slot
            held = await self._hold(slot, await again(slot))
        except HubError as error:
            await self._drop()
            _log.warning("%s could not be loaded again: %s", slot.model, error.message)
            words = f"{slot.model} could not be loaded again: {error.message}"
            return replace(slot, holder=None, child=None, error=words)
        self._progress.passed(f"{slot.model} is back")
        return held

    async def _hold(self, slot: Slot, loading: Loading) -> Slot:
        """Bring the model of a slot into memory that has lost it."""
        loader = self._loader = self._new_loader(slot.type, loading)
        if loader is None:
            raise HubError(f"what held {slot.model} in memory is not there any more")
        await loader.open(loading, None)
        # Without a device, since nothing is loaded yet.
        await self._note(replace(slot, holder=loader.owner, child=loader.name, device=None))
        held, _ = await loader.load(slot, loading)
        return held

    def _new_loader(self, kind: ModelType, loading: Loading) -> Loader | None:
        return self._holders.loader(loading.runtime, kind, self._progress)

    async def _drop(self) -> None:
        if self._loader is not None:
            await self._loader.drop()

    async def _let_go(self) -> None:
        if self._loader is not None:
            await self._loader.let_go()

    def _result(self, slot: Slot | None, status: str) -> ActivationResult:
        before = self._before
        return ActivationResult(
            slot=self._progress.picture.type,
            model=slot.model if slot else None,
            status=status,
            runtime=slot.runtime if slot else None,
            device=slot.device if slot else None,
            pid=slot.pid if slot else None,
            path=(slot.path or None) if slot else None,
            url=slot.url if slot else None,
            memory=slot.memory if slot else MemoryFigures(),
            seconds=time.monotonic() - self._started,
            previous=before.model if before else None,
            job=self._job,
        )
