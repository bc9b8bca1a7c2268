"""The processes that hold weights: their names, their starts, and finding them again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

from tui_hub import processes
from tui_hub.domain.errors import HubError, UnsafeError
from tui_hub.domain.runtime import TORCH, Program, ServerStatus
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.runtime.children import Child
from tui_hub.runtime.server_children import ServerChild
from tui_hub.runtime.torch_children import TorchChild
from tui_hub.services.context import Context
from tui_hub.services.holders.ending import kill, kill_marked
from tui_hub.services.holders.torch_environment import torch_environment

_log = logging.getLogger(__name__)

_GRACE = 5.0
_TELL_SECONDS = 2.0
"""For who has the weights: a person waits for that, and a process may be stopped."""


class Children:
    """The runtime's processes of this home."""

    def __init__(self, context: Context) -> None:
        self._configuration = context.configuration
        self._settings = context.configuration.settings.runtime
        self._folder = context.configuration.paths.sockets
        self._logs = context.configuration.paths.logs

    @property
    def timeout(self) -> float:
        """Seconds until torch must be there."""
        return self._settings.start_timeout

    def name(self, kind: ModelType) -> str:
        """A name for a new process, by which it is found again."""
        return f"{kind.value}-{uuid.uuid4().hex[:8]}.sock"

    async def start(self, name: str) -> TorchChild:
        """Start a process, which begins to import torch. It ends with this one until it is kept.

        Raises:
            HubError: when it does not come up.
        """
        await asyncio.to_thread(self._forget_logs, name.partition("-")[0])
        return await TorchChild.start(
            python=self._settings.python,
            folder=self._folder,
            name=name,
            log=self.log(name),
            environment=torch_environment(self._configuration),
            timeout=self.timeout,
        )

    async def start_server(self, name: str) -> ServerChild:
        """Start a process that will keep a server. It ends with this one until it is kept.

        Raises:
            HubError: when it does not come up.
        """
        await asyncio.to_thread(self._forget_logs, name.partition("-")[0])
        return await ServerChild.start(
            folder=self._folder,
            name=name,
            log=self.log(name),
            environment=self._configuration.plain_environment,
        )

    async def server_status(self, slot: Slot) -> ServerStatus | None:
        """What the process that keeps a slot's server says of it; `None` where it is gone.

        Raises:
            HubError: when it does not answer.
        """
        child = await ServerChild.attach(self._folder, slot.child or "")
        if child is None:
            return None
        try:
            return await child.status()
        finally:
            await child.close()

    def log(self, name: str) -> Path:
        """The file that gets what a process says."""
        return self._configuration.paths.log_of(name)

    def _forget_logs(self, kind: str) -> None:
        """Remove what processes of a slot said that are gone, but for the last of them."""
        with contextlib.suppress(OSError):
            logs = sorted(
                self._logs.glob(f"{kind}-????????.log"), key=lambda log: log.stat().st_mtime
            )
            gone = [log for log in logs if not (self._folder / f"{log.stem}.sock").exists()]
            for log in gone[:-1]:
                log.unlink()
                log.with_name(f"{log.name}.1").unlink(missing_ok=True)

    async def attach(self, slot: Slot) -> Child | None:
        """The living process that holds a slot's model."""
        if slot.child is None:
            return None
        return await Child.attach(self._folder, slot.child)

    def sockets(self) -> list[tuple[ModelType, str]]:
        """The sockets of all processes of this home, dead ones too, with the slot of each."""
        names = (path.name for path in self._folder.glob("*-????????.sock"))
        return [
            (ModelType(name.rpartition("-")[0]), name)
            for name in names
            if name.rpartition("-")[0] in set(ModelType)
        ]

    async def end_named(self, name: str) -> None:
        """End the process behind a socket that no slot names; a dead one's socket goes.

        Raises:
            HubError: when it does not end.
        """
        child = await Child.attach(self._folder, name)
        if child is not None:
            await self.end_child(child, name)

    async def end_child(self, child: Child, name: str, grace: float | None = None) -> None:
        """End a process, and what it kept, should it have gone without that.

        Raises:
            HubError: when it does not end.
        """
        try:
            await child.end(_GRACE if grace is None else grace)
        finally:
            await asyncio.to_thread(kill_marked, name)

    async def release(self, slot: Slot, seconds: float) -> tuple[Program, ...]:
        """Ask the programs that have a slot's weights to let go, and wait so long; who has not."""
        try:
            async with self._torch_child(slot) as child:
                return await child.release(seconds)
        except HubError as error:
            _log.warning("who has the weights of %s is not known: %s", slot.model, error.message)
            return ()

    async def programs(self, slot: Slot) -> tuple[Program, ...] | None:
        """The programs that have a slot's weights; `None` where its process does not tell."""
        if not slot.held or slot.runtime != TORCH:
            return ()
        try:
            async with asyncio.timeout(_TELL_SECONDS), self._torch_child(slot) as child:
                return (await child.status()).programs
        except (HubError, TimeoutError) as error:
            _log.debug("who has the weights of %s is not known: %s", slot.model, error)
            return None

    async def park(self, slot: Slot) -> None:
        """Move a slot's weights from their GPU to the memory of the host.

        Raises:
            HubError: when they cannot go there; they are where they were then.
        """
        async with self._torch_child(slot) as child:
            await child.park()

    async def unpark(self, slot: Slot) -> None:
        """Move a slot's weights back to their GPU, where they are not there.

        Raises:
            HubError: when they cannot go back.
        """
        async with self._torch_child(slot) as child:
            await child.unpark()

    @contextlib.asynccontextmanager
    async def _torch_child(self, slot: Slot) -> AsyncIterator[TorchChild]:
        child = await TorchChild.attach(self._folder, slot.child or "")
        if child is None:
            raise HubError(f"the process {slot.pid} that held {slot.model} in memory is gone")
        try:
            yield child
        finally:
            await child.close()

    async def end_left(self, slot: Slot) -> None:
        """End what the process that kept a slot's server left when it was killed."""
        if slot.child is not None:
            await asyncio.to_thread(kill_marked, slot.child)

    async def end(self, slot: Slot, grace: float | None = None) -> None:
        """End the process that holds a slot's model, and wait until it is gone.

        Args:
            slot: the slot.
            grace: seconds that it has for that until it is ended by force.

        Raises:
            HubError: when it does not end.
        """
        surely_ours = slot.holder is not None and processes.known_alive(slot.holder)
        try:
            child = await self.attach(slot)
        except UnsafeError:
            raise
        except HubError as error:
            if not surely_ours:
                raise
            _log.warning("%s; it is ended by force", error.message)
            child = None
        if child is not None and slot.child is not None:
            await self.end_child(child, slot.child, grace)
            return
        if slot.holder is not None and surely_ours:
            # Nobody answers, but by its start time the process is surely ours.
            await kill(slot.holder, slot.model)
        await self.end_left(slot)
