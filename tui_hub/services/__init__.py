"""What the program does, for the screen, the command line, cron and other programs alike.

`open_services` opens a home; `wiring` is the one page that says how the services are made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from tui_hub.blobs import BlobStore
from tui_hub.database import CatalogueDatabase, HubDatabase
from tui_hub.domain.errors import NoSpaceError, RefusedError
from tui_hub.events import EventBus
from tui_hub.paths import Paths
from tui_hub.processes import this_process
from tui_hub.services.context import Context
from tui_hub.services.recovery import recover
from tui_hub.services.storage import spare
from tui_hub.services.sync.clocks import Clock
from tui_hub.services.wiring import Services
from tui_hub.settings import Configuration
from tui_hub.sources.every import Sources

__all__ = ["Services", "open_services"]

_T = TypeVar("_T")
_DISK_THREADS = 4


@asynccontextmanager
async def open_services(
    configuration: Configuration, clock: Clock | None = None
) -> AsyncIterator[Services]:
    """Open a home, and close everything at the end: running downloads pause, a sync stops.

    Args:
        configuration: the settings, and where the home is.
        clock: the clocks that the schedule goes by; the box's own where none are given.

    Raises:
        HubError: when a database cannot be opened or made.
    """
    async with AsyncExitStack() as stack:
        paths = configuration.paths
        _make_home(paths)
        hub, catalogue = await _open_databases(paths, stack)
        disk = ThreadPoolExecutor(_DISK_THREADS, thread_name_prefix="disk")
        stack.callback(disk.shutdown)
        sources = Sources(configuration, hub.additions.get)
        stack.push_async_callback(sources.close)
        context = Context(
            configuration=configuration,
            hub=hub,
            catalogue=catalogue,
            store=BlobStore(paths.store),
            sources=sources,
            bus=EventBus(),
            owner=this_process(),
            disk=disk,
            clock=clock or Clock(),
        )
        services = Services(context)
        stack.push_async_callback(services.close)
        services.jobs.held.start()
        await recover(context, services.jobs)
        if configuration.settings.metrics.file:
            services.metrics.start()
        yield services


async def _open_databases(
    paths: Paths, stack: AsyncExitStack
) -> tuple[HubDatabase, CatalogueDatabase]:
    """Open both; on a full disk by the room that was set aside for that."""
    folder = paths.hub_database.parent
    hub = await _though_full(folder, lambda: HubDatabase.open(paths.hub_database))
    stack.push_async_callback(hub.close)
    catalogue = await _though_full(folder, lambda: CatalogueDatabase.open(paths.catalogue_database))
    stack.push_async_callback(catalogue.close)
    await asyncio.to_thread(spare.keep, folder)
    return hub, catalogue


async def _though_full(folder: Path, opening: Callable[[], Awaitable[_T]]) -> _T:
    try:
        return await opening()
    except NoSpaceError:
        if not await asyncio.to_thread(spare.give_up, folder):
            raise
        return await opening()


def _make_home(paths: Paths) -> None:
    """Make the folders of the home, for this user alone."""
    for folder in {paths.hub_database.parent, paths.catalogue_database.parent}:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RefusedError(
                f"the home {folder} cannot be made: {error.strerror}",
                hint="Name a folder that this user can write with --home or TUI_HUB_HOME.",
            ) from None
