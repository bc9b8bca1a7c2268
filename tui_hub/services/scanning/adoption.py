"""A model whose files a scan brought into the store: its rows, its receipt and its views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tui_hub.domain.additions import Proposal
from tui_hub.domain.artifacts import Artifact, ArtifactStatus, Verified
from tui_hub.domain.errors import CorruptError, RefusedError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.events import CatalogueChanged
from tui_hub.foreign import FoundModel
from tui_hub.services.context import Context
from tui_hub.services.downloads.installing import publish
from tui_hub.services.models.adding import Adding
from tui_hub.services.models.metadata import Metadata
from tui_hub.services.models.statuses import live_downloads, settle_status
from tui_hub.services.models.trust import refuse_untrusted_files
from tui_hub.services.scanning.identity import Identity
from tui_hub.services.scanning.intake import Intake, Seen
from tui_hub.services.storage.disk_work import DiskWork


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there is of a model after it was taken in."""

    identity: Identity
    installed: bool
    missing: tuple[str, ...]
    odd: tuple[str, ...]
    """Files that are not what their model lists under that name."""


class Adopter:
    """Makes models of files that are blobs already."""

    def __init__(self, context: Context, adding: Adding, metadata: Metadata) -> None:
        self._context = context
        self._adding = adding
        self._metadata = metadata

    async def refuse(self, identity: Identity) -> None:
        """See that a model can be taken in.

        Raises:
            RefusedError: when another revision is installed, it is on its way, or the settings take
                no files from where it is of.
        """
        install = await self._context.hub.installs.get(identity.model)
        model = ModelId.parse(identity.model)
        if install is None and model.source != "local":
            await refuse_untrusted_files(self._context, model, identity.listing[:1])
        if install is not None and identity.revision not in (None, install.revision):
            raise RefusedError(
                f"revision {install.revision[:12]} is installed, this is "
                f"{(identity.revision or '')[:12]}"
            )
        for job in await live_downloads(self._context):
            if job.payload.get("model") == identity.model:
                raise RefusedError("it is being downloaded")

    async def adopt(
        self,
        found: FoundModel,
        identity: Identity,
        seen: Sequence[Seen],
        work: DiskWork,
        intake: Intake,
    ) -> Outcome:
        """Write down what is here of a model, and publish it.

        Raises:
            HubError: when that cannot be; its blobs may be here then, and nothing refers to them.
        """
        context = self._context
        if not identity.listing:
            identity = await self._define(found, identity, seen)
        revision = identity.revision or ""
        async with context.alone(f"model {identity.model}"):
            await self.refuse(identity)
            await self._list(found, identity, revision)
            files, odd = await self._checked(identity, work, intake)
            if not files:
                raise CorruptError(f"{odd[0] if odd else 'what is there'} is not what is listed")
            await context.hub.artifacts.save(*files)
            published = await publish(context, identity.model, revision, found.refs, whole=True)
            listing = await context.hub.artifacts.of(identity.model, revision)
            if published.path is not None:
                await self._metadata.copy(listing)
        await settle_status(context, identity.model)
        install = await context.hub.installs.get(identity.model)
        whole = install is not None and install.revision == revision
        return Outcome(identity, whole, missing_of(listing), odd)

    async def _define(
        self, found: FoundModel, identity: Identity, seen: Sequence[Seen]
    ) -> Identity:
        """Define a model of this box alone, with the hashes that its files have.

        Raises:
            HubError: when it cannot be defined, for example since its folder holds links, or was
                before and is another by now.
        """
        context, model = self._context, ModelId.parse(identity.model)
        known = await context.hub.additions.get(identity.model)
        if known is None:
            # No checksums: those are the user's word, and hold whatever becomes of the files.
            proposal = Proposal(places=(str(found.place),), name=identity.model, type=found.type)
            await self._adding.add(proposal)
        elif not await context.hub.artifacts.of(identity.model):
            await self._adding.complete(known)
        elif await context.hub.installs.get(identity.model) is None:
            now = await context.source(model).files(model)
            await context.hub.artifacts.replace_listing(identity.model, now.revision, now.files)
        listing = await context.hub.artifacts.of(identity.model)
        by_path = {file.path: file for file in listing}
        files = [(one, by_path[one.file.path]) for one in seen if one.file.path in by_path]
        if not files or not all(_is_listed(one, row) for one, row in files):
            raise RefusedError(
                "its files changed since it was added: "
                f"`tui-hub download {identity.model}` takes it as it is now"
            )
        return Identity(identity.model, listing[0].revision, tuple(listing), tuple(files))

    async def _list(self, found: FoundModel, identity: Identity, revision: str) -> None:
        """Let the catalogue know of a model that only its layout tells of."""
        context = self._context
        if not identity.known:
            await context.hub.artifacts.replace_listing(
                identity.model, revision, identity.listing, newest=False
            )
        if found.record is not None and found.record.id == identity.model:
            await context.hub.users.ensure(found.record.owner, "sync", "local")
            if await context.catalogue.models.get(identity.model) is None:
                await context.catalogue.models.put(found.record)
                context.bus.publish(CatalogueChanged())

    async def _checked(
        self, identity: Identity, work: DiskWork, intake: Intake
    ) -> tuple[list[Artifact], tuple[str, ...]]:
        """The rows of files that are what is listed, and the paths of those that are not."""
        files: list[Artifact] = []
        odd: list[str] = []
        for one, row in identity.files:
            verified = await self._verified(one, row, work, intake)
            if verified is None:
                odd.append(row.path)
                continue
            files.append(
                replace(
                    row,
                    status=ArtifactStatus.COMPLETED,
                    sha256=one.sha256,
                    blob=one.sha256,
                    size=one.file.size,
                    verified=verified,
                    error=None,
                )
            )
        return files, tuple(odd)

    async def _verified(
        self, one: Seen, row: Artifact, work: DiskWork, intake: Intake
    ) -> Verified | None:
        """What a file was checked against; `None` when it is another file than the listed one."""
        if row.sha256 is not None:
            return Verified.SHA256 if row.sha256 == one.sha256 else None
        if row.git_sha1 is not None:
            found = await work.on_thread(intake.git_sha1, one.sha256)
            return Verified.GIT_SHA1 if found == row.git_sha1 else None
        if row.size is None:
            return Verified.NONE
        return Verified.SIZE if row.size == one.file.size else None


def _is_listed(one: Seen, row: Artifact) -> bool:
    """Whether a file is still as it was when its folder was listed."""
    same = (row.size, row.etag) == (one.file.size, str(one.file.modified))
    return same and row.sha256 in (None, one.sha256)


def missing_of(listing: Sequence[Artifact]) -> tuple[str, ...]:
    """The paths of files that are listed and not here."""
    return tuple(file.path for file in listing if file.status is not ArtifactStatus.COMPLETED)
