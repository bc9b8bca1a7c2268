"""Whether needs fit the memory of this box: the verdict over all devices, and for each one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui_hub.domain.fit.needs import GPU_RUNTIME, HOST_RUNTIME, Need, margin_of, needs_on
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Fit

Verdict = Fit
"""The words of a verdict are those that the catalogue stores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Memory that a model can be loaded into, at this moment."""

    index: int | None
    """The GPU's number; `None` is the memory of the host."""
    name: str
    total: int
    free: int
    others: str = ""
    """Who else holds memory there, in words; empty where that is not told."""
    uuid: str = ""
    """What the driver and CUDA both know a GPU by, or a slice of one."""
    shared: bool = False
    """Whether its memory is the host's."""
    instead: str = ""
    """Of the host: why no GPU can be used, though one is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFit:
    """What one device alone has to say. `returns` is what a swap would give back to it."""

    index: int | None
    name: str
    total: int
    free: int
    returns: int
    need: int | None
    """Bytes with this device's own overhead; `None` where the model's needs are unknown."""
    verdict: Verdict
    others: str = ""
    """Who else holds memory there, in words."""

    @property
    def short(self) -> int:
        """Bytes that are missing now."""
        return max(0, (self.need or 0) - self.free)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict over all devices, and what it rests on."""

    verdict: Verdict
    devices: tuple[DeviceFit, ...]
    need: tuple[Need, ...]
    """The parts on the devices that count: the GPUs where there are any, else the host."""
    gpus: int | None = None
    """How many GPUs it takes together, for `needs_gpus`."""

    @property
    def bytes(self) -> int | None:
        """Bytes in all; `None` where they are unknown."""
        return sum(need.bytes for need in self.need) if self.need else None

    @property
    def best(self) -> DeviceFit | None:
        """The device to load into: of those that bear the verdict out, the one with most room."""
        gpus = [device for device in self.devices if device.index is not None]
        counting = gpus or self.devices
        agreeing = [device for device in counting if device.verdict is self.verdict]
        return max(agreeing or counting, key=lambda one: one.free + one.returns, default=None)


def judge(
    parts: Sequence[Need],
    devices: Sequence[Device],
    *,
    returning: Mapping[int | None, int] | None = None,
) -> Judgement:
    """Whether parts that are loaded together fit.

    A GPU that holds all of it now goes before one that does after a swap, that before several
    GPUs, those before a split with host memory. The host counts alone where there is no GPU.

    Args:
        parts: weights and caches; nothing means that the needs are unknown.
        devices: free memory now.
        returning: bytes that a swap gives back, by device.
    """
    back = returning or {}
    told = tuple(_judge_one(parts, device, back.get(device.index, 0)) for device in devices)
    gpus = [device for device in told if device.index is not None]
    counting = gpus or list(told)
    need = needs_on(parts, gpu=bool(gpus))
    verdicts = {device.verdict for device in counting}
    for verdict in (Verdict.FITS, Verdict.FITS_AFTER_SWAP):
        if verdict in verdicts:
            return Judgement(verdict=verdict, devices=told, need=need)
    if not need or not told:
        return Judgement(verdict=Verdict.UNKNOWN, devices=told, need=need)
    base = sum(part.bytes for part in parts)
    together = _gpus_for(base, gpus)
    if together is not None:
        return Judgement(verdict=Verdict.NEEDS_GPUS, devices=told, need=need, gpus=together)
    verdict = Verdict.OFFLOAD if gpus and _fits_split(base, told) else Verdict.TOO_BIG
    return Judgement(verdict=verdict, devices=told, need=need)


def _judge_one(parts: Sequence[Need], device: Device, returns: int) -> DeviceFit:
    need = needs_on(parts, gpu=device.index is not None)
    count = sum(one.bytes for one in need) if need else None
    if count is None:
        verdict = Verdict.UNKNOWN
    elif count <= device.free:
        verdict = Verdict.FITS
    elif count <= min(device.free + returns, device.total):
        verdict = Verdict.FITS_AFTER_SWAP
    else:
        verdict = Verdict.TOO_BIG
    return DeviceFit(
        index=device.index,
        name=device.name,
        total=device.total,
        free=device.free,
        returns=returns,
        need=count,
        verdict=verdict,
        others=device.others,
    )


def _gpus_for(base: int, gpus: Sequence[DeviceFit]) -> int | None:
    """How many GPUs hold it together, each with a runtime of its own; `None` if all do not."""
    room = -margin_of(base + GPU_RUNTIME)
    roomiest = sorted((gpu.free - GPU_RUNTIME for gpu in gpus), reverse=True)
    for number, free in enumerate(roomiest, start=1):
        room += max(free, 0)
        if number > 1 and room >= base:
            return number
    return None


def _fits_split(base: int, devices: Sequence[DeviceFit]) -> bool:
    """Whether GPUs and host hold it together."""
    room = sum(
        max(0, one.free - (HOST_RUNTIME if one.index is None else GPU_RUNTIME)) for one in devices
    )
    return room >= base + margin_of(base + GPU_RUNTIME)
