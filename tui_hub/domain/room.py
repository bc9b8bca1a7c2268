"""Which models to delete for room on a disk, counting what that would really free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tui_hub.domain.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A model that could go, and its bytes in the store."""

    model: str
    blobs: Mapping[str, int]
    """Bytes by the hash of each blob that it needs."""
    last_used: str | None = None
    """When it was active last; `None` where it never was."""
    installed_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomStep:
    """One model that would go."""

    model: str
    bytes: int
    """What it frees, once those before it are gone."""
    last_used: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomPlan:
    """Models whose deletion would bring the room that was asked for. Sizes are bytes."""

    wanted: int
    steps: tuple[RoomStep, ...] = ()

    @property
    def bytes(self) -> int:
        """What all of it frees."""
        return sum(step.bytes for step in self.steps)

    @property
    def enough(self) -> bool:
        """Whether that is what was asked for."""
        return self.bytes >= self.wanted


def plan_room(wanted: int, holdings: Iterable[Holding], kept: Iterable[str] = ()) -> RoomPlan:
    """Choose models: never used ones first, then those that rested longest; no more than needed.

    Args:
        wanted: bytes to free.
        holdings: the models that may go.
        kept: hashes of blobs that stay whatever goes, since something else needs them.
    """
    ranked = sorted(holdings, key=lambda one: (one.last_used or "", one.installed_at, one.model))
    chosen: list[Holding] = []
    stays = frozenset(kept)
    needed = Counter(blob for one in ranked for blob in one.blobs)
    for one in ranked:
        if sum(_freed(chosen, needed, stays)) >= wanted:
            break
        chosen.append(one)
    # Whoever shares all it has with a model that stays would go for nothing.
    least = min(wanted, sum(_freed(chosen, needed, stays)))
    for one in list(chosen):
        others = [other for other in chosen if other is not one]
        if sum(_freed(others, needed, stays)) >= least:
            chosen = others
    freed = _freed(chosen, needed, stays)
    steps = [
        RoomStep(model=one.model, bytes=size, last_used=one.last_used)
        for one, size in zip(chosen, freed, strict=True)
    ]
    return RoomPlan(wanted=wanted, steps=tuple(steps))


def _freed(chosen: Sequence[Holding], needed: Mapping[str, int], kept: frozenset[str]) -> list[int]:
    """What each frees in turn: a blob goes with the last model that needs it."""
    left = dict(needed)
    sizes = []
    for one in chosen:
        size = 0
        for blob, count in one.blobs.items():
            left[blob] -= 1
            if not left[blob] and blob not in kept:
                size += count
        sizes.append(size)
    return sizes
