"""What the metrics tell: the catalogue, feeds, jobs, the store, slots and GPUs of one home."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator

from tui_hub import text
from tui_hub.domain.catalogue import Search
from tui_hub.domain.errors import HubError
from tui_hub.domain.feeds import FeedState, FeedStatus
from tui_hub.domain.hardware import GpuSample
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.metrics import Metric, MetricKind, Sample
from tui_hub.domain.slots import Slot
from tui_hub.domain.storage import StorageUsage
from tui_hub.services.context import Context
from tui_hub.services.hardware import Hardware
from tui_hub.services.metrics.writing import PREFIX
from tui_hub.services.slots import read_slots
from tui_hub.services.storage import Storage
from tui_hub.services.sync import Sync
from tui_hub.services.tally import transferred
from tui_hub.version import __version__

_BYTES, _SECONDS = "bytes", "seconds"


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
            _gauge("build_info", "The version that wrote this.", (1, {"version": __version__})),
            _gauge(
                "written_timestamp_seconds",
                "When this was written.",
                int(time.time()),
                unit=_SECONDS,
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
                _gauge(
                    "catalogue_models",
                    "Models in the catalogue, by source.",
                    *((one.count, {"source": one.value}) for one in counted),
                ),
                _gauge("installed_models", "Models on this box.", installed),
            )
        )

    async def _jobs(self) -> Iterator[Metric]:
        counted = await self._context.hub.jobs.counts()
        samples = [
            (counted.get((kind, status), 0), {"type": kind.value, "status": status.value})
            for kind in JobType
            for status in JobStatus
        ]
        return iter(
            (
                _gauge("jobs", "Jobs in the history, by type and status.", *samples),
                Metric(
                    name=f"{PREFIX}downloaded_bytes",
                    about="Bytes that this home has downloaded, counted when a download stops.",
                    samples=(Sample(await transferred(self._context)),),
                    unit=_BYTES,
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


def feed_metrics(feeds: Iterable[FeedStatus]) -> Iterator[Metric]:
    """How each feed's last sync went, and when the next one is due."""
    known = list(feeds)
    for what, about in (
        ("last_sync", "When the feed was last synced, whatever came of it."),
        ("last_success", "When the feed was last synced without an error."),
        ("next_run", "When the feed's next turn is."),
    ):
        moments = ((text.parse_time(getattr(feed, what)), feed.feed) for feed in known)
        told = [(at.timestamp(), {"feed": name}) for at, name in moments if at is not None]
        yield _gauge(f"feed_{what}_timestamp_seconds", about, *told, unit=_SECONDS)
    yield _gauge(
        "feed_failed",
        "Whether the feed's last sync failed.",
        *((int(feed.state is FeedState.FAILED), {"feed": feed.feed}) for feed in known),
    )
    yield _gauge(
        "feed_retries",
        "How often the feed was tried again since it failed.",
        *((feed.retries, {"feed": feed.feed}) for feed in known),
    )
    outcomes = ("fetched", "created", "updated", "unchanged", "removed", "skipped")
    yield _gauge(
        "feed_models",
        "Models of the feed's last sync, by what became of them.",
        *(
            (getattr(feed.counts, outcome), {"feed": feed.feed, "outcome": outcome})
            for feed in known
            for outcome in outcomes
        ),
    )
    yield _gauge(
        "feed_requests",
        "Requests of the feed's last sync.",
        *((feed.requests, {"feed": feed.feed}) for feed in known),
    )
    yield _gauge(
        "feed_transferred_bytes",
        "Bytes that the feed's last sync transferred.",
        *((feed.bytes, {"feed": feed.feed}) for feed in known),
        unit=_BYTES,
    )
    yield _gauge(
        "feed_duration_seconds",
        "How long the feed's last sync took.",
        *((round(feed.seconds, 3), {"feed": feed.feed}) for feed in known),
        unit=_SECONDS,
    )


def store_metrics(usage: StorageUsage) -> Iterator[Metric]:
    """What the store holds, and what sharing saves."""
    yield _gauge("store_blobs", "Files in the store.", usage.blobs)
    yield _gauge(
        "store_bytes",
        "Disk that the store takes, by what for.",
        (usage.bytes, {"kind": "blobs"}),
        (usage.partial_bytes, {"kind": "unfinished"}),
        (usage.quarantined_bytes, {"kind": "quarantined"}),
        unit=_BYTES,
    )
    for name, about, value in (
        ("saved", "Disk that models would take besides if they shared nothing.", usage.bytes_saved),
        ("referenced", "What stays where it lies outside of the store.", usage.referenced_bytes),
        ("quota", "What the store should not exceed; 0 is no limit.", usage.quota),
        ("disk_free", "Free bytes of the store's disk.", usage.disk_free),
        ("disk_total", "All bytes of the store's disk.", usage.disk_total),
    ):
        yield _gauge(f"store_{name}_bytes", about, value, unit=_BYTES)
    yield _gauge(
        "store_type_bytes",
        "Bytes of the models of each type.",
        *((size, {"type": kind}) for kind, size in sorted(usage.by_type.items())),
        unit=_BYTES,
    )


def slot_metrics(slots: Iterable[Slot]) -> Iterator[Metric]:
    """What is active."""
    filled = sorted(slots, key=lambda slot: slot.type)
    yield _gauge(
        "slot_active",
        "Whether the slot's model is ready; 0 where its weights should be in memory and are not.",
        *(
            (
                int(slot.error is None),
                {"type": slot.type.value, "model": slot.model, "runtime": slot.runtime},
            )
            for slot in filled
        ),
    )
    yield _gauge(
        "slot_memory_bytes",
        "Memory that the slot's model took when it had been loaded.",
        *(
            (slot.memory.used_after, {"type": slot.type.value})
            for slot in filled
            if slot.memory.used_after is not None
        ),
        unit=_BYTES,
    )


def gpu_metrics(gpus: Iterable[GpuSample]) -> Iterator[Metric]:
    """The GPUs that can be read."""
    known = [(gpu, {"gpu": gpu.label, "uuid": gpu.uuid}) for gpu in gpus if gpu.error is None]
    yield _gauge(
        "gpu_info",
        "The GPUs of this box.",
        *((1, {**who, "name": gpu.name}) for gpu, who in known),
    )
    yield _gauge(
        "gpu_memory_bytes",
        "Memory of the GPU, by who has it.",
        *(
            (size, {**who, "kind": kind})
            for gpu, who in known
            for kind, size in (
                ("ours", gpu.ours),
                ("others", gpu.others),
                ("free", gpu.memory_free),
                ("reserved", gpu.memory_reserved),
            )
        ),
        unit=_BYTES,
    )
    for name, unit, about in (
        ("utilization", "ratio", "Share of the time in which something ran."),
        ("temperature", "celsius", "Temperature of the GPU."),
        ("power", "watts", "Power that the GPU draws."),
    ):
        told = [(getattr(gpu, name), who) for gpu, who in known]
        scale = 100 if unit == "ratio" else 1
        samples = [(value / scale, who) for value, who in told if value is not None]
        yield _gauge(f"gpu_{name}_{unit}", about, *samples, unit=unit)


_Told = int | float | tuple[int | float, dict[str, str]]


def _gauge(name: str, about: str, *told: _Told, unit: str = "") -> Metric:
    """A figure that goes up and down; what labels carry is cleaned here."""
    samples = [one if isinstance(one, tuple) else (one, {}) for one in told]
    return Metric(
        name=f"{PREFIX}{name}",
        about=about,
        samples=tuple(
            Sample(value, {key: text.clean(words, 200) for key, words in labels.items()})
            for value, labels in samples
        ),
        unit=unit,
    )
