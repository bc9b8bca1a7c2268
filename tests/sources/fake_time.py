"""Time for tests that must not wait."""

from __future__ import annotations

from tui_hub.sources.limits import Clock


class FakeTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        self.sleeps: list[float] = []
        self.clock = Clock(
            monotonic=lambda: self.now, wall=lambda: self.now, sleep=self._sleep, random=lambda: 1.0
        )

    async def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
