"""The change of a slot as a person watches it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from tui_hub.domain.runtime import LoadProgress
from tui_hub.domain.swaps import SwapPicture, SwapStep
from tui_hub.domain.types import ModelType

Report = Callable[[SwapPicture], None]


class SwapProgress:
    """Keeps the picture of one change, and hands it on whenever it became another one."""

    def __init__(
        self, kind: ModelType, model: str | None, previous: str | None, report: Report
    ) -> None:
        self.picture = SwapPicture(
            type=kind, model=model, previous=previous, step=SwapStep.CHECKING
        )
        self._report = report
        self._since = time.monotonic()
        report(self.picture)

    def step(self, step: SwapStep) -> None:
        """What is being done from now on."""
        self._since = time.monotonic()
        self._put(replace(self.picture, step=step, done=0, total=0, speed=0.0))

    def passed(self, words: str) -> None:
        """What is done by now, in a few words."""
        self._put(replace(self.picture, passed=(*self.picture.passed, words)))

    def said(self, lines: tuple[str, ...]) -> None:
        """The last lines of a server that did not get ready."""
        self._put(replace(self.picture, said=lines))

    def load(self, progress: LoadProgress) -> None:
        """How far the weights have come."""
        step = SwapStep.TESTING if progress.phase == "test" else SwapStep.LOADING
        if step is not self.picture.step:
            self._since = time.monotonic()
        seconds = max(time.monotonic() - self._since, 0.001)
        self._put(
            replace(
                self.picture,
                step=step,
                done=progress.done,
                total=progress.total,
                speed=progress.done / seconds,
            )
        )

    def _put(self, picture: SwapPicture) -> None:
        self.picture = picture
        self._report(picture)
