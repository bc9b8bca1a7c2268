"""How the services of an open home are made, each from which others, when it is first asked for.

A plain command needs few of them, and importing them all would be most of the time that it takes.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tui_hub.domain.jobs import JobType
from tui_hub.events import EventBus
from tui_hub.services.context import Context
from tui_hub.services.jobs.service import Jobs
from tui_hub.settings import Configuration

if TYPE_CHECKING:
    from tui_hub.services.agent.service import Agent
    from tui_hub.services.doctor import Doctor
    from tui_hub.services.downloads.service import Downloads
    from tui_hub.services.fit.service import Fit
    from tui_hub.services.greeting import Greeting
    from tui_hub.services.hardware import Hardware
    from tui_hub.services.holders.children import Children
    from tui_hub.services.holders.holders import Holders
    from tui_hub.services.holders.memory import Memory
    from tui_hub.services.holders.ollama import Ollama
    from tui_hub.services.hooks.service import Hooks
    from tui_hub.services.metrics import Metrics
    from tui_hub.services.models.adding import Adding
    from tui_hub.services.models.catalogue import Catalogue
    from tui_hub.services.models.configuring import Configuring
    from tui_hub.services.models.metadata import Metadata
    from tui_hub.services.models.repositories import Repositories
    from tui_hub.services.models.versions import Versions
    from tui_hub.services.network import Network
    from tui_hub.services.preferences import Preferences
    from tui_hub.services.registry import Registry
    from tui_hub.services.scanning.service import Scanning
    from tui_hub.services.slots.service import Activation
    from tui_hub.services.storage.disk_jobs import DiskJobs
    from tui_hub.services.storage.garbage import GarbageCollection
    from tui_hub.services.storage.room import Room
    from tui_hub.services.storage.service import Storage
    from tui_hub.services.storage.verifying import Verify
    from tui_hub.services.sync.changes import ChangeFeed
    from tui_hub.services.sync.feed_list import FeedList
    from tui_hub.services.sync.feeds import Feeds
    from tui_hub.services.sync.scheduler import Scheduler
    from tui_hub.services.sync.service import Sync

_RUNNERS = {
    JobType.SYNC: "sync",
    JobType.DOWNLOAD: "downloads",
    JobType.SCAN: "scanning",
    JobType.VERIFY: "verify",
    JobType.ACTIVATE: "activation",
}
"""Which service runs, cancels and retries each type of job."""


class Services:
    """Everything the program can do, on one open home."""

    def __init__(self, context: Context) -> None:
        """Make them for a home; whoever opened that closes them."""
        self._context = context
        self.configuration: Configuration = context.configuration
        self.bus: EventBus = context.bus
        self.jobs = Jobs(context, lambda kind: getattr(self, _RUNNERS[kind]))
        if context.configuration.settings.hooks:
            self.hooks  # noqa: B018 - it is told of every job from now on

    async def close(self) -> None:
        """End what goes on here: running downloads pause, a sync stops."""
        made = vars(self)
        if "metrics" in made:
            await self.metrics.settle()  # once more while the GPUs can still be read
        if "works" in made:
            await self.works.close()
        if "scheduler" in made:
            await self.scheduler.stop()
        if "sync" in made:
            await self.sync.close()
        if "downloads" in made:
            await self.downloads.close()
        if "ollama" in made:
            await self.ollama.close()
        if "hardware" in made:
            await self.hardware.close()
        await self.jobs.held.close()
        if "metrics" in made:
            await self.metrics.close()
        if "hooks" in made:
            await self.hooks.close()

    @cached_property
    def catalogue(self) -> Catalogue:
        """What models there are: search, look up, notes and favourites."""
        from tui_hub.services.models.catalogue import Catalogue

        return Catalogue(self._context)

    @cached_property
    def repositories(self) -> Repositories:
        """The files, variants and texts of single models."""
        from tui_hub.services.models.repositories import Repositories

        return Repositories(self._context, self.catalogue, self._metadata)

    @cached_property
    def adding(self) -> Adding:
        """Models and repositories that the user adds."""
        from tui_hub.services.models.adding import Adding

        return Adding(self._context, self.catalogue)

    @cached_property
    def sync(self) -> Sync:
        """Bringing the catalogue up to date."""
        from tui_hub.services.sync.service import Sync

        return Sync(
            self._context, self.jobs, self.repositories, self._feed_list, self.hooks.new_models
        )

    @cached_property
    def feeds(self) -> Feeds:
        """The feeds with their state, and changing them."""
        from tui_hub.services.sync.feeds import Feeds

        return Feeds(self._context, self._feed_list, self.sync)

    @cached_property
    def scheduler(self) -> Scheduler:
        """When feeds are synced by themselves."""
        from tui_hub.services.sync.scheduler import Scheduler

        return Scheduler(self._context, self.sync, self._feed_list)

    @cached_property
    def downloads(self) -> Downloads:
        """The queue of downloads."""
        from tui_hub.services.downloads.service import Downloads

        return Downloads(self._context, self.jobs, self.repositories, self._metadata)

    @cached_property
    def fit(self) -> Fit:
        """Whether a model fits the memory of this box."""
        from tui_hub.services.fit.service import Fit

        return Fit(self._context, self.repositories, self._metadata, self.hardware)

    @cached_property
    def storage(self) -> Storage:
        """What the store holds, and deleting from it."""
        from tui_hub.services.storage.service import Storage

        return Storage(self._context, self.jobs, self.activation)

    @cached_property
    def activation(self) -> Activation:
        """The slots, and what is active in them."""
        from tui_hub.services.holders.runtimes import Runtimes
        from tui_hub.services.slots.service import Activation

        holders = self._holders
        return Activation(
            self._context,
            self.jobs,
            Runtimes(self._context, self.repositories, holders),
            self._memory,
            self.hardware,
            self._children,
            holders,
            self.ollama,
        )

    @cached_property
    def configuring(self) -> Configuring:
        """How single models are to be run."""
        from tui_hub.services.models.configuring import Configuring

        return Configuring(self._context, self.catalogue, self.repositories, self._metadata)

    @cached_property
    def hardware(self) -> Hardware:
        """Live readings of GPUs and host."""
        from tui_hub.services.hardware import Hardware

        return Hardware(self._context)

    @cached_property
    def ollama(self) -> Ollama:
        """The daemon of Ollama on this box."""
        from tui_hub.services.holders.ollama import Ollama

        return Ollama(self._context, self.hardware)

    @cached_property
    def agent(self) -> Agent:
        """The background process that goes on after the terminal."""
        from tui_hub.services.agent.service import Agent

        return Agent(self._context, self.jobs, self.downloads, self.activation, self.scheduler)

    @cached_property
    def doctor(self) -> Doctor:
        """What is wrong with this box."""
        from tui_hub.services.doctor import Doctor

        return Doctor(
            self._context, self.hardware, self.activation, self.sync, self.scheduler, self.agent
        )

    @cached_property
    def changes(self) -> ChangeFeed:
        """The change feed of the catalogue."""
        from tui_hub.services.sync.changes import ChangeFeed

        return ChangeFeed(self._context, self.fit)

    @cached_property
    def hooks(self) -> Hooks:
        """The user's webhooks and commands."""
        from tui_hub.services.hooks.service import Hooks

        return Hooks(self._context, self.jobs)

    @cached_property
    def metrics(self) -> Metrics:
        """The file of figures for a monitoring system."""
        from tui_hub.services.metrics import Metrics

        return Metrics(self._context, self.jobs, self.sync, self.storage, self.hardware)

    @cached_property
    def versions(self) -> Versions:
        """Revisions of models, and the names that users give them."""
        from tui_hub.services.models.versions import Versions

        return Versions(self._context, self.repositories)

    @cached_property
    def preferences(self) -> Preferences:
        """What the screen remembers."""
        from tui_hub.services.preferences import Preferences

        return Preferences(self._context)

    @cached_property
    def network(self) -> Network:
        """Going offline and online again."""
        from tui_hub.services.network import Network

        return Network(self._context, self.downloads)

    @cached_property
    def greeting(self) -> Greeting:
        """Whether a person is to be greeted."""
        from tui_hub.services.greeting import Greeting

        return Greeting(self._context)

    @cached_property
    def garbage(self) -> GarbageCollection:
        """Sweeping what nothing refers to."""
        from tui_hub.services.storage.garbage import GarbageCollection

        return GarbageCollection(self._context)

    @cached_property
    def verify(self) -> Verify:
        """Hashing what is in the store again."""
        from tui_hub.services.storage.verifying import Verify

        return Verify(self._context, self.jobs, self.works)

    @cached_property
    def scanning(self) -> Scanning:
        """Finding models that are on this box already."""
        from tui_hub.services.scanning.service import Scanning

        return Scanning(
            self._context, self.jobs, self.works, self.repositories, self.adding, self._metadata
        )

    @cached_property
    def room(self) -> Room:
        """What to delete for so much room."""
        from tui_hub.services.storage.room import Room

        return Room(self._context)

    @cached_property
    def works(self) -> DiskJobs:
        """Long work on the disk that goes on here."""
        from tui_hub.services.storage.disk_jobs import DiskJobs

        return DiskJobs(self._context, self.jobs)

    @cached_property
    def registry(self) -> Registry:
        """Export and import of what is registered."""
        from tui_hub.services.registry import Registry

        return Registry(self._context, self.feeds)

    @cached_property
    def _metadata(self) -> Metadata:
        from tui_hub.services.models.metadata import Metadata

        return Metadata(self._context)

    @cached_property
    def _feed_list(self) -> FeedList:
        from tui_hub.services.sync.feed_list import FeedList

        return FeedList(self._context)

    @cached_property
    def _children(self) -> Children:
        from tui_hub.services.holders.children import Children

        return Children(self._context)

    @cached_property
    def _memory(self) -> Memory:
        from tui_hub.services.holders.memory import Memory

        return Memory(self.fit.devices)

    @cached_property
    def _holders(self) -> Holders:
        from tui_hub.domain.runtime import COMMAND, OLLAMA, TORCH
        from tui_hub.services.holders.command_holder import CommandHolder
        from tui_hub.services.holders.holders import Holders
        from tui_hub.services.holders.ollama_holder import OllamaHolder
        from tui_hub.services.holders.torch_holder import TorchHolder

        context, children, memory = self._context, self._children, self._memory
        weigher, hardware = self.fit.weigher, self.hardware
        return Holders(
            {
                TORCH: TorchHolder(context, children, memory, weigher),
                OLLAMA: OllamaHolder(context, self.ollama, memory),
                COMMAND: CommandHolder(context, children, memory, hardware, weigher),
            }
        )
