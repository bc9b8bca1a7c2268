"""One run over the blobs of the store, or of one model: hashed, quarantined, written down."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta

from tui_hub import text
from tui_hub.blobs import BlobStore, receipts, references
from tui_hub.blobs.examination import Stamp, names, stamp_of, status_of
from tui_hub.blobs.trash import restore
from tui_hub.domain.errors import NotFoundError
from tui_hub.domain.losses import MISSING
from tui_hub.domain.verification import Damage, Mend, Missing, Verification
from tui_hub.services.context import Context
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.storage.blob_users import BlobUsers, commands
from tui_hub.services.storage.disk_jobs import DiskJob
from tui_hub.services.storage.losses import losses, settle_losses, take_back
from tui_hub.services.storage.mending import Beside
from tui_hub.services.storage.verify_blobs import BlobChecks
from tui_hub.services.storage.verify_words import figures, problem_of

RESUMABLE = timedelta(days=7)
"""For so long a run that was cut short is gone on with; after that, its checks are too old."""
WHOLE = "store"
"""The scope of a run over the whole store."""


class VerifyRun:
    """Does the work of one job, and knows at any time what it has found."""

    def __init__(
        self, context: Context, jobs: Jobs, job: DiskJob, model: str | None, *, dry_run: bool
    ) -> None:
        self._context = context
        self._store = context.store
        self._job = job
        self._model = model
        self._dry_run = dry_run
        self._started = time.monotonic()
        self._blobs = BlobChecks(context, jobs, job, dry_run=dry_run)
        self._resumed = 0
        self._beside: list[Damage] = []
        self._missing: list[Missing] = []
        self._mended: list[Mend] = []
        self._strangers: tuple[str, ...] = ()

    def result(self) -> Verification:
        """What was found so far."""
        files = [file for one in self._blobs.damaged if one.quarantine for file in one.files]
        files += [file for missing in self._missing for file in missing.files]
        return Verification(
            job=self._job.run.job.id,
            model=self._model,
            dry_run=self._dry_run,
            checked=self._blobs.checked,
            resumed=self._resumed,
            bytes=self._blobs.bytes,
            seconds=time.monotonic() - self._started,
            damaged=(*self._blobs.damaged, *self._beside),
            missing=tuple(self._missing),
            mended=(*self._blobs.mended, *self._mended),
            strangers=self._strangers,
            commands=commands(files),
        )

    async def run(self) -> Verification:
        """Look at everything, and put right what can be.

        Raises:
            NotFoundError: when nothing of the model is here.
        """
        context, work, checks = self._context, self._job.work, self._context.hub.checks
        users = await self._look_at_users()
        wanted = await self._scope(users)
        oldest = context.clock.now() - RESUMABLE
        begun = await checks.begin(self._model or WHOLE, text.stamp(oldest))
        await self._blobs.begin(users, begun)
        self._job.keep = self._blobs.keep
        stamps = await work.on_thread(_stamps, self._store, wanted)
        done = await self._blobs.known(stamps)
        self._resumed = len(done)
        work.total = sum(stamp.size for stamp in stamps.values())
        work.skip(sum(stamps[sha256].size for sha256 in done))
        last = await checks.all()
        # What was not looked at for longest comes first, for those who are cut short each time.
        order = sorted(wanted - done, key=lambda one: (last[one].at if one in last else "", one))
        gone = [sha256 for sha256 in order if not await self._blobs.examine(sha256)]
        await self._tell_missing(gone)
        await self._take_back()
        await self._look_beside()
        await self._blobs.keep()
        self._job.keep = None
        await checks.finish(begun)
        if self._model is None:
            await checks.keep(wanted)
        return self._ended()

    async def _look_at_users(self) -> BlobUsers:
        table = self._context.hub.artifacts
        found = await self._context.on_disk(lambda: list(receipts.iter(self._store)))
        users = BlobUsers.of(found, await table.holding())
        users.take(await losses(self._context))
        return users

    async def _scope(self, users: BlobUsers) -> set[str]:
        """The blobs that are to be looked at."""
        if self._model is None:
            here = await self._context.on_disk(lambda: set(names(self._store)))
            return here | set(users.by_blob)
        blobs = users.blobs_of(self._model)
        if not blobs:
            raise NotFoundError(
                f"nothing of {self._model} is on this box",
                hint="`tui-hub storage` lists what is.",
            )
        return blobs

    async def _tell_missing(self, gone: Collection[str]) -> None:
        """Tell of blobs that are not here, once it is sure that they are needed."""
        users = self._blobs.users
        told = {one.sha256 for one in self._blobs.damaged}
        waiting = [sha256 for sha256 in gone if sha256 not in told]
        if not waiting:
            return
        needed = await self._job.work.on_thread(_needed, self._store, waiting, self._dry_run)
        needed |= {row.sha256 for row in await losses(self._context) if row.sha256 is not None}
        installs = {install.model for install in await self._context.hub.installs.list()}
        for sha256 in waiting:
            if await self._context.on_disk(self._store.has, sha256):
                continue
            if not self._dry_run:
                await self._context.on_disk(references.put_away, self._store, sha256)
            if sha256 in needed or installs & users.models_of(sha256):
                files = await users.files_of(self._context, sha256)
                self._missing.append(
                    Missing(
                        sha256=sha256,
                        size=users.sizes.get(sha256),
                        files=files,
                        active=self._blobs.active(sha256),
                    )
                )
        if not self._dry_run:
            await settle_losses(self._context, dict.fromkeys(waiting, MISSING))

    async def _take_back(self) -> None:
        """Let models have again what they lost, where another one has brought it back."""
        if not self._dry_run:
            for model in await take_back(self._context, self._blobs.sound):
                back = Mend(path=model, problem="lost bytes that are here again", done=True)
                self._mended.append(replace(back, model=model))

    async def _look_beside(self) -> None:
        """Look at links, small files and receipts."""
        files = self._blobs.users.by_blob.values()
        known = {model for held in files for model, _, _ in held}
        beside = Beside(self._context, self._job.work, dry_run=self._dry_run)
        if self._model is None:
            self._beside += await beside.receipts()
            self._strangers = await beside.strangers()
            self._mended += await beside.slots()
            known |= await beside.models()
        self._mended += await beside.mend({self._model} if self._model is not None else known)

    def _ended(self) -> Verification:
        result = self.result()
        self._job.run.result = figures(result)
        error = problem_of(result)
        self._job.run.error = None if error is None else error.message
        return result


def _stamps(store: BlobStore, blobs: Iterable[str]) -> dict[str, Stamp]:
    found = {}
    for sha256 in blobs:
        try:
            found[sha256] = stamp_of(status_of(store.path(sha256)))
        except OSError:
            continue
    return found


def _needed(store: BlobStore, gone: Collection[str], dry_run: bool) -> set[str]:
    """Those of the blobs that receipts name, once nobody is just taking them away."""
    with store.lock("collect", wait=10.0):
        named = {file.sha256 for receipt in receipts.iter(store) for file in receipt.all_files}
        needed = named.intersection(gone)
        return {one for one in needed if dry_run or not restore(store, one)}
