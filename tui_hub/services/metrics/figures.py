"""What the metrics tell: the catalogue, feeds, jobs, the store, slots and GPUs of one home."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from tui_hub.domain.catalogue import Search
from tui_hub.domain.errors import HubError
from tui_hub.domain.hardware import GpuSample
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.metrics import Metric, MetricKind, Sample
from tui_hub.services.context import Context
from tui_hub.services.downloads.tally import transferred
from tui_hub.services.hardware import Hardware
from tui_hub.services.metrics.families import (
    BYTES,
    PREFIX,
    SECONDS,
    feed_metrics,
    gauge,
    gpu_metrics,
    slot_metrics,
    store_metrics,
)
from tui_hub.services.slots.standing import read_slots
from tui_hub.services.storage.service import Storage
from tui_hub.services.sync.service import Sync
from tui_hub.version import __version__

_LIVE = (JobStatus.PENDING, JobStatus.RUNNING, JobStatus.PAUSED)


class Figures:
    """Reads everything that is told."""

    def __init__(self, context: Context, sync: Sync, storage: Storage, hardware: Hardware) -> None:
        self._context = context
        self._sync = sync
        self._storage = storage
        self._hardware = hardware

    async def read(self, *, ask_gpus: bool = True) -> list[Metric]:
        """All figures as they are now.

        Args:
            ask_gpus: whether GPUs that nobody watches are read; else they are left out.
        """
        return [
            gauge("build_info", "The version that wrote this.", (1, {"version": __version__})),
            gauge(
                "written_timestamp_seconds",
                "When this was written.",
                int(time.time()),
                unit=SECONDS,
            ),
            *await self._catalogue(),
            *feed_metrics(await self._sync.status()),
            *await self._jobs(),
            *store_metrics(await self._storage.usage()),
            *slot_metrics((await read_slots(self._context)).values()),
            *gpu_metrics(await self._gpus(ask=ask_gpus)),
        ]

    async def _catalogue(self) -> Iterator[Metric]:
        facets = await self._context.catalogue.models.facets(Search())
        counted = facets.of("source")
        installed = len(await self._context.hub.installs.list())
        return iter(
            (
                gauge(
                    "catalogue_models",
                    "Models in the catalogue, by source.",
                    *((one.count, {"source": one.value}) for one in counted),
                ),
                gauge("installed_models", "Models on this box.", installed),
            )
        )

    async def _jobs(self) -> Iterator[Metric]:
        jobs = self._context.hub.jobs
        counted, waiting = await jobs.counts(), await jobs.list((JobType.DOWNLOAD,), _LIVE, -1)
        left = sum(max((one.progress.total or 0) - one.progress.done, 0) for one in waiting)
        samples = [
            (counted.get((kind, status), 0), {"type": kind.value, "status": status.value})
            for kind in JobType
            for status in JobStatus
        ]
        return iter(
            (
                gauge("jobs", "Jobs in the history, by type and status.", *samples),
                gauge(
                    "download_left_bytes",
                    "Bytes that downloads have still to bring which run, wait or are paused.",
                    left,
                    unit=BYTES,
                ),
                Metric(
                    name=f"{PREFIX}downloaded_bytes",
                    about="Bytes that this home has downloaded, counted when a download stops.",
                    samples=(Sample(await transferred(self._context)),),
                    unit=BYTES,
                    kind=MetricKind.COUNTER,
                ),
            )
        )

    async def _gpus(self, *, ask: bool) -> tuple[GpuSample, ...]:
        """The last readings where somebody watches, else fresh ones."""
        sample = self._hardware.sample
        if sample is None and ask:
            with contextlib.suppress(HubError):
                sample = await self._hardware.read()
        return () if sample is None else sample.gpus
