"""One model in depth: its files, variants, card, and its registration with its own sync."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tui_hub import text
from tui_hub.blobs.metadata import RESERVED, find_metadata, write_metadata
from tui_hub.domain.artifacts import (
    Artifact,
    ArtifactKind,
    installed_variants,
    variants_of,
)
from tui_hub.domain.errors import (
    HubError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from tui_hub.domain.feeds import Counts, FeedReport, FeedState
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import (
    DEFAULT_REF,
    Details,
    Model,
    Registration,
    RegistrationStatus,
)
from tui_hub.events import ModelChanged
from tui_hub.services.catalogue import Catalogue
from tui_hub.services.concurrency import run_all
from tui_hub.services.context import Context, parse_id
from tui_hub.services.copies import is_copy
from tui_hub.services.links import links_of

_log = logging.getLogger(__name__)

METADATA_LIMIT = 10 * 1000**2
"""Bytes above which a file is no metadata but comes on demand."""
_CARD = "readme.md"
_CARD_LIMIT = 200_000
_METADATA_NAMES = ("readme", "license", "notice", "model_card")
_PARALLEL = 4


class Repositories:
    """Lists a repository's files and keeps its small files at hand for reading offline."""

    def __init__(self, context: Context, catalogue: Catalogue) -> None:
        self._context = context
        self._catalogue = catalogue

    async def details(
        self, model: str | ModelId, *, revision: str | None = None, refresh: bool = False
    ) -> Details:
        """Everything known of a model, with its files.

        Args:
            model: the model's id.
            revision: a branch, tag or commit; `None` takes what is here, else the newest.
            refresh: ask the source even when the files are known.

        Raises:
            NotFoundError: when there is no such model or revision.
            UnreachableError: when the model is unknown here and its source cannot be asked.
        """
        wanted = parse_id(model)
        known = await self._catalogue.find(wanted)
        files = await self._listed(wanted, known, revision)
        unsafe: tuple[str, ...] = ()
        problem: HubError | None = None
        if known is None and self._context.configuration.settings.network.offline:
            known = await self._catalogue.get(wanted)
        if refresh or known is None or not files:
            try:
                known, files, unsafe = await self._list(wanted, known, revision)
            except (UnreachableError, RateLimitedError) as error:
                if known is None or (revision not in (None, DEFAULT_REF) and not files):
                    raise
                problem = error
            except RefusedError as error:
                known = known or await self._catalogue.get(wanted)
                problem = error
            except NotFoundError as error:
                if known is None or wanted.source in self._context.sources:
                    raise
                problem = error
        return await self._assemble(known, files, unsafe, problem)

    async def _listed(
        self, model: ModelId, known: Model | None, revision: str | None
    ) -> list[Artifact]:
        """The files that this home knows: of the revision that is here, else of the newest."""
        table = self._context.hub.artifacts
        if revision not in (None, DEFAULT_REF):
            return await table.of(str(model), revision)
        install = await self._context.hub.installs.get(str(model))
        for commit in (install and install.revision, known and known.revision):
            files = await table.of(str(model), commit) if commit else []
            if files:
                return files
        return await table.of(str(model))

    async def card(self, model: str | ModelId) -> str | None:
        """The model's card as Markdown, cleaned, without its front matter; `None` if it has none.

        Raises:
            HubError: when it is not here and cannot be fetched.
        """
        wanted = parse_id(model)
        files = await self._listed(wanted, await self._catalogue.find(wanted), None)
        card = next((file for file in files if file.path.lower() == _CARD), None)
        path = card.path if card is not None else "README.md"
        local = await self._context.on_disk(self._read_card, str(wanted), path)
        if local is None and card is not None:
            await self._fetch(wanted, card)
            local = await self._context.on_disk(self._read_card, str(wanted), path)
        return None if local is None else _without_front_matter(local)

    async def register(
        self,
        model: str | ModelId,
        *,
        vendor: str | None = None,
        name: str | None = None,
        auto_sync: bool = False,
    ) -> Model:
        """Register a repository: list its files and fetch its metadata, now and at its own syncs.

        Raises:
            HubError: when the repository cannot be listed; the registration says so too.
        """
        wanted = parse_id(model)
        registration = Registration(
            model=str(wanted),
            vendor=text.clean(vendor, 100) or None,
            name=text.clean(name, 200) or None,
            auto_sync=auto_sync,
        )
        await self._context.hub.registrations.put(registration)
        await self.sync(wanted)
        return await self._catalogue.get(wanted)

    async def sync(self, model: ModelId) -> FeedReport:
        """The first phase of a download: list the files, fetch the small ones into `metadata/`.

        Raises:
            HubError: when the repository cannot be listed.
        """
        started = asyncio.get_running_loop().time()
        before = await self._catalogue.find(model)
        seen = {one.revision for one in await self._context.hub.artifacts.revisions(str(model))}
        try:
            details = await self.details(model, refresh=True)
            if details.problem is not None:
                raise details.problem
            await self.fetch_metadata(model, details.files)
        except HubError as error:
            await self._mark(model, error.message)
            raise
        await self._mark(model, None)
        changed = before is not None and details.revision not in seen
        counts = Counts(
            fetched=1,
            created=int(before is None),
            updated=int(changed),
            unchanged=int(before is not None and not changed),
        )
        return FeedReport(
            feed=str(model),
            source=model.source,
            state=FeedState.COMPLETED,
            counts=counts,
            requests=1 + len(_metadata(details.files)),
            seconds=asyncio.get_running_loop().time() - started,
        )

    async def fetch_metadata(self, model: ModelId, files: Sequence[Artifact]) -> None:
        """Bring the small files of a listing that are not here yet into `metadata/`."""
        await self._context.prepare_store()
        gate = asyncio.Semaphore(_PARALLEL)

        async def fetch(file: Artifact) -> None:
            async with gate:
                if not await self._context.on_disk(self._has_metadata, file):
                    await self._fetch(model, file)

        await run_all(fetch(file) for file in _metadata(files))

    async def keep_metadata(self, model: ModelId, files: Sequence[Artifact]) -> None:
        """After a download: copy its small files out of the store, and fetch those it left out.

        What cannot be had is only logged, since the download itself is done.
        """
        for file in _metadata(files):
            if file.blob is not None:
                await self._context.on_disk(self._copy_metadata, file, file.blob)
        try:
            await self.fetch_metadata(model, files)
        except HubError as error:
            _log.info("metadata of %s: %s", model, error.message)

    def _copy_metadata(self, file: Artifact, blob: str) -> None:
        content = self._context.store.path(blob).read_bytes()
        write_metadata(self._context.store, file.model, file.path, content)

    def metadata_copy(self, file: Artifact) -> Path | None:
        """The copy of a small file that an earlier sync left, if it is there."""
        return find_metadata(self._context.store, file.model, file.path)

    def _has_metadata(self, file: Artifact) -> bool:
        path = self.metadata_copy(file)
        return path is not None and is_copy(file, path)

    async def _list(
        self, model: ModelId, known: Model | None, revision: str | None
    ) -> tuple[Model, list[Artifact], tuple[str, ...]]:
        """Ask the source, and keep what it says.

        What it says of the model itself counts only for the newest revision.
        """
        listing = await self._context.source(model).files(model, revision)
        if known is None or revision in (None, DEFAULT_REF):
            known = await self._catalogue.remember(listing.model)
        await self._context.hub.artifacts.replace_listing(known.id, listing.revision, listing.files)
        self._context.bus.publish(ModelChanged(known.id))
        files = await self._context.hub.artifacts.of(known.id, listing.revision)
        return known, files, listing.unsafe

    async def _assemble(
        self,
        model: Model | None,
        files: Sequence[Artifact],
        unsafe: tuple[str, ...],
        problem: HubError | None,
    ) -> Details:
        if model is None:
            raise NotFoundError("there is no such model")
        install = await self._context.hub.installs.get(model.id)
        requirements = model.facts.get("requires")
        return Details(
            model=model,
            files=tuple(files),
            variants=variants_of(files),
            installed_variants=installed_variants(files),
            revision=files[0].revision if files else model.revision,
            versions=tuple(await self._context.hub.artifacts.revisions(model.id)),
            links=links_of(model, self._context.sources),
            requirements=requirements if isinstance(requirements, dict) else {},
            edit=await self._context.hub.edits.get(model.id),
            registration=await self._context.hub.registrations.get(model.id),
            unsafe=unsafe,
            path=install.path if install else None,
            problem=problem,
        )

    async def _fetch(self, model: ModelId, file: Artifact) -> None:
        content = await self._context.source(model).read(file, METADATA_LIMIT)
        await self._context.prepare_store()
        await self._context.on_disk(
            write_metadata, self._context.store, file.model, file.path, content
        )

    def _read_card(self, model: str, path: str) -> str | None:
        found = find_metadata(self._context.store, model, path)
        if found is None:
            return None
        with found.open("rb") as file:
            return file.read(_CARD_LIMIT * 2).decode("utf-8", "replace")

    async def _mark(self, model: ModelId, error: str | None) -> None:
        """Write down how the sync of a registered repository went."""
        table = self._context.hub.registrations
        registration = await table.get(str(model))
        if registration is not None:
            await table.put(
                replace(
                    registration,
                    status=RegistrationStatus.SYNCED if error is None else RegistrationStatus.ERROR,
                    error=error,
                    synced_at=text.now(),
                )
            )


def _metadata(files: Sequence[Artifact]) -> list[Artifact]:
    """The files that a sync fetches: configuration, tokenizer and card, each under 10 MB."""
    return [
        file
        for file in files
        if file.size is not None
        and file.size < METADATA_LIMIT
        and file.path not in RESERVED
        and (
            file.kind in (ArtifactKind.CONFIG, ArtifactKind.TOKENIZER)
            or file.path.lower().startswith(_METADATA_NAMES)
        )
    ]


def _without_front_matter(card: str) -> str:
    """The card without its YAML head, cleaned for a terminal."""
    if card.startswith("---"):
        end = card.find("\n---", 3)
        if end >= 0:
            card = card[card.find("\n", end + 1) + 1 :] if "\n" in card[end + 1 :] else ""
    return text.clean(card, _CARD_LIMIT, lines=True).strip()
