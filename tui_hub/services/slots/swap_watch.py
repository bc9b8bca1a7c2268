"""How the changes of slots go on: as pictures for this process, in their jobs for all others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tui_hub.domain.errors import HubError
from tui_hub.domain.jobs import Progress
from tui_hub.domain.swaps import SwapPicture
from tui_hub.domain.types import ModelType
from tui_hub.events import EventBus, SwapMoved
from tui_hub.services.jobs.run import JobRun
from tui_hub.services.jobs.service import Jobs

_log = logging.getLogger(__name__)

_SECONDS = 1.0
"""Between two writes of how far a load has come."""


class SwapWatch:
    """Holds the latest picture of each change that goes on here."""

    def __init__(self, bus: EventBus, jobs: Jobs) -> None:
        self._bus = bus
        self._jobs = jobs
        self._pictures: dict[ModelType, SwapPicture] = {}

    def pictures(self) -> tuple[SwapPicture, ...]:
        """The changes that go on."""
        return tuple(self._pictures.values())

    def take(self, picture: SwapPicture) -> None:
        """Keep a new picture."""
        self._pictures[picture.type] = picture
        self._bus.publish(SwapMoved(picture.type))

    def forget(self, kind: ModelType) -> None:
        """A change has ended."""
        self._pictures.pop(kind, None)
        self._bus.publish(SwapMoved(kind))

    @asynccontextmanager
    async def told(self, kind: ModelType, run: JobRun) -> AsyncIterator[None]:
        """Write down in its job how a change goes on, and at its end what was done."""
        follower = asyncio.create_task(self._follow(kind, run))
        try:
            yield
        finally:
            follower.cancel()
            picture = self._pictures.get(kind)
            told = () if picture is None else (*picture.passed, *picture.said)
            self.forget(kind)
            try:
                await self._jobs.log(run.job.id, *told)
            except HubError as error:
                _log.warning("the steps were not written down: %s", error.message)

    async def _follow(self, kind: ModelType, run: JobRun) -> None:
        while True:
            await asyncio.sleep(_SECONDS)
            picture = self._pictures.get(kind)
            if picture is not None and picture.total:
                done = Progress(done=picture.done, total=picture.total)
                try:
                    run.job = await self._jobs.progress(run.job, done)
                except HubError as error:
                    _log.warning("job %s: %s", run.job.id, error.message)
