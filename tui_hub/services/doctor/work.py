"""What this home is at: its slots, its models, its jobs, its processes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from tui_hub import processes, text
from tui_hub.blobs import BlobStore, receipts
from tui_hub.database import HubDatabase
from tui_hub.domain.doctor import Finding
from tui_hub.domain.jobs import JobStatus, Owner
from tui_hub.paths import Paths
from tui_hub.services.context import Context
from tui_hub.services.doctor.findings import error, ok, warning
from tui_hub.services.slots.service import Activation
from tui_hub.services.storage.losses import losses

_RECENT = timedelta(days=1)
_MANY = 1000
_SHOWN = 10


async def slots(activation: Activation) -> AsyncIterator[Finding]:
    """The slots, and whether their processes live."""
    found = await activation.slots()
    for slot in found:
        if slot.error is None:
            yield ok("slots", f"{slot.type}: {slot.model} is active")
        else:
            yield error(
                "slots",
                f"{slot.type}: {slot.model} is not in memory: {slot.error}",
                f"`tui-hub reload {slot.type}`",
            )
    if not found:
        yield ok("slots", "no model is active")


async def models(context: Context) -> AsyncIterator[Finding]:
    """The models that are not whole any more, as far as that shows without reading their bytes."""
    lost = Counter(file.model for file in await losses(context))
    lost.update(await context.on_disk(_missing, context.store))
    for model, count in sorted(lost.items())[:_SHOWN]:
        files = "1 file is" if count == 1 else f"{count} files are"
        yield error(
            "models",
            f"{model}: {files} lost or damaged",
            f"`tui-hub download {model}` brings it back.",
        )
    if len(lost) > _SHOWN:
        more = f"{len(lost) - _SHOWN} more models have lost files"
        yield error("models", more, "`tui-hub storage` lists them.")
    if not lost:
        yield ok("models", "no file is missing; `tui-hub verify` reads them all")


def _missing(store: BlobStore) -> list[str]:
    """The models whose receipts name blobs that are not here, once for each file."""
    return [
        receipt.model
        for receipt in receipts.iter(store)
        for file in receipt.all_files
        if not store.has(file.sha256, file.size)
    ]


async def jobs(hub: HubDatabase, now: datetime) -> AsyncIterator[Finding]:
    """How many jobs failed lately."""
    failed = await hub.jobs.list(statuses=(JobStatus.FAILED,), limit=_MANY)
    since = text.stamp(now - _RECENT)
    count = sum((job.finished_at or job.created_at) >= since for job in failed)
    if count:
        yield warning(
            "jobs",
            f"{count} failed within a day",
            "`tui-hub jobs --status failed` lists them; `tui-hub jobs --retry ID` tries again.",
        )
    else:
        yield ok("jobs", "none failed within a day")


async def running(paths: Paths, hub: HubDatabase | None) -> AsyncIterator[Finding]:
    """The living processes of the home, and what each is at.

    Those of this box are known by the databases that they have open, all by what they own.

    Args:
        paths: where the databases are.
        hub: who owns what; `None` where that cannot be read.
    """
    databases = (paths.hub_database, paths.catalogue_database)
    here = await asyncio.to_thread(lambda: list(processes.having_open(databases)))
    tasks: dict[tuple[str, int], list[str]] = {("", pid): [] for pid in here}
    if hub is not None:
        for owner, task in await _owned(hub):
            tasks.setdefault(_place(owner), []).append(task)
    tasks.pop(("", processes.this_process().pid), None)
    lines = [_line(*place, *does) for place, does in tasks.items()]
    yield ok("processes", "; ".join(lines) or "none has this home open but this one")


async def _owned(hub: HubDatabase) -> list[tuple[Owner, str]]:
    """Living processes with what they own: leases, running jobs, the weights of slots."""
    owned = [(owner, name) for name, owner in (await hub.leases.held()).items()]
    owned += [(job.owner, f"{job.type} {job.id}") for job in await hub.jobs.running() if job.owner]
    owned += [(slot.holder, f"holds {slot.type}") for slot in await hub.slots.list() if slot.holder]
    return [(owner, task) for owner, task in owned if processes.alive(owner)]


def _place(owner: Owner) -> tuple[str, int]:
    """The host where that is another one, or another container, and the pid."""
    here = processes.this_process()
    same = (owner.host, owner.boot) == (here.host, here.boot)
    return "" if same else owner.host, owner.pid


def _line(host: str, pid: int, *does: str) -> str:
    command = None if host else processes.command_of(pid)
    where = f" on {text.clean(host, 60)}" if host else ""
    what = f" {text.clean(command, 80)}" if command else ""
    at = f" ({text.clean(', '.join(does), 120)})" if does else ""
    return f"{pid}{where}{what}{at}"
