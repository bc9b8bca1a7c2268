"""The agent: a process without a screen that goes on with what others leave.

It runs the same services as the screen. What passes between processes are rows of the database:
any process tends the jobs that nobody runs, but while an agent works, downloads are left to it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from tui_hub import processes
from tui_hub.domain.errors import HubError, RefusedError
from tui_hub.domain.jobs import JobStatus, JobType, Owner
from tui_hub.services.context import Context
from tui_hub.services.downloads.service import Downloads
from tui_hub.services.jobs import leases
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.recovery import recover_jobs
from tui_hub.services.slots.service import Activation
from tui_hub.services.sync.scheduler import Scheduler
from tui_hub.settings import HOOK_VARIABLE, Configuration

_log = logging.getLogger(__name__)

LEASE = "agent"
_TICK = 1.0
"""Seconds between two looks for work."""
_SETTLE_SECONDS = 3.0
_IDLE_SECONDS = 5.0
"""How long an agent that was only started for a download waits for another one."""
_END_SECONDS = 20.0
_TAKE_SECONDS = leases.TTL + 15.0
"""More than it takes to see that an agent elsewhere is silent."""
_LIVE = (JobStatus.PENDING, JobStatus.RUNNING)


class Agent:
    """Tends the work that nobody runs, is the agent of a home, and starts one."""

    def __init__(
        self,
        context: Context,
        jobs: Jobs,
        downloads: Downloads,
        activation: Activation,
        scheduler: Scheduler,
    ) -> None:
        self._context = context
        self._jobs = jobs
        self._downloads = downloads
        self._activation = activation
        self._scheduler = scheduler
        self._serving = False

    async def holder(self) -> Owner | None:
        """The process that is this home's agent, if one is alive."""
        return await leases.holder(self._context.hub, LEASE)

    async def look_after_jobs(self) -> None:
        """Let no job look alive whose process is gone."""
        await recover_jobs(self._context, self._jobs)

    async def tend(self) -> int:
        """Take over what dead processes left; how many downloads this process goes on with."""
        await self.look_after_jobs()
        if self._context.configuration.offline:
            return 0
        self._downloads.persist()
        if not self._serving and await self.holder() is not None:
            return 0
        return await self._downloads.adopt()

    async def settle(self) -> None:
        """Settle what crashes left of changes of slots, again and again, until cancelled."""
        while True:
            try:
                await self._activation.recover()
            except Exception as error:
                _log.warning("the slots could not be looked at: %s", error)
            await asyncio.sleep(_SETTLE_SECONDS)

    async def serve(self, ready: Callable[[], None], *, until_idle: bool = False) -> None:
        """Be the agent, until cancelled.

        Args:
            ready: called once this process is the agent.
            until_idle: end when there has been no download for a while.

        Raises:
            RefusedError: when this home has an agent already.
            LostLeaseError: when this process was silent for too long, and another became the agent.
        """
        hub = self._context.hub
        if self._context.configuration.offline:
            raise RefusedError(
                "an agent has nothing to do offline", hint="Leave out --offline, or end it here."
            )
        while True:
            fence = await hub.leases.acquire(
                LEASE, self._context.owner, processes.alive, leases.TTL
            )
            if fence is None:
                other = await self.holder()
                where = "" if other is None else f": process {other.pid} on {other.host}"
                raise RefusedError(
                    f"this home has an agent already{where}",
                    hint="`tui-hub agent --stop` ends it.",
                )
            async with leases.held(hub, LEASE, fence):
                await self._serve(ready, until_idle)
            # Whoever left a download before the lease was given back counts on this process.
            if not await self._waiting():
                return

    async def _serve(self, ready: Callable[[], None], until_idle: bool) -> None:
        self._serving = True
        settling = asyncio.create_task(self.settle())
        if not until_idle:
            self._scheduler.start()
        ready()
        try:
            await self._work(until_idle)
        finally:
            self._serving = False
            settling.cancel()
            await asyncio.gather(settling, return_exceptions=True)
            await self._scheduler.stop()

    async def _waiting(self) -> bool:
        """Whether a download waits for whoever takes it."""
        live = await self._jobs.list((JobType.DOWNLOAD,), (JobStatus.PENDING,))
        return any(job.owner is None for job in live)

    async def stop(self) -> bool:
        """End the agent of this home, and wait until it is gone; `False` where there is none.

        Raises:
            RefusedError: when it runs where this process cannot reach it.
            HubError: when it does not end.
        """
        running = await self.holder()
        if running is None:
            return False
        if not processes.known_alive(running):
            raise RefusedError(
                f"the agent is process {running.pid} on {running.host}, out of reach from here",
                hint="End it there.",
            )
        try:
            os.kill(running.pid, signal.SIGTERM)
        except PermissionError:
            raise RefusedError(f"process {running.pid} belongs to another user") from None
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + _END_SECONDS
        while processes.alive(running):
            if time.monotonic() > deadline:
                raise HubError(
                    f"the agent, process {running.pid}, does not end",
                    hint=f"Perhaps it is stopped: `kill -CONT {running.pid}` lets it end, and "
                    f"`kill -9 {running.pid}` ends it by force; downloads keep every byte.",
                )
            await asyncio.sleep(_TICK / 20)
        return True

    async def hand_over(self, job: str) -> Owner:
        """Leave a download to the agent; where there is none, one is started that ends once idle.

        Gives the process that has it in hand.

        Raises:
            HubError: when nobody takes it.
        """
        log = self._context.configuration.paths.logs / "agent.log"
        started: subprocess.Popen[bytes] | None = None
        deadline = time.monotonic() + _TAKE_SECONDS
        while time.monotonic() < deadline:
            found = await self._jobs.get(job)
            if found.owner is not None and processes.alive(found.owner):
                return found.owner
            if await self.holder() is None and (started is None or started.poll() is not None):
                if started is not None and started.returncode:
                    break
                started = await self._context.on_disk(_launch, self._context.configuration)
            await asyncio.sleep(_TICK / 20)
        raise HubError(
            "no agent took the download, which waits",
            hint=f"{log} says why; `tui-hub agent` shows it here and goes on with it.",
        )

    async def _work(self, until_idle: bool) -> None:
        last = time.monotonic()
        while True:
            try:
                await self.tend()
                live = await self._jobs.list((JobType.DOWNLOAD,), _LIVE, 1)
            except HubError as error:
                _log.warning("the agent could not look for work: %s", error.message)
                live = ()
            if live or await self._downloads.any_waits():
                last = time.monotonic()
            elif until_idle and time.monotonic() - last > _IDLE_SECONDS:
                return
            await asyncio.sleep(_TICK)


def _launch(configuration: Configuration) -> subprocess.Popen[bytes]:
    """Start an agent that has nothing to do with this terminal."""
    folder = configuration.paths.logs
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = os.open(
        folder / "agent.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
    )
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui_hub", "agent", "--until-idle"],
            env=environment_for(configuration),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise HubError(f"the agent cannot be started: {error.strerror}") from None
    finally:
        os.close(log)
    return process


def environment_for(configuration: Configuration) -> dict[str, str]:
    """The environment in which another process opens the same home with the same settings."""
    paths = configuration.paths
    environment = {**configuration.environment, "MODEL_STORE_PATH": str(paths.store)}
    if paths.config_file.exists():
        environment["TUI_HUB_CONFIG_FILE"] = str(paths.config_file)
    if paths.home is not None:
        environment["TUI_HUB_HOME"] = str(paths.home)
    if configuration.offline:
        environment["TUI_HUB_NETWORK__OFFLINE"] = "1"
    # That one works for everybody; what this one's hook asked of it is marked (`jobs.HOOK`).
    environment.pop(HOOK_VARIABLE, None)
    return environment
