"""One model in depth: its files, variants, card, and its registration with its own sync."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from tui_hub import text
from tui_hub.blobs.views import VIEW_MARKER
from tui_hub.domain.artifacts import (
    Artifact,
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
from tui_hub.domain.revisions import RevisionFacts
from tui_hub.events import ModelChanged
from tui_hub.services.context import Context, parse_id
from tui_hub.services.models.catalogue import Catalogue
from tui_hub.services.models.links import links_of
from tui_hub.services.models.metadata import Metadata, metadata_of
from tui_hub.services.models.version_names import commit_of
from tui_hub.services.sync.renames import follow_renames


class Repositories:
    """Lists a repository's files and keeps its small files at hand for reading offline."""

    def __init__(self, context: Context, catalogue: Catalogue, metadata: Metadata) -> None:
        self._context = context
        self._catalogue = catalogue
        self._metadata = metadata

    async def details(
        self, model: str | ModelId, *, revision: str | None = None, refresh: bool = False
    ) -> Details:
        """Everything known of a model, with its files.

        Args:
            model: the model's id.
            revision: a version that the user named, a branch, tag or commit; `None` takes what is
                here, else the newest.
            refresh: ask the source even when the files are known.

        Raises:
            NotFoundError: when there is no such model or revision.
            UnreachableError: when the model is unknown here and its source cannot be asked.
        """
        wanted = parse_id(model)
        known = await self._catalogue.find(wanted)
        if known is not None:
            wanted = ModelId.parse(known.id)  # it may have been renamed
        revision = await commit_of(self._context, str(wanted), revision)
        files = await self._listed(wanted, known, revision)
        unsafe: tuple[str, ...] = ()
        problem: HubError | None = None
        if known is None and self._context.configuration.offline:
            known = await self._catalogue.get(wanted)
        if refresh or known is None or not files:
            try:
                known, files, unsafe = await self._list(wanted, known, revision)
            except (UnreachableError, RateLimitedError) as error:
                if known is None or (revision not in (None, DEFAULT_REF) and not files):
                    raise
                problem = error
            except (RefusedError, NotFoundError) as error:
                here = [file for file in files if file.blob]
                if known is not None and here and revision not in (None, DEFAULT_REF):
                    files = here  # its source gives that revision no more: this is what is left
                elif isinstance(error, RefusedError):
                    known = known or await self._catalogue.get(wanted)
                elif known is None or wanted.source in self._context.sources:
                    raise
                problem = error
        return await self._assemble(known, files, unsafe, problem)

    async def files(self, model: str | ModelId, revision: str | None = None) -> list[Artifact]:
        """The files of a revision as this home knows them; nobody is asked."""
        wanted = parse_id(model)
        return await self._listed(wanted, await self._catalogue.find(wanted), revision)

    def links(self, model: Model) -> dict[str, str]:
        """The model's page at its source, and the addresses that its facts name."""
        return links_of(model, self._context.sources)

    async def known_id(self, model: str | ModelId) -> str:
        """The id under which a model is known here now; it may have had another one before."""
        wanted = parse_id(model)
        known = await self._catalogue.find(wanted)
        return known.id if known is not None else str(wanted)

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
        wanted = ModelId.parse(await self.known_id(model))
        files = await self._listed(wanted, await self._catalogue.find(wanted), None)
        return await self._metadata.card(wanted, files)

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
            NotFoundError: when its source has no such repository; what was not registered before
                is not then either.
            HubError: when the repository cannot be listed; the registration says so too.
        """
        wanted, table = parse_id(model), self._context.hub.registrations
        before = await table.get(str(wanted))
        registration = Registration(
            model=str(wanted),
            vendor=text.clean(vendor, 100) or None,
            name=text.clean(name, 200) or None,
            auto_sync=auto_sync,
        )
        await table.put(registration)
        try:
            await self.sync(wanted)
        except NotFoundError:
            if before is None:
                await table.delete(registration.model)
            raise
        return await self._catalogue.get(wanted)

    async def unregister(self, model: str | ModelId) -> str:
        """Take a registration back, and give the id of its model; what is here of it stays.

        Raises:
            NotFoundError: when it is not registered.
        """
        table, wanted = self._context.hub.registrations, str(parse_id(model))
        for name in (wanted, await self.known_id(wanted)):
            if await table.get(name) is not None:
                await table.delete(name)
                self._context.bus.publish(ModelChanged(name))
                return name
        raise NotFoundError(
            f"{wanted} is not registered", hint=f"`tui-hub register {wanted}` registers it."
        )

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
            await self._metadata.fetch(model, details.files)
        except HubError as error:
            await self._mark(model, error.message)
            raise
        except Exception:
            await self._mark(model, "a fault of the program ended it")
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
            requests=1 + len(metadata_of(details.files)),
            seconds=asyncio.get_running_loop().time() - started,
        )

    async def _list(
        self, model: ModelId, known: Model | None, revision: str | None
    ) -> tuple[Model, list[Artifact], tuple[str, ...]]:
        """Ask the source, and keep what it says.

        What it says of the model itself counts only for the newest revision.
        """
        listing = await self._context.source(model).files(model, revision)
        newest = revision in (None, DEFAULT_REF)
        if known is None or newest:
            known = await self._catalogue.remember(listing.model)
            if known.id != str(model):
                await follow_renames(self._context)
        safe = [file for file in listing.files if file.path.split("/")[0] != VIEW_MARKER]
        await self._context.hub.artifacts.replace_listing(
            known.id, listing.revision, safe, _facts(listing.model, safe), newest=newest
        )
        self._context.bus.publish(ModelChanged(known.id))
        files = await self._context.hub.artifacts.of(known.id, listing.revision)
        ours = () if len(safe) == len(listing.files) else (f"{VIEW_MARKER} is the store's own",)
        return known, files, listing.unsafe + ours

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
        pin = await self._context.hub.pins.get(model.id)
        requirements = model.facts.get("requires")
        return Details(
            model=model,
            files=tuple(files),
            variants=variants_of(files),
            installed_variants=installed_variants(files),
            revision=files[0].revision if files else model.revision,
            installed_revision=install.revision if install else None,
            installed_size=install.bytes if install else None,
            pinned_revision=pin.revision if pin else None,
            versions=tuple(await self._context.hub.artifacts.revisions(model.id)),
            links=links_of(model, self._context.sources),
            requirements=requirements if isinstance(requirements, dict) else {},
            edit=await self._context.hub.edits.get(model.id),
            registration=await self._context.hub.registrations.get(model.id),
            unsafe=unsafe,
            path=install.path if install else None,
            problem=problem,
        )

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
                    synced_at=text.stamp(self._context.clock.now()),
                )
            )


def _facts(model: Model, files: Sequence[Artifact]) -> RevisionFacts:
    """What is kept of a listing beside its files."""
    sizes = [file.size for file in files]
    return RevisionFacts(
        committed_at=model.last_modified,
        license=model.license,
        gated=model.gated,
        files=len(files),
        bytes=None if None in sizes else sum(size for size in sizes if size is not None),
    )
