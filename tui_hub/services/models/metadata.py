"""The small files of models, kept at hand so that they can be read offline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from tui_hub import text
from tui_hub.blobs.metadata import RESERVED, find_metadata, metadata_finder, write_metadata
from tui_hub.domain.artifacts import Artifact, ArtifactKind
from tui_hub.domain.errors import HubError
from tui_hub.domain.identifiers import ModelId
from tui_hub.services.concurrency import run_all
from tui_hub.services.context import Context
from tui_hub.services.downloads.copies import is_copy

_log = logging.getLogger(__name__)

METADATA_LIMIT = 10 * 1000**2
"""Bytes above which a file is no metadata but comes on demand."""
_CARD = "readme.md"
_CARD_LIMIT = 200_000
_NAMES = ("readme", "license", "notice", "model_card")
_PARALLEL = 4


def metadata_of(files: Sequence[Artifact]) -> list[Artifact]:
    """The files that a sync fetches: configuration, tokenizer and card, each under 10 MB."""
    return [
        file
        for file in files
        if file.size is not None
        and file.size < METADATA_LIMIT
        and file.path not in RESERVED
        and (
            file.kind in (ArtifactKind.CONFIG, ArtifactKind.TOKENIZER)
            or file.path.lower().startswith(_NAMES)
        )
    ]


class Metadata:
    """Brings small files into `metadata/`, and reads them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def fetch(self, model: ModelId, files: Sequence[Artifact]) -> None:
        """Bring the small files of a listing in that are not here yet.

        Raises:
            HubError: when one cannot be had.
        """
        await self._context.prepare_store()
        gate = asyncio.Semaphore(_PARALLEL)

        async def bring(file: Artifact) -> None:
            async with gate:
                if not await self._is_here(file):
                    await self._bring(model, file)

        await run_all(bring(file) for file in metadata_of(files))

    async def keep(self, model: ModelId, files: Sequence[Artifact]) -> None:
        """After a download: copy its small files out of the store, and fetch those it left out.

        What cannot be had is only logged, since the download itself is done.
        """
        await self.copy(files)
        try:
            await self.fetch(model, files)
        except HubError as error:
            _log.info("metadata of %s: %s", model, error.message)

    async def copy(self, files: Sequence[Artifact]) -> None:
        """Copy the small files out of the store, those that are in it."""
        for file in metadata_of(files):
            if file.blob is not None:
                await self._context.on_disk(self._copy, file, file.blob)

    async def card(self, model: ModelId, files: Sequence[Artifact]) -> str | None:
        """The card as Markdown, cleaned, without its front matter; `None` if there is none.

        Raises:
            HubError: when it is not here and cannot be fetched.
        """
        listed = next((file for file in files if file.path.lower() == _CARD), None)
        path = listed.path if listed is not None else "README.md"
        found = await self._context.on_disk(find_metadata, self._context.store, str(model), path)
        if listed is not None and not await self._is_here(listed):
            try:
                await self._bring(model, listed)
            except HubError:
                # An older card is better than none.
                if found is None:
                    raise
        card = await self._context.on_disk(self._read, str(model), path)
        return None if card is None else _without_front_matter(card)

    def copy_of(self, file: Artifact) -> Path | None:
        """The copy of a small file that an earlier sync left, if it is there."""
        return find_metadata(self._context.store, file.model, file.path)

    def copies_of(self, model: str, files: Sequence[Artifact]) -> list[Path | None]:
        """The copies of many files of one model, as `copy_of` gives each."""
        find = metadata_finder(self._context.store, model)
        return [find(file.path) for file in files]

    async def content(self, model: ModelId, file: Artifact) -> bytes:
        """The bytes of a small file, from what is here, else from its source.

        Raises:
            HubError: when they cannot be had.
        """
        copy = self.copy_of(file)
        if copy is not None and await self._is_here(file):
            return await self._context.on_disk(copy.read_bytes)
        if file.blob is not None and self._context.store.has(file.blob):
            return await self._context.on_disk(self._context.store.path(file.blob).read_bytes)
        return await self._context.source(model).read(file, METADATA_LIMIT)

    async def _is_here(self, file: Artifact) -> bool:
        def look() -> bool:
            path = self.copy_of(file)
            return path is not None and is_copy(file, path)

        return await self._context.on_disk(look)

    async def _bring(self, model: ModelId, file: Artifact) -> None:
        content = await self._context.source(model).read(file, METADATA_LIMIT)
        await self._context.prepare_store()
        await self._context.on_disk(
            write_metadata, self._context.store, file.model, file.path, content
        )

    def _copy(self, file: Artifact, blob: str) -> None:
        content = self._context.store.path(blob).read_bytes()
        write_metadata(self._context.store, file.model, file.path, content)

    def _read(self, model: str, path: str) -> str | None:
        found = find_metadata(self._context.store, model, path)
        if found is None:
            return None
        with found.open("rb") as file:
            return file.read(_CARD_LIMIT * 2).decode("utf-8", "replace")


def _without_front_matter(card: str) -> str:
    """The card without its YAML head, cleaned for a terminal."""
    if card.startswith("---"):
        end = card.find("\n---", 3)
        if end >= 0:
            card = card[card.find("\n", end + 1) + 1 :] if "\n" in card[end + 1 :] else ""
    return text.clean(card, _CARD_LIMIT, lines=True).strip()
