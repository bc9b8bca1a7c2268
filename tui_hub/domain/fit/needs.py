"""What a model needs in memory, in parts that say what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from tui_hub.domain.frozen import dataclass

_MIB = 1024**2
GPU_RUNTIME = 512 * _MIB
"""A CUDA context with torch's kernels. InvokeAI measured 100 to 300 MiB for an empty context,
gguf-parser-go takes 250 MiB, and the libraries' workspaces come on top."""
HOST_RUNTIME = 256 * _MIB
"""Python with torch imported, measured with torch 2.13 on Linux: 220 MiB resident."""
LEAST_MARGIN = 512 * _MIB
_MARGIN = 0.05

WEIGHTS, BASE_WEIGHTS, CACHE, ACTIVATIONS = "weights", "base weights", "kv cache", "activations"
RUNTIME, MARGIN = "runtime", "margin"
WHOLE = "weights + rest"
"""What was measured as a whole: weights, caches and the runtime itself."""


class Basis(StrEnum):
    """Where a figure comes from, best first."""

    MEASURED = "measured"
    HEADER = "header"
    ESTIMATE = "estimate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One part of the memory that a model needs."""

    part: str
    bytes: int
    basis: Basis
    source: str = ""
    """Where the figure comes from, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What an earlier activation on such a device really took."""

    bytes: int
    whole: bool = False
    """Whether a server's caches and the runtime are in it, or the weights alone."""
    context: int | None = None
    """The context that a server was given then."""


def as_measured(parts: Sequence[Need], peak: int) -> tuple[Need, ...]:
    """The parts with what an earlier activation really took in place of what weights should take.

    Nothing but the weights was loaded then, so the other parts stay what they are.
    """
    others = [part for part in parts if not part.part.startswith(WEIGHTS)]
    source = "the most that its last activation here took"
    return (Need(part=WEIGHTS, bytes=peak, basis=Basis.MEASURED, source=source), *others)


def as_measured_whole(peak: int) -> tuple[Need, ...]:
    """What a server really took, its caches and the runtime itself included."""
    source = "the most that its server took here the last time"
    return (Need(part=WHOLE, bytes=peak, basis=Basis.MEASURED, source=source),)


def needs_on(parts: Sequence[Need], *, gpu: bool) -> tuple[Need, ...]:
    """The parts with what a device of this kind takes besides: the runtime and a margin.

    The margin is 5 % and at least 512 MiB, for fragmentation and what nobody foresaw.
    """
    if not parts:
        return ()
    runtime = GPU_RUNTIME if gpu else HOST_RUNTIME
    source = "CUDA's context with torch's kernels" if gpu else "Python with torch imported"
    whole = list(parts)
    if all(part.part != WHOLE for part in parts):
        whole.append(_estimate(RUNTIME, runtime, source))
    margin = margin_of(sum(need.bytes for need in whole))
    source = "5 % of all that, 512 MiB at least: fragments, and what nobody foresaw"
    return (*whole, _estimate(MARGIN, margin, source))


def margin_of(count: int) -> int:
    """What is kept free beside so many bytes."""
    return max(int(count * _MARGIN), LEAST_MARGIN)


def _estimate(part: str, count: int, source: str) -> Need:
    return Need(part=part, bytes=count, basis=Basis.ESTIMATE, source=source)
