"""One run over the blobs of the store, or of one model: hashed, quarantined, written down."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta

import msgspec

from tui_hub import text
from tui_hub.blobs import BlobStore, receipts
from tui_hub.blobs.examination import (
    Examined,
    Stamp,
    examine,
    names,
    seal,
    stamp_of,
    status_of,
)
from tui_hub.blobs.quarantine import lost, quarantine
from tui_hub.blobs.trash import restore
from tui_hub.domain.errors import HubError, NotFoundError
from tui_hub.domain.verification import (
    Check,
    Damage,
    Mend,
    Missing,
    Verification,
    Verifying,
)
from tui_hub.services.blob_users import BlobUsers, commands
from tui_hub.services.context import Context
from tui_hub.services.disk_jobs import DiskJob
from tui_hub.services.jobs import Jobs
from tui_hub.services.losses import DAMAGED, MISSING, settle_losses
from tui_hub.services.mending import Beside
from tui_hub.services.slots import read_slots
from tui_hub.services.verify_words import figures, problem_of

RESUMABLE = timedelta(days=7)
"""For so long a run that was cut short is gone on with; after that, its checks are too old."""
WHOLE = "store"
"""The scope of a run over the whole store."""
_TRIES = 3
"""How often a blob is looked at that another process brings in anew meanwhile."""


class _Found(msgspec.Struct, frozen=True):
    damaged: tuple[Damage, ...] = ()


class VerifyRun:
    """Does the work of one job, and knows at any time what it has found."""

    def __init__(
        self, context: Context, jobs: Jobs, job: DiskJob, model: str | None, *, dry_run: bool
    ) -> None:
        self._context = context
        self._store = context.store
        self._jobs = jobs
        self._job = job
        self._model = model
        self._dry_run = dry_run
        self._started = time.monotonic()
        self._run = Verifying("", 0, "", "")
        self._users = BlobUsers()
        self._fresh: list[Check] = []
        self._checked = self._resumed = self._bytes = 0
        self._damaged: list[Damage] = []
        self._missing: list[Missing] = []
        self._mended: list[Mend] = []
        self._strangers: tuple[str, ...] = ()
        self._slots: dict[str, list[str]] = {}

    def result(self) -> Verification:
        """What was found so far."""
        files = [file for damage in self._damaged for file in damage.files]
        files += [file for missing in self._missing for file in missing.files]
        return Verification(
            job=self._job.run.job.id,
            model=self._model,
            dry_run=self._dry_run,
            checked=self._checked,
            resumed=self._resumed,
            bytes=self._bytes,
            seconds=time.monotonic() - self._started,
            damaged=tuple(self._damaged),
            missing=tuple(self._missing),
            mended=tuple(self._mended),
            strangers=self._strangers,
            commands=commands(files),
        )

    async def run(self) -> Verification:
        """Look at everything, and put right what can be.

        Raises:
            NotFoundError: when nothing of the model is here.
        """
        context, work = self._context, self._job.work
        blobs = await self._scope()
        oldest = context.clock.now() - RESUMABLE
        self._run = await context.hub.checks.begin(self._model or WHOLE, text.stamp(oldest))
        self._job.keep = self._keep
        await self._take_up()
        for slot in (await read_slots(context)).values():
            self._slots.setdefault(slot.model, []).append(slot.type.value)
        stamps = await work.on_thread(_stamps, self._store, blobs)
        done = {
            sha256
            for sha256, check in (await context.hub.checks.of_run(self._run.number)).items()
            if stamps.get(sha256) == Stamp(check.size, check.modified, check.inode)
        }
        work.total = sum(stamp.size for stamp in stamps.values())
        work.skip(sum(stamps[sha256].size for sha256 in done))
        self._checked = self._resumed = len(done)
        last = await context.hub.checks.all()
        # What was not looked at for longest comes first, for those who are cut short each time.
        order = sorted(blobs - done, key=lambda one: (last[one].at if one in last else "", one))
        gone = [sha256 for sha256 in order if not await self._examine(sha256)]
        await self._tell_missing(gone)
        await self._look_beside()
        await self._finish(blobs)
        return self.result()

    async def _scope(self) -> set[str]:
        """The blobs that are to be looked at."""
        store, table = self._store, self._context.hub.artifacts
        found = await self._context.on_disk(lambda: list(receipts.iter(store)))
        self._users = BlobUsers.of(found, await table.holding())
        gone = await self._context.on_disk(lost, store)
        self._users.take(await table.lost(gone))
        if self._model is None:
            present = await self._context.on_disk(lambda: set(names(store)))
            return present | set(self._users.by_blob)
        blobs = self._users.blobs_of(self._model)
        if not blobs:
            raise NotFoundError(
                f"nothing of {self._model} is on this box",
                hint="`tui-hub storage` lists what is.",
            )
        return blobs

    async def _take_up(self) -> None:
        """Take over what an earlier part of this run found, as far as it is still so."""
        if not self._run.found:
            return
        before = msgspec.json.decode(self._run.found, type=_Found)
        here = await self._context.on_disk(lambda: set(names(self._store)))
        self._damaged += [one for one in before.damaged if one.sha256 not in here]
        self._checked += len(self._damaged)

    async def _examine(self, sha256: str) -> bool:
        """Look at one blob; `False` when there is none."""
        work = self._job.work
        work.subject = self._name(sha256)
        for _ in range(_TRIES):
            examined = await work.on_thread(examine, self._store, sha256, self._advance)
            if examined is None:
                return False
            if examined.reason is None:
                await self._sound(examined)
                break
            if await self._damage(examined):
                break
        self._checked += 1
        return True

    def _advance(self, count: int) -> None:
        self._bytes += count
        self._job.work.advance(count)

    async def _sound(self, examined: Examined) -> None:
        stamp = examined.stamp
        if examined.unsealed:
            sealed = not self._dry_run and await self._job.work.on_thread(
                seal, self._store, examined
            )
            path = str(self._store.path(examined.sha256))
            self._mended.append(Mend(path=path, problem="could be written to", done=sealed))
        self._fresh.append(
            Check(
                sha256=examined.sha256,
                at=text.now(),
                size=stamp.size,
                modified=stamp.modified,
                inode=stamp.inode,
            )
        )

    async def _damage(self, examined: Examined) -> bool:
        """Move a damaged blob away and tell of it; `False` when another has taken its place."""
        sha256, reason = examined.sha256, examined.reason or ""
        aside = None
        if examined.ours_to_move and not self._dry_run:
            try:
                aside = await self._job.work.on_thread(
                    quarantine, self._store, sha256, examined.found, examined.status
                )
            except HubError as error:
                reason = f"{reason}, and stays where it is: {error.message}"
            else:
                if aside is None:
                    return False
        wanted = self._users.sizes.get(sha256)
        size = examined.stamp.size
        if examined.found is not None and wanted not in (None, size):
            reason = f"has {size} bytes instead of {wanted}"
        damage = Damage(
            path=str(self._store.path(sha256)),
            reason=reason,
            sha256=sha256,
            found=examined.found,
            size=size,
            quarantine=None if aside is None else str(aside),
            files=await self._users.files_of(self._context, sha256),
            active=self._active(sha256),
        )
        self._damaged.append(damage)
        await self._keep()
        if aside is not None:
            await settle_losses(self._context, {sha256: DAMAGED})
        whose = ", ".join(damage.models) or "no model"
        await self._jobs.log(self._job.run.job.id, f"{sha256} {reason}; it belongs to {whose}")
        return True

    async def _tell_missing(self, gone: Collection[str]) -> None:
        """Tell of blobs that are not here, once it is sure that they are needed."""
        told = {one.sha256 for one in self._damaged}
        waiting = [sha256 for sha256 in gone if sha256 not in told]
        if not waiting:
            return
        needed = await self._job.work.on_thread(_needed, self._store, waiting, self._dry_run)
        moved = await self._context.on_disk(lost, self._store, waiting)
        installs = {install.model for install in await self._context.hub.installs.list()}
        for sha256 in waiting:
            if await self._context.on_disk(self._store.has, sha256):
                continue
            here = sha256 in moved or installs & self._users.models_of(sha256)
            if sha256 in needed or here:
                files = await self._users.files_of(self._context, sha256)
                self._missing.append(
                    Missing(
                        sha256=sha256,
                        size=self._users.sizes.get(sha256),
                        files=files,
                        active=self._active(sha256),
                    )
                )
        if not self._dry_run:
            await settle_losses(self._context, dict.fromkeys(set(waiting) - moved, MISSING))

    async def _look_beside(self) -> None:
        """Look at links, small files and receipts."""
        known = {model for files in self._users.by_blob.values() for model, _, _ in files}
        beside = Beside(self._context, self._job.work, dry_run=self._dry_run)
        if self._model is None:
            self._damaged += await beside.receipts()
            self._strangers = await beside.strangers()
            self._mended += await beside.slots()
            known |= await beside.models()
        self._mended += await beside.mend({self._model} if self._model is not None else known)

    async def _finish(self, blobs: Iterable[str]) -> None:
        await self._keep()
        self._job.keep = None
        await self._context.hub.checks.finish(self._run)
        if self._model is None:
            await self._context.hub.checks.keep(blobs)
        result = self.result()
        self._job.run.result = figures(result)
        error = problem_of(result)
        self._job.run.error = None if error is None else error.message

    async def _keep(self) -> None:
        """Write down what was found so far."""
        fresh, self._fresh = self._fresh, []
        found = _Found(tuple(self._damaged))
        words = msgspec.json.encode(found).decode() if self._damaged else ""
        if not fresh and words == self._run.found:
            return
        self._run = replace(self._run, found=words)
        try:
            await self._context.hub.checks.note(self._run, fresh)
        except BaseException:
            self._fresh = fresh + self._fresh
            raise

    def _active(self, sha256: str) -> tuple[str, ...]:
        models = self._users.models_of(sha256)
        return tuple(sorted(one for model in models for one in self._slots.get(model, ())))

    def _name(self, sha256: str) -> str:
        held = sorted(self._users.by_blob.get(sha256, ()))
        return f"{held[0][0]} {held[0][2]}" if held else sha256[:12]


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
