"""Models whose files lie on this box already, where a user said they do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from tui_hub.domain.additions import AddedFile, Addition
from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import NotFoundError, RefusedError
from tui_hub.domain.feeds import Feed
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.sources.added import (
    check_small,
    definition,
    listing_of,
    model_of,
    refuse_revision,
)
from tui_hub.sources.base import FileListing, FileRequest, Find, SourcePage
from tui_hub.sources.folders import list_place, look_at
from tui_hub.sources.small_files import too_large
from tui_hub.text import clean

PREFIX = "local"
USER = "local_sync_system"


class Local:
    """Looks into the folders that were named; no network."""

    prefix = PREFIX
    user = USER
    lasting = False
    has_history = False

    def __init__(self, find: Find) -> None:
        self._find = find

    async def pages(
        self, feed: Feed, cursor: str | None = None, since: str | None = None
    ) -> AsyncIterator[SourcePage]:
        """Nothing: only what was added is a model."""
        yield SourcePage(models=())

    async def model(self, model: ModelId, revision: str | None = None) -> Model:
        """The record of an added model; see `Source.model`."""
        return model_of(await definition(self._find, model), USER)

    async def files(self, model: ModelId, revision: str | None = None) -> FileListing:
        """The files as they are in their folder now; see `Source.files`.

        Raises:
            RefusedError: when the folder is gone; what was taken of it before stays.
        """
        addition = await definition(self._find, model, RefusedError)
        addition = addition.seen(await asyncio.to_thread(_seen, addition))
        refuse_revision(addition, revision)
        return listing_of(addition, USER)

    def web_page(self, model: ModelId) -> str | None:
        """Nothing: it is on this box."""
        return None

    async def request(self, artifact: Artifact) -> FileRequest:
        """Where the file really lies, or where it should, if it is not there any more.

        Raises:
            UnsafeError: when something else is in its place.
        """
        addition = await definition(self._find, artifact.model)
        return FileRequest(url="", file=await asyncio.to_thread(_real, addition, artifact))

    async def read(self, artifact: Artifact, limit: int) -> bytes:
        """The bytes of a small file; see `Source.read`."""
        if artifact.size is None or artifact.size > limit:
            raise too_large(artifact, limit)
        request = await self.request(artifact)
        return check_small(artifact, await asyncio.to_thread(_content, request.file, limit))

    async def close(self) -> None:
        """There is nothing to close."""


def _seen(addition: Addition) -> tuple[AddedFile, ...]:
    """The files as they are now, with the checksums that they were given."""
    place = Path(addition.folder or addition.files[0].place)
    try:
        listed = list_place(place)
    except NotFoundError as error:
        raise RefusedError(
            f"the files of {addition.model} are not where they were: {error.message}",
            hint="Put them back, or add the model anew from where they are.",
        ) from None
    known = {file.path: file for file in addition.files}
    return tuple(
        replace(file, sha256=known[file.path].sha256, md5=known[file.path].md5)
        if file.path in known
        else file
        for file in listed
    )


def _real(addition: Addition, artifact: Artifact) -> Path:
    only = Path(addition.files[0].place)
    folder = Path(addition.folder) if addition.folder is not None else only.parent
    path = only if addition.folder is None else folder / artifact.path
    try:
        return Path(look_at(path, folder).place)
    except NotFoundError:
        return path


def _content(path: Path | None, limit: int) -> bytes:
    try:
        with (path or Path()).open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise NotFoundError(f"{clean(str(path), 300)} cannot be read: {error.strerror}") from None
