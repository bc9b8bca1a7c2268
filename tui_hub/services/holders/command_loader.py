"""One model on its way into a server of the user's."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from tui_hub import processes, text
from tui_hub.domain.errors import HubError, RefusedError
from tui_hub.domain.fit import Device
from tui_hub.domain.jobs import Owner
from tui_hub.domain.loads import Weights
from tui_hub.domain.runtime import COMMAND, ServerOrder
from tui_hub.domain.slots import MemoryFigures, Slot
from tui_hub.domain.swaps import SwapStep
from tui_hub.domain.types import ModelType
from tui_hub.runtime import command
from tui_hub.runtime.refusals import ServerFailedError
from tui_hub.runtime.server_children import ServerChild
from tui_hub.services.context import Context
from tui_hub.services.hardware import Hardware
from tui_hub.services.holders.children import Children
from tui_hub.services.holders.loading import Loading
from tui_hub.services.holders.memory import Memory, held_on_gpus
from tui_hub.services.slots.swap_progress import SwapProgress
from tui_hub.settings import CommandSettings, Configuration

GRACE = 5.0
"""Seconds more than the server has to end, for the process that ends it."""


def folder_of(configuration: Configuration) -> Path:
    """Where commands of the user's run: beside the settings that name them."""
    folder = configuration.paths.config_file.absolute().parent
    return folder if folder.is_dir() else Path("/")


class CommandLoader:
    """Starts one server, and waits until it is ready; `drop` ends it."""

    beside = False
    """What a server will take is not known, so the old model makes room first."""

    def __init__(
        self,
        context: Context,
        children: Children,
        memory: Memory,
        hardware: Hardware,
        progress: SwapProgress,
        kind: ModelType,
    ) -> None:
        self._context = context
        self._children = children
        self._memory = memory
        self._hardware = hardware
        self._progress = progress
        self._child: ServerChild | None = None
        self._devices: tuple[Device, ...] = ()
        self._before: tuple[Device, ...] = ()
        """The devices once the old model was gone, and before the server was started."""
        self._folder = folder_of(context.configuration)
        self._port = 0
        self._program = ""
        self.name = children.name(kind)

    @property
    def owner(self) -> Owner:
        """The process that keeps the server."""
        if self._child is None:
            raise RuntimeError("open it first")
        return self._child.owner

    async def open(self, loading: Loading, before: Slot | None) -> None:
        """Find the program, and have ready the process that will keep the server.

        Raises:
            RefusedError: when the program is not there, or its port is taken.
            HubError: when that process does not come up.
        """
        settings = self._settings(loading)
        environment = self._context.configuration.plain_environment
        self._program = await asyncio.to_thread(
            command.find_program, settings.command[0], environment, self._folder
        )
        if before is not None and before.command == loading.command:
            self._port = command.port_of(before.url)
        leaving = before is not None and before.held and command.port_of(before.url)
        if settings.port and settings.port != leaving:
            self._find_port(settings)
        self._devices = await self._memory.devices()
        self._child = await self._children.start_server(self.name)
        self._progress.passed("checked")

    async def load(self, wanted: Slot, loading: Loading) -> tuple[Slot, Weights]:
        """Start the server; once it is ready it outlives this process.

        Raises:
            HubError: when it does not get ready.
        """
        if self._child is None:
            raise RuntimeError("open it first")
        self._progress.step(SwapStep.LOADING)
        settings = self._settings(loading)
        self._port = self._port or command.port_of(wanted.url)
        order = self._order(wanted, loading, settings, self._find_port(settings))
        self._before = await self._memory.devices()
        began = time.monotonic()
        try:
            await self._child.serve(order)
        except ServerFailedError as failed:
            self._progress.said(failed.said)
            failed.hint = f"{order.log} has what it said."
            raise
        seconds = time.monotonic() - began
        url = f"http://{command.in_address(settings.host)}:{order.port}"
        took = text.duration(seconds)
        self._progress.passed(f"{loading.command} is ready at {url} after {took}")
        await self._child.keep()
        device, figures = await self._measure(loading)
        slot = replace(
            wanted,
            runtime=COMMAND,
            command=loading.command,
            device=device,
            holder=self._child.owner,
            child=self.name,
            url=url,
            memory=figures,
            since=text.now(),
            error=None,
        )
        size = figures.needed or figures.used_after or 0
        return slot, Weights(bytes=size, seconds=seconds)

    async def let_go(self) -> None:
        """Leave the server to itself: it is the slot's now."""
        if self._child is not None:
            await self._child.close()
            self._child = None

    async def drop(self) -> None:
        """End the server."""
        child, self._child = self._child, None
        if child is not None:
            await self._children.end_child(child, self.name, self._patience)

    def _settings(self, loading: Loading) -> CommandSettings:
        settings = self._context.configuration.settings.runtime.commands.get(loading.command or "")
        if settings is None:
            raise RefusedError(
                f"the settings have no command {loading.command} any more",
                hint="`[runtime.commands]` in the settings file names them.",
            )
        self._patience = settings.stop_timeout + GRACE
        return settings

    def _find_port(self, settings: CommandSettings) -> int:
        """The port of the settings, else the one that the slot had, else a free one."""
        if settings.port:
            port = command.free_port(settings.host, settings.port)
        else:
            kept = self._port and command.free_port(settings.host, self._port)
            port = kept or command.free_port(settings.host)
        if port is None:
            raise RefusedError(
                f"somebody listens at port {settings.port} already",
                hint="The setting `port` of the command names another; 0 takes a free one.",
            )
        return port

    def _order(
        self, wanted: Slot, loading: Loading, settings: CommandSettings, port: int
    ) -> ServerOrder:
        values = {
            "path": wanted.path,
            "file": loading.files[0] if loading.files else "",
            "host": settings.host,
            "port": str(port),
            "model": wanted.model,
            "name": loading.served,
            **command.values_of(loading.configuration),
        }
        words = command.fill_all(settings.command[1:], values)
        reached = {**values, "host": command.in_address(settings.host)}
        return ServerOrder(
            program=(self._program, *words),
            folder=str(self._folder),
            environment={
                name: command.fill(value, values) for name, value in settings.environment.items()
            },
            host=command.dialled(settings.host),
            port=port,
            health=command.fill(settings.health, reached),
            timeout=settings.timeout,
            stop_timeout=settings.stop_timeout,
            restarts=settings.restarts if settings.restart == "on-failure" else 0,
            strangers=settings.listener == "any",
            log=str(self._children.log(self.name)),
        )

    async def _measure(self, loading: Loading) -> tuple[str, MemoryFigures]:
        """Where the server has its memory, and how much that is now."""
        pids = await asyncio.to_thread(processes.family, self.owner.pid)
        try:
            used = held_on_gpus((await self._hardware.read()).gpus, pids, self._before)
        except HubError:
            used = {}
        if used:
            device = "cuda:" + "+".join(map(str, sorted(used)))
            taken = peak = sum(used.values())
        else:
            device, taken = "cpu", await asyncio.to_thread(processes.resident, pids)
            peak = max(await asyncio.to_thread(processes.most_resident, pids), taken)
        free = sum(one.free for one in self._devices if one.index in (used or (None,)))
        needed = sum(part.bytes for part in loading.parts) or None
        return device, MemoryFigures(needed=needed, free_before=free, used_after=taken, peak=peak)
