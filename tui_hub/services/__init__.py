"""What the program does, for the screen, the command line, cron and other programs alike.

`open_services` is the one page that wires everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tui_hub.blobs import BlobStore
from tui_hub.database import CatalogueDatabase, HubDatabase
from tui_hub.domain.errors import NoSpaceError, RefusedError
from tui_hub.domain.runtime import COMMAND, OLLAMA, TORCH
from tui_hub.events import EventBus
from tui_hub.paths import Paths
from tui_hub.processes import this_process
from tui_hub.services import spare
from tui_hub.services.activation import Activation
from tui_hub.services.adding import Adding
from tui_hub.services.agent import Agent
from tui_hub.services.catalogue import Catalogue
from tui_hub.services.changes import ChangeFeed
from tui_hub.services.children import Children
from tui_hub.services.clocks import Clock
from tui_hub.services.command_holder import CommandHolder
from tui_hub.services.configuring import Configuring
from tui_hub.services.context import Context
from tui_hub.services.disk_jobs import DiskJobs
from tui_hub.services.doctor import Doctor
from tui_hub.services.downloads import Downloads
from tui_hub.services.feed_list import FeedList
from tui_hub.services.feeds import Feeds
from tui_hub.services.fit import Fit
from tui_hub.services.garbage import GarbageCollection
from tui_hub.services.hardware import Hardware
from tui_hub.services.holders import Holders
from tui_hub.services.hooks import Hooks
from tui_hub.services.jobs import Jobs
from tui_hub.services.memory import Memory
from tui_hub.services.metadata import Metadata
from tui_hub.services.ollama import Ollama
from tui_hub.services.ollama_holder import OllamaHolder
from tui_hub.services.preferences import Preferences
from tui_hub.services.recovery import recover
from tui_hub.services.registry import Registry
from tui_hub.services.repositories import Repositories
from tui_hub.services.room import Room
from tui_hub.services.runtimes import Runtimes
from tui_hub.services.scanning import Scanning
from tui_hub.services.scheduler import Scheduler
from tui_hub.services.storage import Storage
from tui_hub.services.sync import Sync
from tui_hub.services.torch_holder import TorchHolder
from tui_hub.services.verifying import Verify
from tui_hub.services.versions import Versions
from tui_hub.settings import Configuration
from tui_hub.sources import added_sources, sources_from

__all__ = ["Services", "open_services"]

_T = TypeVar("_T")
_DISK_THREADS = 4


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the program can do, on one open home."""

    configuration: Configuration
    bus: EventBus
    catalogue: Catalogue
    repositories: Repositories
    adding: Adding
    sync: Sync
    feeds: Feeds
    scheduler: Scheduler
    downloads: Downloads
    fit: Fit
    storage: Storage
    activation: Activation
    configuring: Configuring
    jobs: Jobs
    hardware: Hardware
    ollama: Ollama
    agent: Agent
    doctor: Doctor
    changes: ChangeFeed
    hooks: Hooks
    versions: Versions
    preferences: Preferences
    garbage: GarbageCollection
    verify: Verify
    scanning: Scanning
    room: Room
    works: DiskJobs
    """Long work on the disk that goes on here."""
    registry: Registry


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
        sources = sources_from(configuration) | added_sources(configuration, hub.additions.get)
        for source in sources.values():
            stack.push_async_callback(source.close)
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
        services = _wire(context)
        stack.push_async_callback(services.hooks.close)
        services.jobs.held.start()
        stack.push_async_callback(services.jobs.held.close)
        await recover(context, services.jobs)
        stack.push_async_callback(services.hardware.close)
        stack.push_async_callback(services.ollama.close)
        stack.push_async_callback(services.downloads.close)
        stack.push_async_callback(services.sync.close)
        stack.push_async_callback(services.scheduler.stop)
        stack.push_async_callback(services.works.close)
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


def _wire(context: Context) -> Services:
    jobs = Jobs(context)
    catalogue = Catalogue(context)
    metadata = Metadata(context)
    repositories = Repositories(context, catalogue, metadata)
    hardware = Hardware(context)
    fit = Fit(context, repositories, metadata, hardware)
    children, memory, ollama = Children(context), Memory(fit.devices), Ollama(context, hardware)
    holders = Holders(
        {
            TORCH: TorchHolder(context, children, memory, fit.weigher),
            OLLAMA: OllamaHolder(context, ollama, memory),
            COMMAND: CommandHolder(context, children, memory, hardware, fit.weigher),
        }
    )
    runtimes = Runtimes(context, repositories, holders)
    activation = Activation(context, jobs, runtimes, memory, hardware, children, holders, ollama)
    downloads = Downloads(context, jobs, repositories, metadata)
    known = FeedList(context)
    hooks = Hooks(context, jobs)
    sync = Sync(context, jobs, repositories, known, hooks.new_models)
    scheduler = Scheduler(context, sync, known)
    adding = Adding(context, catalogue)
    works = DiskJobs(context, jobs)
    agent = Agent(context, jobs, downloads, activation, scheduler)
    feeds = Feeds(context, known, sync)
    return Services(
        configuration=context.configuration,
        bus=context.bus,
        catalogue=catalogue,
        repositories=repositories,
        adding=adding,
        sync=sync,
        feeds=feeds,
        scheduler=scheduler,
        downloads=downloads,
        fit=fit,
        storage=Storage(context, activation),
        activation=activation,
        configuring=Configuring(context, catalogue, repositories),
        jobs=jobs,
        hardware=hardware,
        ollama=ollama,
        agent=agent,
        doctor=Doctor(context, hardware, activation, sync, scheduler, agent),
        changes=ChangeFeed(context, fit),
        hooks=hooks,
        versions=Versions(context, repositories),
        preferences=Preferences(context),
        garbage=GarbageCollection(context),
        verify=Verify(context, jobs, works),
        scanning=Scanning(context, jobs, works, repositories, adding, metadata),
        room=Room(context),
        works=works,
        registry=Registry(context, feeds),
    )
