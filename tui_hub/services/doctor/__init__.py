"""What is wrong with this box and this home, and how to mend it: one module for each area.

A check is an async generator of findings. They run side by side, each with a deadline of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tui_hub.database import HubDatabase
from tui_hub.domain.doctor import Finding
from tui_hub.services.agent.service import Agent
from tui_hub.services.context import Context
from tui_hub.services.doctor import (
    commands,
    databases,
    disk,
    files,
    gpus,
    hooks,
    metrics,
    network,
    permissions,
    schedule,
    terminal,
    torch,
    work,
)
from tui_hub.services.doctor.checks import Check, run
from tui_hub.services.hardware import Hardware
from tui_hub.services.slots.service import Activation
from tui_hub.services.sync.scheduler import Scheduler
from tui_hub.services.sync.service import Sync
from tui_hub.settings import Configuration

__all__ = ["Doctor"]


class Doctor:
    """Examines the box and the home; changes nothing that lasts."""

    def __init__(
        self,
        context: Context,
        hardware: Hardware,
        activation: Activation,
        sync: Sync,
        scheduler: Scheduler,
        agent: Agent,
    ) -> None:
        self._context = context
        self._hardware = hardware
        self._activation = activation
        self._sync = sync
        self._scheduler = scheduler
        self._agent = agent

    async def examine(self) -> tuple[Finding, ...]:
        """Look at everything. Takes seconds: what hangs is given up after its time."""
        context = self._context
        return await run((*self._box(context.configuration, context.hub), *self._home()))

    async def examine_box(self, configuration: Configuration) -> tuple[Finding, ...]:
        """Look at what needs no database, for a home that cannot be opened.

        Args:
            configuration: that home; this doctor stands on another one.
        """
        return await run(self._box(configuration, None))

    def _box(self, configuration: Configuration, hub: HubDatabase | None) -> Sequence[Check]:
        given = configuration
        return (
            Check("settings", partial(files.look, given)),
            Check("terminal", partial(terminal.look, given)),
            Check("network", partial(network.look, given), network.SECONDS),
            Check("gpu", partial(gpus.look, self._hardware), gpus.SECONDS),
            Check("torch", partial(torch.look, self._context, self._hardware), torch.SECONDS),
            Check("commands", partial(commands.look, given)),
            Check("metrics", partial(metrics.look, given)),
            Check("permissions", partial(permissions.look, given.paths)),
            Check("disk", partial(disk.space, given)),
            Check("store", partial(disk.store, given, hub), disk.SECONDS),
            Check("processes", partial(work.running, given.paths, hub)),
        )

    def _home(self) -> Sequence[Check]:
        context = self._context
        configuration, now = context.configuration, context.clock.now()
        return (
            Check("database", partial(databases.look, context.hub), databases.SECONDS),
            Check("database", partial(databases.look, context.catalogue), databases.SECONDS),
            Check("schedule", partial(schedule.look, self._scheduler, self._sync, now)),
            Check("agent", partial(schedule.look_at_agent, self._agent, configuration)),
            Check("slots", partial(work.slots, self._activation)),
            Check("models", partial(work.models, context), disk.SECONDS),
            Check("jobs", partial(work.jobs, context.hub, now)),
            Check("hooks", partial(hooks.look, configuration, context.hub)),
        )
