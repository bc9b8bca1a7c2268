"""Live readings of the box, taken off the loop."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from tui_hub.domain.cuda import VISIBLE, visible
from tui_hub.domain.errors import HubError
from tui_hub.domain.hardware import BoxSample, Driver, GpuMoment, GpuSample, Held, HostSample
from tui_hub.events import HardwareSampled
from tui_hub.hardware import DriverThread, GpuProbe, GpuReading, HostProbe
from tui_hub.services.context import Context

_log = logging.getLogger(__name__)

_GLANCE = 0.3
"""Seconds for which a reading of the watch waits for the GPUs before it goes out without them."""
_PATIENCE = 10.0
"""Seconds after which a driver counts as hanging; starting one takes some of them."""
_GOODBYE = 0.5
"""Seconds for which the end of the program waits for the driver."""
_MOMENTS = 60
"""Readings of a GPU that the history keeps."""

_WAITING = GpuReading(error="waiting for the GPU driver: it has not answered yet")
_HANGING = GpuReading(error=f"GPU driver hangs: no answer for {_PATIENCE:.0f} s")


class Hardware:
    """Holds the latest reading, and takes new ones while somebody watches.

    The GPUs and the rest are read on a thread each, so that a driver or a disk that hangs holds
    up neither the loop nor the end of the program.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._host_thread, self._gpu_thread = DriverThread("host"), DriverThread("gpu")
        self._host_probe = HostProbe(context.configuration.paths.store)
        self._gpu_probe: GpuProbe | None = None
        self._setting = context.configuration.environment.get(VISIBLE)
        self._task: asyncio.Task[None] | None = None
        self._own: dict[int, str] = {}
        self._held: tuple[Held, ...] = ()
        self._owners_changed = False
        self._watchers = 0
        self._history: dict[str, deque[GpuMoment]] = {}
        self.sample: BoxSample | None = None
        """The latest reading; `None` before the first."""

    def start(self, interval: float | None = None) -> None:
        """Somebody watches: read every `interval` seconds, once for all who do.

        Without an interval the setting `gpu.interval` counts; the first who watches says it.
        """
        self._watchers += 1
        if self._task is None:
            every = interval or self._context.configuration.settings.gpu.interval
            self._task = asyncio.create_task(self._watch(every), name="hardware")

    async def stop(self) -> None:
        """One of them watches no more; with the last one the reading ends."""
        self._watchers = max(self._watchers - 1, 0)
        if self._watchers == 0:
            await self._end()

    async def close(self) -> None:
        """Stop reading for good, and let go of the driver."""
        await self._end()
        await self._host_thread.close(lambda: None, _GOODBYE)
        await self._gpu_thread.close(self._close_probe, _GOODBYE)

    async def read(self) -> BoxSample:
        """A fresh reading of everything, processes too; needs no `start`.

        Raises:
            HubError: when the box cannot be read at all.
        """
        host, gpus = await asyncio.gather(self._fresh_host(), self._fresh_gpus())
        return self._take(host, gpus)

    async def driver(self) -> Driver | None:
        """The driver of the GPUs; `None` where none tells of itself."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._gpu_thread.run(_read_driver)
        except TimeoutError:
            return None

    def own(self, pids: Mapping[int, str], held: Sequence[Held] = ()) -> None:
        """Say which processes are ours: the slot that each stands for, by its pid.

        Their children count too. The next reading looks at all processes again.

        Args:
            pids: slots by the pid of their process.
            held: what slots hold of GPUs by what was measured as they were filled; counts where
                the driver hides that.
        """
        self._owners_changed = self._owners_changed or dict(pids) != self._own
        self._own, self._held = dict(pids), tuple(held)

    def history(self, uuid: str) -> tuple[GpuMoment, ...]:
        """The last readings of a GPU that the watch took, oldest first, 60 at most."""
        return tuple(self._history.get(uuid, ()))

    async def _end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _fresh_host(self) -> HostSample:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._host_thread.run(self._host_probe.read)
        except OSError as error:  # a TimeoutError is one too
            words = error.strerror or f"no answer for {_PATIENCE:.0f} s"
            raise HubError(
                f"memory and disk of the box cannot be read: {words}",
                hint="See whether the disk of the store is mounted.",
            ) from None

    async def _fresh_gpus(self) -> GpuReading:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._gpu_thread.run(partial(self._read_gpus, complete=True))
        except TimeoutError:
            return _HANGING

    async def _watch(self, interval: float) -> None:
        loop = asyncio.get_running_loop()
        asked: asyncio.Future[GpuReading] | None = None
        since = 0.0
        gpus = _WAITING
        try:
            while True:
                host = await self._watched_host()
                if asked is None:
                    complete, self._owners_changed = self._owners_changed, False
                    reading = self._gpu_thread.run(partial(self._read_gpus, complete=complete))
                    asked, since = asyncio.ensure_future(reading), loop.time()
                await asyncio.wait({asked}, timeout=_GLANCE)
                if asked.done():
                    gpus, asked = asked.result(), None
                    self._remember(gpus.gpus)
                elif loop.time() - since > _PATIENCE:
                    gpus = _HANGING
                if host is not None:
                    self._take(host, gpus)
                await asyncio.sleep(interval)
        finally:
            if asked is not None:
                asked.cancel()

    async def _watched_host(self) -> HostSample | None:
        """The host's figures; the last ones where new ones cannot be had."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._host_thread.run(self._host_probe.read)
        except OSError as error:
            _log.warning("memory and disk of the box cannot be read: %r", error)
            return None if self.sample is None else self.sample.host

    def _read_gpus(self, *, complete: bool) -> GpuReading:
        """One reading; runs on the thread of the GPUs."""
        if self._gpu_probe is None:
            from tui_hub.hardware.nvml import NvmlProbe  # takes its time

            self._gpu_probe = NvmlProbe()
        return self._gpu_probe.read(self._own, complete=complete)

    def _close_probe(self) -> None:
        if self._gpu_probe is not None:
            self._gpu_probe.close()

    def _remember(self, gpus: tuple[GpuSample, ...]) -> None:
        """Add a reading to the history, and forget GPUs that are no more."""
        kept = {}
        for gpu in gpus:
            moments = kept[gpu.uuid] = self._history.get(gpu.uuid) or deque(maxlen=_MOMENTS)
            if gpu.error is None:
                moments.append(GpuMoment(memory_used=gpu.memory_used, utilization=gpu.utilization))
        self._history = kept

    def _take(self, host: HostSample, gpus: GpuReading) -> BoxSample:
        shown = {gpu.uuid for gpu in visible(gpus.gpus, self._setting)}
        told = tuple(
            replace(self._credited(gpu), hidden=gpu.uuid not in shown) for gpu in gpus.gpus
        )
        sample = BoxSample(host=host, gpus=told, error=gpus.error)
        if sample != self.sample:
            self.sample = sample
            self._context.bus.publish(HardwareSampled())
        return sample

    def _credited(self, gpu: GpuSample) -> GpuSample:
        """A GPU with what slots hold of it though the driver does not tell; never a slice.

        Which slice of a GPU a slot is on is not known here.
        """
        if gpu.error is None and gpu.slice is None:
            for one in self._held:
                if one.gpu == gpu.index:
                    gpu = gpu.credited(one)
        return gpu


def _read_driver() -> Driver | None:
    from tui_hub.hardware.driver import read_driver  # takes its time

    return read_driver()
