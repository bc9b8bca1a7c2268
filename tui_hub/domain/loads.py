"""What loading a model took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.runtime import TORCH

if TYPE_CHECKING:
    from tui_hub.domain.fit import Device


class Brought(Protocol):
    """What came into memory, and how long that took."""

    @property
    def bytes(self) -> int:
        """Of the weights."""

    @property
    def seconds(self) -> float:
        """Until they were there."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The least that is known of what came into memory."""

    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """What loading a model really took."""

    device: str
    dtype: str
    """What its floats became; empty where they were left."""
    peak: int | None
    """The most memory of it, in bytes."""
    bytes: int
    """What was loaded."""
    seconds: float
    runtime: str = TORCH
    context: int | None = None
    """Tokens of context that it was loaded for, where that was set."""

    @property
    def whole(self) -> bool:
        """Whether the peak counts all that it took: caches and the runtime itself, too."""
        return self.runtime != TORCH

    @property
    def on_gpu(self) -> bool:
        """Whether it was loaded onto a GPU."""
        return self.device.startswith(("cuda", "gpu"))

    @property
    def rate(self) -> float | None:
        """Bytes a second."""
        return self.bytes / self.seconds if self.seconds > 0 and self.bytes else None

    def is_on(self, device: Device) -> bool:
        """Whether it was loaded onto a device of the same kind."""
        return self.on_gpu is (device.index is not None)
