"""The metrics of feeds, the store, slots and GPUs, each from what a service tells. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tui_hub import text
from tui_hub.domain.feeds import FeedState, FeedStatus
from tui_hub.domain.hardware import GpuSample
from tui_hub.domain.metrics import Metric, Sample
from tui_hub.domain.slots import Slot
from tui_hub.domain.storage import StorageUsage

PREFIX = "tui_hub_"
"""How the name of every metric begins."""
BYTES, SECONDS = "bytes", "seconds"


def feed_metrics(feeds: Iterable[FeedStatus]) -> Iterator[Metric]:
    """How the last sync of each feed went that was ever synced, and when the next one is due."""
    known = [feed for feed in feeds if feed.last_sync is not None]
    for what, about in (
        ("last_sync", "When the feed was last synced, whatever came of it."),
        ("last_success", "When the feed was last synced without an error."),
        ("next_run", "When the feed's next turn is."),
    ):
        moments = ((text.parse_time(getattr(feed, what)), feed.feed) for feed in known)
        told = [(int(at.timestamp()), {"feed": name}) for at, name in moments if at is not None]
        yield gauge(f"feed_{what}_timestamp_seconds", about, *told, unit=SECONDS)
    yield gauge(
        "feed_failed",
        "Whether the feed's last sync failed.",
        *((int(feed.state is FeedState.FAILED), {"feed": feed.feed}) for feed in known),
    )
    yield gauge(
        "feed_retries",
        "How often the feed was tried again since it failed.",
        *((feed.retries, {"feed": feed.feed}) for feed in known),
    )
    outcomes = ("fetched", "created", "updated", "unchanged", "removed", "skipped")
    yield gauge(
        "feed_models",
        "Models of the feed's last sync, by what became of them.",
        *(
            (getattr(feed.counts, outcome), {"feed": feed.feed, "outcome": outcome})
            for feed in known
            for outcome in outcomes
        ),
    )
    yield gauge(
        "feed_requests",
        "Requests of the feed's last sync.",
        *((feed.requests, {"feed": feed.feed}) for feed in known),
    )
    yield gauge(
        "feed_transferred_bytes",
        "Bytes that the feed's last sync transferred.",
        *((feed.bytes, {"feed": feed.feed}) for feed in known),
        unit=BYTES,
    )
    yield gauge(
        "feed_duration_seconds",
        "How long the feed's last sync took.",
        *((round(feed.seconds, 3), {"feed": feed.feed}) for feed in known),
        unit=SECONDS,
    )


def store_metrics(usage: StorageUsage) -> Iterator[Metric]:
    """What the store holds, and what sharing saves."""
    yield gauge("store_blobs", "Files in the store.", usage.blobs)
    yield gauge(
        "store_bytes",
        "Disk that the store takes, by what for.",
        (usage.bytes, {"kind": "blobs"}),
        (usage.partial_bytes, {"kind": "unfinished"}),
        (usage.quarantined_bytes, {"kind": "quarantined"}),
        unit=BYTES,
    )
    for name, about, value in (
        ("saved", "Disk that models would take besides if they shared nothing.", usage.bytes_saved),
        ("referenced", "What stays where it lies outside of the store.", usage.referenced_bytes),
        ("quota", "What the store should not exceed; 0 is no limit.", usage.quota),
        ("disk_free", "Free bytes of the store's disk.", usage.disk_free),
        ("disk_total", "All bytes of the store's disk.", usage.disk_total),
    ):
        yield gauge(f"store_{name}_bytes", about, value, unit=BYTES)
    yield gauge(
        "store_type_bytes",
        "Bytes of the models of each type.",
        *((size, {"type": kind}) for kind, size in sorted(usage.by_type.items())),
        unit=BYTES,
    )


def slot_metrics(slots: Iterable[Slot]) -> Iterator[Metric]:
    """What is active."""
    filled = sorted(slots, key=lambda slot: slot.type)
    yield gauge(
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
    yield gauge(
        "slot_memory_bytes",
        "Memory that the slot's model took when it had been loaded.",
        *(
            (slot.memory.used_after, {"type": slot.type.value})
            for slot in filled
            if slot.memory.used_after is not None
        ),
        unit=BYTES,
    )


def gpu_metrics(gpus: Iterable[GpuSample]) -> Iterator[Metric]:
    """The GPUs that can be read."""
    known = [(gpu, {"gpu": gpu.label, "uuid": gpu.uuid}) for gpu in gpus if gpu.error is None]
    yield gauge(
        "gpu_info",
        "The GPUs of this box.",
        *((1, {**who, "name": gpu.name}) for gpu, who in known),
    )
    yield gauge(
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
        unit=BYTES,
    )
    for name, unit, about in (
        ("utilization", "ratio", "Share of the time in which something ran."),
        ("temperature", "celsius", "Temperature of the GPU."),
        ("power", "watts", "Power that the GPU draws."),
    ):
        told = [(getattr(gpu, name), who) for gpu, who in known]
        scale = 100 if unit == "ratio" else 1
        samples = [(value / scale, who) for value, who in told if value is not None]
        yield gauge(f"gpu_{name}_{unit}", about, *samples, unit=unit)


_Told = int | float | tuple[int | float, dict[str, str]]


def gauge(name: str, about: str, *told: _Told, unit: str = "") -> Metric:
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
