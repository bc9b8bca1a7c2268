"""Work that only one process of a home may do at a time, under a lease that is kept alive."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tui_hub.database import HubDatabase
from tui_hub.domain.errors import HubError, LostLeaseError, RefusedError
from tui_hub.domain.jobs import Owner
from tui_hub.processes import alive

_log = logging.getLogger(__name__)

TTL = 30.0
"""Seconds of silence after which a holder that still runs loses its lease."""
BEAT = 5.0
"""Seconds between two heartbeats."""
_PATIENCE = 45.0
"""Seconds to wait for another task or process that does the same kind of thing.

More than `TTL`, so that a holder that went silent is outlived.
"""
_POLL = 0.05


@asynccontextmanager
async def alone(hub: HubDatabase, name: str, owner: Owner) -> AsyncIterator[int]:
    """Keep every other task and process of this home from the same piece of work.

    Gives the fence number, by which a write can make sure that it is still so.

    Raises:
        RefusedError: when another does not finish in time.
        LostLeaseError: when this process was silent for too long, and another went on.
    """
    deadline = time.monotonic() + _PATIENCE
    while (fence := await hub.leases.acquire(name, owner, alive, TTL)) is None:
        if time.monotonic() > deadline:
            raise RefusedError(f"another process is at work on {name}", hint="Try again.")
        await asyncio.sleep(_POLL)
    async with held(hub, name, fence):
        yield fence


@asynccontextmanager
async def held(hub: HubDatabase, name: str, fence: int) -> AsyncIterator[None]:
    """Keep a lease that was acquired for as long as the block runs, then give it back.

    Raises:
        LostLeaseError: when it went to another process, at which the block is cancelled.
    """
    worker = asyncio.current_task()
    lost = False

    async def watch() -> None:
        nonlocal lost
        await keep(hub, name, fence)
        lost = True
        if worker is not None:
            worker.cancel()

    keeper = asyncio.create_task(watch(), name=f"lease {name}")
    try:
        yield
    except (asyncio.CancelledError, LostLeaseError):
        if worker is None or not lost or worker.uncancel() > 0:
            raise
        raise LostLeaseError(f"another process took over {name}") from None
    finally:
        keeper.cancel()
        try:
            await asyncio.shield(hub.leases.release(name, fence))
        except HubError as error:
            # The work is done all the same, and whoever wants the lease has it once it is silent.
            _log.warning("the lease %s was not given back: %s", name, error.message)


async def holder(hub: HubDatabase, name: str) -> Owner | None:
    """Who holds a lease that nobody else may take: neither the dead nor the silent count."""
    return await hub.leases.living(name, alive, TTL)


async def keep(hub: HubDatabase, name: str, fence: int) -> None:
    """Show again and again that the holder of a lease lives; returns once it is lost."""
    while True:
        await asyncio.sleep(BEAT)
        try:
            if not await hub.leases.renew(name, fence):
                _log.warning("another process took over %s", name)
                return
        except Exception as error:
            # What counts is the fence: a holder that cannot write does no harm with its lease.
            _log.warning("the lease %s could not be renewed: %s", name, error)
