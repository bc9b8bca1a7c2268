"""What the services share: the databases, the store, the sources, the bus."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ParamSpec, TypeVar

from tui_hub.blobs import BlobStore, recover
from tui_hub.database import CatalogueDatabase, HubDatabase
from tui_hub.domain.errors import NotFoundError, RefusedError, UsageError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import Owner
from tui_hub.events import EventBus
from tui_hub.services.downloads.awaited import awaited
from tui_hub.services.jobs import leases
from tui_hub.services.sync.clocks import Clock
from tui_hub.settings import Configuration
from tui_hub.sources.base import Source
from tui_hub.sources.every import Sources

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Context:
    """One open home. Services are built on it; nothing else opens files or connections."""

    configuration: Configuration
    hub: HubDatabase
    catalogue: CatalogueDatabase
    store: BlobStore
    sources: Sources
    bus: EventBus
    owner: Owner
    disk: ThreadPoolExecutor
    """Threads for file work, apart from the loop's own so that neither starves the other."""
    clock: Clock

    def source(self, model: ModelId) -> Source:
        """The source of a model.

        Raises:
            NotFoundError: when models of this kind cannot be asked for anywhere.
        """
        source = self.sources.get(model.source)
        if source is None:
            raise NotFoundError(
                f"{model} is not in the catalogue, and there is nowhere to look it up",
                hint="`tui-hub sync` brings the catalogue up to date.",
            )
        return source

    async def on_disk(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run file work off the loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.disk, lambda: function(*args, **kwargs))

    async def prepare_store(self) -> None:
        """Make the store ready for writing.

        Raises:
            RefusedError: when it is not there though this home has models in it, cannot be
                written, or was made by a newer version.
        """
        await self.on_disk(self.store.check)
        if not self.store_is_there() and await self.hub.installs.list():
            raise RefusedError(
                f"the store {self.store.root} is not there, though models were installed in it",
                hint="Mount its disk, or name the right folder with MODEL_STORE_PATH.",
            )
        await self.on_disk(self.store.prepare)
        if self.store.root not in _TIDIED:
            _TIDIED.add(self.store.root)
            await self.on_disk(_tidy, self.store, await awaited(self.hub))

    def store_is_there(self) -> bool:
        """Whether the store was ever made, its disk is mounted, and this user may look into it."""
        return os.path.isfile(self.store.root / "VERSION")  # noqa: PTH113 - that of paths raises

    def alone(self, name: str) -> AbstractAsyncContextManager[int]:
        """Keep every other task and process of this home from the same piece of work.

        Gives the fence number of the lease.

        Raises:
            RefusedError: when another does not finish in time.
            LostLeaseError: when this process was silent for too long, and another went on.
        """
        return leases.alone(self.hub, name, self.owner)


_TIDIED: set[Path] = set()
"""The stores that this process has tidied."""


def _tidy(store: BlobStore, awaited: Collection[str]) -> None:
    """Undo what a killed process left half done, and sweep what nobody comes back for."""
    recover(store)
    store.sweep_temp(awaited=awaited)


def parse_id(text: str | ModelId) -> ModelId:
    """The id of a model, however it was typed.

    Raises:
        UsageError: when it is none.
    """
    return text if isinstance(text, ModelId) else ModelId.parse(text)


def is_model_id(text: str) -> bool:
    """Whether the text reads as the id of a model."""
    try:
        ModelId.parse(text)
    except UsageError:
        return False
    return True
