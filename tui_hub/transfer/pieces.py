"""Which bytes of a file are here, which are on their way, and which to fetch next. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Range = tuple[int, int]
"""A half-open pair of byte offsets."""

_SPLIT = 4 * 1024**2
"""Bytes below which the rest of somebody's claim is not worth a second connection."""
_SLOW = 1.0
"""Seconds that the rest of a claim must be expected to take before another lane helps."""


class Ranges:
    """A set of byte offsets, kept as sorted ranges that neither overlap nor touch."""

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in ranges:
            self.add(start, end)

    def __iter__(self) -> Iterator[Range]:
        return zip(self._starts, self._ends, strict=True)

    def add(self, start: int, end: int) -> None:
        """Take a range in, merging it with what it overlaps or touches."""
        if start >= end:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def gap(self, end: int) -> Range | None:
        """The first range below `end` that is missing."""
        start = self.prefix
        if start >= end:
            return None
        index = bisect_right(self._starts, start)
        return start, min(end, self._starts[index]) if index < len(self._starts) else end

    @property
    def prefix(self) -> int:
        """The length of what is here from offset zero on without a gap."""
        return self._ends[0] if self._starts and self._starts[0] == 0 else 0

    @property
    def total(self) -> int:
        """How many offsets there are."""
        return sum(self._ends) - sum(self._starts)


@dataclass(eq=False, slots=True)
class Claim:
    """A range that one lane is fetching in order."""

    start: int
    end: int
    """Where to stop; another lane may take the tail over, which lowers it."""
    position: int
    """The next byte to arrive."""
    since: float
    """When it began, on the monotonic clock."""


class Pieces:
    """The row of pieces of one file, handed out in order to any number of lanes.

    Not safe for threads by itself.
    """

    def __init__(self, size: int, held: Iterable[Range] = (), piece_size: int = 8 * 1024**2):
        self.size = size
        self._piece_size = piece_size
        self._held = Ranges((start, min(end, size)) for start, end in held)
        self._claims: list[Claim] = []

    @property
    def ranges(self) -> tuple[Range, ...]:
        """What is here."""
        return tuple(self._held)

    @property
    def done(self) -> int:
        """How many bytes are here."""
        return self._held.total

    @property
    def prefix(self) -> int:
        """How many bytes are here from the start without a gap."""
        return self._held.prefix

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self._held.prefix >= self.size

    def wanted(self, now: float) -> bool:
        """Whether one more lane would find something to do."""
        return self._free() is not None or self._splittable(now) is not None

    def claim(self, now: float, pieces: int = 1) -> Claim | None:
        """Take the first missing range that nobody fetches, up to so many pieces of the grid.

        When all is taken, takes over the tail of the slowest claim if that would last.
        """
        free = self._free()
        if free is None:
            return self._split(now)
        start, end = free
        end = min(end, (start // self._piece_size + pieces) * self._piece_size)
        return self._taken(start, end, now)

    def claim_last(self, now: float) -> Claim:
        """Take the last byte again although it is here, to ask the server about the file."""
        held, self._held = self._held, Ranges()
        for start, end in held:
            self._held.add(start, min(end, self.size - 1))
        return self._taken(max(0, self.size - 1), self.size, now)

    def widen(self, claim: Claim) -> bool:
        """Make a claim cover the whole file; `False` when anything else is here or on its way."""
        if claim.position > 0 or len(self._claims) > 1 or self._held.total:
            return False
        claim.end = self.size
        return True

    def advance(self, claim: Claim, count: int) -> None:
        """So many bytes of a claim were written."""
        self._held.add(claim.position, claim.position + count)
        claim.position += count

    def release(self, claim: Claim) -> None:
        """Give up a claim; what it did not fetch is free again."""
        self._claims.remove(claim)

    def _free(self) -> Range | None:
        taken = Ranges(self._held)
        for claim in self._claims:
            taken.add(claim.position, claim.end)
        return taken.gap(self.size)

    def _taken(self, start: int, end: int, now: float) -> Claim:
        claim = Claim(start, end, start, now)
        self._claims.append(claim)
        return claim

    def _splittable(self, now: float) -> Claim | None:
        """The claim that will take longest, if that is long enough to share it."""
        slowest = max(self._claims, key=lambda claim: _remaining(claim, now), default=None)
        if slowest is None or slowest.end - slowest.position < _SPLIT:
            return None
        return slowest if _remaining(slowest, now) >= _SLOW else None

    def _split(self, now: float) -> Claim | None:
        slowest = self._splittable(now)
        if slowest is None:
            return None
        middle = (slowest.position + slowest.end) // 2
        claim = self._taken(middle, slowest.end, now)
        slowest.end = middle
        return claim


def _remaining(claim: Claim, now: float) -> float:
    """Seconds that the rest of a claim will take at its speed so far."""
    fetched = claim.position - claim.start
    seconds = now - claim.since
    rest = claim.end - claim.position
    return rest * seconds / fetched if fetched else seconds
