"""What a model needs by its listing alone, and whether this box is large enough for that.

For millions of rows nobody asks for headers: the number of parameters has to do, or the size of the
files. Whether a model fits at this moment its page tells.
"""

from __future__ import annotations

from bisect import bisect_left

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Fit, Model

_GIB = 2**30
_RUNTIME = _GIB // 2
_LEAST_MARGIN = _GIB // 2
_MARGIN = 20
"""The runtime and the margin of `domain.fit.needs`, which every command would have to load."""
_BOUNDS = (4, 7.5, 11.5, 14.7, 22, 31.5, 39, 44.5, 79, 93, 139, 178, 265)
"""GiB that cards of 8, 12, 16, 24, 32, 40, 48, 80, 96, 141, 180 and 288 GB have, and a little less.

Within a class nobody asks whether a card is large enough: one in the middle of it is not."""
_ENDS = tuple(int(bound * _GIB) for bound in _BOUNDS)
NEEDS = (*(f"{bound:g} GiB" for bound in _BOUNDS), "more")
"""The classes of need by the most memory that they take, smallest first."""


def stored_need(model: Model) -> int | None:
    """Bytes of GPU memory that a model needs by its listing; `None` where that tells nothing.

    Two bytes for each parameter, or all its files where these are less: then it is quantised.
    """
    by_count = None if model.params is None else 2 * model.params
    told = [size for size in (by_count, model.size) if size]
    if not told:
        return None
    return _with_overhead(min(told))


def need_class(model: Model) -> str:
    """The class of a model's stored need; empty where it is not known."""
    need = stored_need(model)
    return "" if need is None else NEEDS[bisect_left(_ENDS, need)]


def classes_within(memory: int) -> tuple[str, ...]:
    """The classes of need all of which so much memory has room for."""
    return tuple(name for name, end in zip(NEEDS, _ENDS, strict=False) if end <= memory)


def most_weights(memory: int) -> int:
    """The bytes of weights up to which a model is in a class that so much memory has room for."""
    end = max((end for end in _ENDS if end <= memory), default=0)
    weights = min(end - _LEAST_MARGIN, end * _MARGIN // (_MARGIN + 1) + 1) - _RUNTIME
    while weights > 0 and _with_overhead(weights) > end:
        weights -= 1
    return max(weights, 0)


def _with_overhead(weights: int) -> int:
    base = weights + _RUNTIME
    return base + max(base // _MARGIN, _LEAST_MARGIN)


@dataclass(frozen=True, slots=True)
class Capacity:
    """The memory of a box, nothing being in it."""

    largest: int
    """Of its largest GPU; of the host where there is none."""
    gpus: int
    """Of all GPUs together."""
    host: int

    def fit(self, model: Model) -> Fit:
        """Whether a model fits, by its stored need."""
        need = stored_need(model)
        if need is None:
            return Fit.UNKNOWN
        if need <= self.largest:
            return Fit.FITS
        if need <= self.gpus:
            return Fit.NEEDS_GPUS
        return Fit.OFFLOAD if self.gpus and need <= self.gpus + self.host else Fit.TOO_BIG
