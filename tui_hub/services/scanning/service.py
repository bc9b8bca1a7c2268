"""Finding the models that are on this box already, and taking them into the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from tui_hub.domain.errors import NotFoundError
from tui_hub.domain.jobs import Job, JobType
from tui_hub.domain.scanning import ScanMode, ScanReport
from tui_hub.foreign import Box, known_places, named_place, why_closed
from tui_hub.services.context import Context
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.models.adding import Adding
from tui_hub.services.models.metadata import Metadata
from tui_hub.services.models.repositories import Repositories
from tui_hub.services.scanning.adoption import Adopter
from tui_hub.services.scanning.identity import Identifier
from tui_hub.services.scanning.run import Place, ScanRun, Wanted
from tui_hub.services.storage.disk_jobs import DiskJob, DiskJobs
from tui_hub.text import clean

_Work = Callable[[DiskJob], Awaitable[ScanReport]]


class Scanning:
    """Scans this box, one scan at a time in a home."""

    def __init__(
        self,
        context: Context,
        jobs: Jobs,
        works: DiskJobs,
        repositories: Repositories,
        adding: Adding,
        metadata: Metadata,
    ) -> None:
        self._context = context
        self._works = works
        self._repositories = repositories
        self._adopter = Adopter(context, adding, metadata)
        self._run: ScanRun | None = None
        jobs.handle(JobType.SCAN, retry=self._retry)

    @property
    def report(self) -> ScanReport:
        """What this process's present or last scan has found so far."""
        return self._run.report if self._run is not None else ScanReport()

    async def run(
        self,
        places: Sequence[str] = (),
        *,
        adopt: bool = False,
        mode: ScanMode = ScanMode.AUTO,
    ) -> ScanReport:
        """Find models, and take them in where that is wanted; nothing of theirs is changed.

        But for `ScanMode.HARDLINK`, which makes the files read-only where they lie.

        Args:
            places: folders and files; none for where programs are known to keep models.
            adopt: whether to take in what is found; else it is only reported.
            mode: how to take it in.

        Raises:
            NotFoundError: when a place is not there.
            RefusedError: when another scan of this home runs, or the store cannot be written.
            InterruptedJobError: when somebody cancelled it; what it took in stays.
        """
        work, payload = await self._prepared(places, adopt, mode)
        return await self._works.run(JobType.SCAN, payload, work)

    async def start(
        self,
        places: Sequence[str] = (),
        *,
        adopt: bool = False,
        mode: ScanMode = ScanMode.AUTO,
    ) -> Job:
        """The same in the background; gives its job as soon as there is one."""
        work, payload = await self._prepared(places, adopt, mode)
        return await self._works.start(JobType.SCAN, payload, work)

    async def _prepared(
        self, places: Sequence[str], adopt: bool, mode: ScanMode
    ) -> tuple[_Work, dict[str, object]]:
        configuration = self._context.configuration
        home = configuration.environment.get("HOME")
        box = Box(Path(home) if home else Path.home(), configuration.environment)
        found = await asyncio.to_thread(self._places, places, box)
        identifier = Identifier(self._context, self._repositories)
        run = ScanRun(self._context, identifier, self._adopter, Wanted(adopt, mode))

        async def work(job: DiskJob) -> ScanReport:
            self._run = run
            try:
                return await run.run(job, found, box)
            finally:
                job.run.result = _figures(run.report)

        # As they are meant here: who tries the job again may be in another folder.
        meant = [str(box.expand(place, Path.cwd())) for place in places]
        payload = {"places": meant, "adopt": adopt, "mode": mode.value}
        return work, payload

    def _places(self, places: Sequence[str], box: Box) -> list[Place]:
        """What to look through.

        Raises:
            NotFoundError: when a place is not there.
        """
        if not places:
            told: dict[str, list[str]] = msgspec.structs.asdict(
                self._context.configuration.settings.scan
            )
            return list(known_places(box, told))
        return [named_place(_existing(place, box)) for place in places]

    async def _retry(self, job: Job) -> Job:
        places = job.payload.get("places")
        return await self.start(
            [str(place) for place in places] if isinstance(places, list) else (),
            adopt=job.payload.get("adopt") is True,
            mode=ScanMode(str(job.payload.get("mode"))),
        )


def _existing(place: str, box: Box) -> Path:
    try:
        path = box.expand(place, Path.cwd())
        path.stat()
        reason = why_closed(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
    if reason is not None:
        raise NotFoundError(
            f"{clean(place, 300)} cannot be looked at: {reason}",
            hint="Check how it is spelt, and the rights of its folders.",
        )
    if not place.strip():
        raise NotFoundError("a place has no name", hint="`.` is the folder that you are in.")
    return path


def _figures(report: ScanReport) -> dict[str, object]:
    """What the job keeps of a report."""
    return {
        "found": report.found,
        "adopted": report.adopted,
        "duplicates": report.duplicates,
        "bytes": report.bytes,
        "bytes_saved": report.bytes_saved,
    }
