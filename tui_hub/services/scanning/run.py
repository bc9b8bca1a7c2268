"""One scan: what lies at some places, looked at model by model, and taken in one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tui_hub.blobs import BlobStore, Hold, Way, receipts
from tui_hub.database.file_hashes import FileHash
from tui_hub.domain.artifacts import ArtifactStatus
from tui_hub.domain.errors import HubError, InterruptedJobError, LostLeaseError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.scanning import LeftOut, ScanMode, ScannedModel, ScanReport, ScanStatus
from tui_hub.events import StorageChanged
from tui_hub.foreign import Box, FoundFile, FoundModel, Layout, left_out, why_closed
from tui_hub.services.context import Context
from tui_hub.services.scanning.adoption import Adopter, Outcome, missing_of
from tui_hub.services.scanning.identity import Identifier, Identity
from tui_hub.services.scanning.intake import SMALL, Intake, Seen
from tui_hub.services.storage.disk_jobs import DiskJob
from tui_hub.text import clean

Place = tuple[Layout, Path]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a scan is to do."""

    adopt: bool
    mode: ScanMode = ScanMode.AUTO


class ScanRun:
    """Does one scan; `report` tells at any time what it has done so far."""

    def __init__(
        self, context: Context, identifier: Identifier, adopter: Adopter, wanted: Wanted
    ) -> None:
        self._context = context
        self._identifier = identifier
        self._adopter = adopter
        self._wanted = wanted
        self.report = ScanReport()

    async def run(self, job: DiskJob, places: Sequence[Place], box: Box) -> ScanReport:
        """Look through the places, and take in what is there if that is wanted."""
        self.report = ScanReport(
            places=tuple(clean(str(place), 1000) for _, place in places), job=job.run.job.id
        )
        if self._wanted.adopt:
            await self._context.prepare_store()
        models, left = await job.work.on_thread(self._find, job, places, box)
        self.report = replace(self.report, left_out=tuple(left))
        job.work.total = sum(model.bytes for model in models)
        reserve = self._context.configuration.settings.store.reserve
        intake = Intake(self._context.store, job.work, reserve)
        for model in models:
            scanned = await self._one(model, job, intake)
            self.report = replace(self.report, models=(*self.report.models, scanned))
        await self._context.hub.file_hashes.prune()
        return self.report

    def _find(
        self, job: DiskJob, places: Sequence[Place], box: Box
    ) -> tuple[list[FoundModel], list[LeftOut]]:
        """What the layouts find, but for what lies in the store already."""
        store = self._context.store.root.resolve()
        models: dict[Path, FoundModel] = {}
        left: list[LeftOut] = []
        for layout, place in places:
            if place.resolve().is_relative_to(store):
                left.append(left_out(place, "it lies in the store already"))
                continue
            closed = why_closed(place)
            if closed is not None:
                left.append(left_out(place, f"it cannot be read: {closed}"))
                continue
            for found in layout.look(place, box):
                job.work.advance(0)
                if found is None or Path(found.place).is_relative_to(store):
                    continue
                if isinstance(found, FoundModel):
                    models.setdefault(found.place, found)
                else:
                    left.append(found)
        return list(models.values()), left

    async def _one(self, found: FoundModel, job: DiskJob, intake: Intake) -> ScannedModel:
        if not self._wanted.adopt or await self._is_refused(found):
            seen, reasons = await self._read(found, job, intake, None)
            return await self._settle(found, seen, reasons, None)
        hold = await self._context.on_disk(Hold, self._context.store, ())
        try:
            seen, reasons = await self._read(found, job, intake, hold)
            return await self._settle(found, seen, reasons, (job, intake))
        finally:
            await self._context.on_disk(hold.release)

    async def _read(
        self, found: FoundModel, job: DiskJob, intake: Intake, hold: Hold | None
    ) -> tuple[list[Seen], list[str]]:
        """The files of a model after their bytes were looked at, and why others are left out.

        They are taken in where there is something that holds them.
        """
        seen: list[Seen] = []
        reasons: list[str] = []
        for file in found.files:
            known = await self._known(file)
            try:
                if hold is None:
                    one = await job.work.on_thread(intake.look, file, known)
                else:
                    mode = self._wanted.mode
                    one = await job.work.on_thread(intake.take, file, known, mode, hold.add)
            except (InterruptedJobError, LostLeaseError):
                raise
            except HubError as error:
                reasons.append(error.message)
                continue
            seen.append(one)
            if file.size >= SMALL:
                await self._context.hub.file_hashes.put(_remembered(one, known))
        return seen, reasons

    async def _known(self, file: FoundFile) -> FileHash | None:
        """What an earlier scan saw of a file, if it was large enough to remember."""
        if file.size < SMALL:
            return None
        table = self._context.hub.file_hashes
        return await table.get(file.place, file.size, file.modified, file.inode)

    async def _is_refused(self, found: FoundModel) -> bool:
        """Whether it is clear before a byte is read that a model will not be taken in."""
        if found.model is None:
            return False
        try:
            identity = Identity(str(found.model), found.revision, found.listing, ())
            await self._adopter.refuse(identity)
        except HubError:
            return True
        return False

    async def _settle(
        self,
        found: FoundModel,
        seen: Sequence[Seen],
        reasons: Sequence[str],
        taken: tuple[DiskJob, Intake] | None,
    ) -> ScannedModel:
        """What a model is, and what becomes of it; only one whose bytes were taken is adopted."""
        if not seen:
            told = str(found.model) if found.model is not None else found.name
            return _scanned(found, told, ScanStatus.LEFT, seen, reasons)
        identity = await self._identifier.identify(found, seen)
        entry = await self._context.catalogue.models.get(identity.model)
        if entry is not None:
            found = replace(found, type=entry.type)  # what the catalogue says goes first
        try:
            await self._adopter.refuse(identity)
        except HubError as error:
            left = _scanned(found, identity.model, ScanStatus.LEFT, seen, [error.message, *reasons])
            return replace(left, failed=bool(reasons))
        if await self._is_here(identity):
            installed = await self._context.hub.installs.get(identity.model) is not None
            status = ScanStatus.INSTALLED if installed else ScanStatus.PARTLY
            missing = () if installed else missing_of(identity.listing)
            return _scanned(found, identity, status, seen, reasons, missing)
        if taken is None:
            return _scanned(found, identity, ScanStatus.FOUND, seen, reasons)
        job, intake = taken
        try:
            outcome = await self._adopter.adopt(found, identity, seen, job.work, intake)
        except (InterruptedJobError, LostLeaseError):
            raise
        except HubError as error:
            reasons = [error.message, *reasons]
            return _scanned(found, identity.model, ScanStatus.LEFT, seen, reasons)
        self._context.bus.publish(StorageChanged())
        return _adopted(found, outcome, seen, reasons)

    async def _is_here(self, identity: Identity) -> bool:
        """Whether all that was found of a model is in the store already, and stays there.

        Files that it does not list say nothing, nor do rows alone: a kill may come between them
        and the receipt.
        """
        if not identity.files:
            return False
        if any(row.status is not ArtifactStatus.COMPLETED for _, row in identity.files):
            return False
        store = self._context.store

        def look() -> bool:
            named = _named(store, identity.model)
            return all(
                one.sha256 in named and store.has(one.sha256, one.file.size)
                for one, _ in identity.files
            )

        return await self._context.on_disk(look)


def _named(store: BlobStore, model: str) -> set[str]:
    """The blobs that a model's receipt names."""
    try:
        receipt = receipts.read(store, model)
    except HubError:
        return set()
    return {file.sha256 for file in receipt.all_files} if receipt is not None else set()


def _adopted(
    found: FoundModel, outcome: Outcome, seen: Sequence[Seen], reasons: Sequence[str]
) -> ScannedModel:
    odd = [f"{path} is not the file that is listed" for path in outcome.odd]
    status = ScanStatus.ADOPTED if outcome.installed else ScanStatus.PARTLY
    reasons = [*reasons, *odd]
    scanned = _scanned(found, outcome.identity, status, seen, reasons, outcome.missing)
    return replace(scanned, taken=True)


def _scanned(
    found: FoundModel,
    identity: Identity | str,
    status: ScanStatus,
    seen: Sequence[Seen],
    reasons: Sequence[str],
    missing: Sequence[str] = (),
) -> ScannedModel:
    twice = [one for one in seen if one.duplicate]
    ways = Counter(one.way.value for one in seen if one.way is not None)
    told = identity if isinstance(identity, Identity) else None
    more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return ScannedModel(
        model=clean(str(identity) if told is None else told.model, 300),
        revision=found.revision if told is None else told.revision,
        type=found.type,
        layout=found.layout,
        place=clean(str(found.place), 1000),
        status=status,
        files=len(found.files),
        bytes=found.bytes,
        duplicates=len(twice),
        bytes_saved=sum(one.file.size for one in twice),
        ways=tuple(sorted(ways.items())),
        referenced_bytes=sum(one.file.size for one in seen if one.way is Way.REFERENCE),
        missing=tuple(clean(path, 300) for path in missing),
        reason=clean(reasons[0], 500) + more if reasons else None,
        failed=bool(reasons),
    )


def _remembered(one: Seen, known: FileHash | None) -> FileHash:
    file = one.file
    shared = one.way is Way.REFLINK or (one.way is None and known is not None and known.shared)
    return FileHash(file.place, file.size, file.modified, file.inode, one.sha256, shared)
