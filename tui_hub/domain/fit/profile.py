"""What a model needs for whatever it is asked to do: its parts, for one workload or another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tui_hub.domain.architectures import Architecture
from tui_hub.domain.fit.needs import CACHE, Basis, Need
from tui_hub.domain.fit.working import Working
from tui_hub.domain.frozen import dataclass

CONTEXT = 8192
"""Tokens of context that the cache is counted for, unless others are set or it takes fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a model is to do at once."""

    context: int | None = None
    """Tokens of context; `None` takes 8,192, or as many as the model takes where that is less."""
    batch: int = 1
    """Sequences, images or clips at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a model's memory, once its headers and its configuration were read."""

    weights: tuple[Need, ...] = ()
    architecture: Architecture | None = None
    """What it keeps of a context; `None` where it keeps none, or nobody knows."""
    width: int | None = None
    """Bytes of a number of its cache, where it is not loaded as it was published."""
    working: Working | None = None
    """What it takes besides while it works."""
    dtypes: Mapping[str, int] = field(default_factory=dict)
    """Bytes of the weights by number type, as far as headers told."""

    def context(self, workload: Workload) -> int | None:
        """Tokens of context that are counted; `None` where it keeps none."""
        if self.architecture is None or not self.architecture.keeps:
            return None
        return workload.context or min(CONTEXT, self.architecture.context or CONTEXT)

    def parts(self, workload: Workload) -> tuple[Need, ...]:
        """The parts, weights first; nothing where the weights are not known."""
        if not self.weights:
            return ()
        parts = list(self.weights)
        tokens = self.context(workload)
        if tokens is not None and self.architecture is not None:
            kept = self.architecture.cache_bytes(tokens, workload.batch, self.width)
            words = self.architecture.cache_words(tokens)
            many = f"{workload.batch} sequences at once; " if workload.batch > 1 else ""
            parts.append(Need(part=CACHE, bytes=kept, basis=Basis.ESTIMATE, source=many + words))
        if self.working is not None:
            parts.append(self.working.need(tokens, workload.batch))
        return tuple(parts)
