"""The blobs of one run over the store: each looked at, moved away if need be, and written down."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tui_hub import text
from tui_hub.blobs.examination import Examined, Stamp, examine, names, renew, seal
from tui_hub.blobs.quarantine import quarantine
from tui_hub.domain.errors import HubError
from tui_hub.domain.losses import DAMAGED
from tui_hub.domain.verification import Check, Damage, Mend, Verifying
from tui_hub.services.context import Context
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.slots.standing import read_slots
from tui_hub.services.storage.blob_users import BlobUsers
from tui_hub.services.storage.disk_jobs import DiskJob
from tui_hub.services.storage.losses import settle_losses

_TRIES = 3
"""How often a blob is looked at that another process brings in anew meanwhile."""


class _Found(msgspec.Struct, frozen=True):
    damaged: tuple[Damage, ...] = ()


class BlobChecks:
    """Looks at blobs one after the other; what it found so far outlives a kill."""

    def __init__(self, context: Context, jobs: Jobs, job: DiskJob, *, dry_run: bool) -> None:
        self._context = context
        self._store = context.store
        self._jobs = jobs
        self._job = job
        self._dry_run = dry_run
        self._run = Verifying("", 0, "", "")
        self._slots: dict[str, list[str]] = {}
        self._fresh: list[Check] = []
        self.users = BlobUsers()
        self.checked = 0
        self.bytes = 0
        self.sound: set[str] = set()
        self.damaged: list[Damage] = []
        self.mended: list[Mend] = []

    async def begin(self, users: BlobUsers, run: Verifying) -> None:
        """Begin a run, or take up what an earlier part of it found, as far as it is still so."""
        self.users, self._run = users, run
        for slot in (await read_slots(self._context)).values():
            self._slots.setdefault(slot.model, []).append(slot.type.value)
        if run.found:
            before = msgspec.json.decode(run.found, type=_Found)
            here = await self._context.on_disk(lambda: set(names(self._store)))
            self.damaged += [one for one in before.damaged if one.sha256 not in (None, *here)]
            self.checked += len(self.damaged)

    async def known(self, stamps: dict[str, Stamp]) -> set[str]:
        """The blobs that an earlier part of this run found sound, and that did not change since."""
        checks = await self._context.hub.checks.of_run(self._run.number)
        known = {
            sha256
            for sha256, check in checks.items()
            if stamps.get(sha256) == Stamp(check.size, check.modified, check.inode)
        }
        self.sound |= known
        self.checked += len(known)
        return known

    async def examine(self, sha256: str) -> bool:
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
        self.checked += 1
        return True

    def _advance(self, count: int) -> None:
        self.bytes += count
        self._job.work.advance(count)

    async def _sound(self, examined: Examined) -> None:
        stamp = examined.stamp
        path = str(self._store.path(examined.sha256))
        if examined.unsealed:
            sealed = not self._dry_run and await self._job.work.on_thread(
                seal, self._store, examined
            )
            self.mended.append(Mend(path=path, problem="could be written to", done=sealed))
        if examined.touched:
            renewed = not self._dry_run and await self._job.work.on_thread(
                renew, self._store, examined
            )
            problem = "counted as missing: its file was touched"
            self.mended.append(Mend(path=path, problem=problem, done=renewed))
            if not renewed:
                return  # it still counts as missing
        self.sound.add(examined.sha256)
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
        wanted = self.users.sizes.get(sha256)
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
            files=await self.users.files_of(self._context, sha256),
            active=self.active(sha256),
        )
        self.damaged.append(damage)
        await self.keep()
        if aside is not None:
            await settle_losses(self._context, {sha256: DAMAGED})
        whose = ", ".join(damage.models) or "no model"
        await self._jobs.log(self._job.run.job.id, f"{sha256} {reason}; it belongs to {whose}")
        return True

    async def keep(self) -> None:
        """Write down what was found so far."""
        fresh, self._fresh = self._fresh, []
        found = _Found(tuple(self.damaged))
        words = msgspec.json.encode(found).decode() if self.damaged else ""
        if not fresh and words == self._run.found:
            return
        self._run = replace(self._run, found=words)
        try:
            await self._context.hub.checks.note(self._run, fresh)
        except BaseException:
            self._fresh = fresh + self._fresh
            raise

    def active(self, sha256: str) -> tuple[str, ...]:
        """The slots whose models hold a blob."""
        models = self.users.models_of(sha256)
        return tuple(sorted(one for model in models for one in self._slots.get(model, ())))

    def _name(self, sha256: str) -> str:
        held = sorted(self.users.by_blob.get(sha256, ()))
        return f"{held[0][0]} {held[0][2]}" if held else sha256[:12]
