"""`catalogue.db`: what a sync can fetch again. A damaged one is put aside and made anew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tui_hub.database import files
from tui_hub.database.catalogue_schema import MIGRATIONS
from tui_hub.database.connection import Database
from tui_hub.database.feeds import FeedTable, put_feed
from tui_hub.database.history import ChangeTable
from tui_hub.database.models import ModelTable
from tui_hub.database.open_file import OpenFile
from tui_hub.database.pages import merge_page
from tui_hub.database.sweeps import SweepTable, note_seen
from tui_hub.domain.errors import CorruptError
from tui_hub.domain.feeds import Counts, FeedStatus
from tui_hub.domain.models import Model

_log = logging.getLogger(__name__)


class CatalogueDatabase(OpenFile):
    """The tables of `catalogue.db`. Made by `open`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.models = ModelTable(database)
        self.feeds = FeedTable(database)
        self.changes = ChangeTable(database)
        self.sweeps = SweepTable(database)

    @classmethod
    async def open(cls, path: Path) -> CatalogueDatabase:
        """Open the database, made and migrated as needed.

        One that is damaged, or was found damaged in use, is put aside and begun anew.

        Raises:
            RefusedError: a newer version of the program made it.
            HubError: it cannot be opened or written.
        """
        if files.is_marked_damaged(path):
            await _put_aside(path)
        try:
            catalogue = cls(await Database.open(path, MIGRATIONS, durable=False))
        except CorruptError:
            await _put_aside(path)
            catalogue = cls(await Database.open(path, MIGRATIONS, durable=False))
        try:
            await catalogue.models.rebuild_if_outdated()
        except BaseException:
            await catalogue.close()
            raise
        return catalogue

    async def write_page(
        self,
        feed: str,
        models: Iterable[Model],
        status: FeedStatus,
        *,
        seen: Iterable[str] = (),
        announce: bool = False,
    ) -> Counts:
        """Take a page of a feed in and note how far the feed has come, both or neither.

        Args:
            feed: whose page it is.
            models: the records of the page.
            status: the feed's state before this page, but with the cursor behind it; the page's
                counts are added to it.
            seen: the ids that a full walk is to remember it has seen; see `SweepTable`.
            announce: whether models that were not known go into the feed of changes.

        Returns:
            How many models were created, updated and left unchanged.
        """
        async with self._database.write() as transaction:
            counts = await merge_page(transaction, tuple(models), announce=announce)
            await note_seen(transaction, feed, seen)
            await put_feed(transaction, replace(status, feed=feed, counts=status.counts + counts))
        return counts

    async def foreign_changes(self) -> int:
        """A number that is another one once other processes have written."""
        return await self._database.foreign_changes()

    async def put_aside(self) -> Path | None:
        """The damaged file that was put aside, where nobody was told of that before."""
        untold = await asyncio.to_thread(files.tell_once, self.path)
        return files.aside_of(self.path) if untold else None


async def _put_aside(path: Path) -> None:
    aside = await asyncio.to_thread(files.move_aside, path)
    _log.warning("%s was damaged and is begun anew; the old file is %s", path, aside.name)
