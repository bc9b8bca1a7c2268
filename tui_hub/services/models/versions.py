"""Versions: names that users give to revisions, and which no sync takes away."""

from __future__ import annotations

from dataclasses import replace

from tui_hub import text
from tui_hub.domain.errors import NotFoundError, RefusedError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import DEFAULT_REF, Details
from tui_hub.domain.revisions import Version
from tui_hub.events import ModelChanged, StorageChanged
from tui_hub.services.context import Context
from tui_hub.services.downloads.choices import named_variant
from tui_hub.services.models.repositories import Repositories
from tui_hub.services.models.version_names import check_name
from tui_hub.services.storage.keeping import release


class Versions:
    """Names revisions of models, and takes names back."""

    def __init__(self, context: Context, repositories: Repositories) -> None:
        self._context = context
        self._repositories = repositories
        self._table = context.hub.versions

    async def name(
        self,
        model: str | ModelId,
        name: str,
        *,
        revision: str | None = None,
        variant: str | None = None,
    ) -> Version:
        """Name a revision, and perhaps one variant of it.

        Where the source gives nothing but the newest, the files that are here of a named revision
        stay when a newer one is installed.

        Args:
            model: the model's id.
            name: unique among the model's versions, whatever its case.
            revision: another version's name, a branch, tag or commit; `None` takes what is
                installed, else the newest.
            variant: the variant that is meant; `None` means no particular one.

        Raises:
            UsageError: when the name cannot be one.
            NotFoundError: no such model, revision or variant.
            RefusedError: when the name stands for something else, or there is nothing to name.
        """
        check_name(name)
        # Who names the branch means what it is now, and not what was here of it before.
        details = await self._repositories.details(
            model, revision=revision, refresh=revision == DEFAULT_REF
        )
        if details.revision is None or not details.files:
            raise RefusedError(
                f"no revision of {details.model.id} is known", hint=_why_unknown(details)
            )
        chosen = None if variant is None else named_variant(details, variant).name
        wanted = Version(
            model=details.model.id, name=name, revision=details.revision, variant=chosen
        )
        known = await self._table.get(wanted.model, name)
        if known is not None and _means_the_same(known, wanted):
            return known
        await self._table.add(wanted)
        return await self._changed(wanted.model, name)

    async def rename(self, model: str | ModelId, old: str, new: str) -> Version:
        """Give a version another name.

        Raises:
            UsageError: when the new name cannot be one.
            NotFoundError: when there is no such version.
            RefusedError: when the new name is taken.
        """
        version = await self._named(model, old)
        return await self._change(version, new, version.variant)

    async def change(
        self, model: str | ModelId, old: str, new: str, *, variant: str | None
    ) -> Version:
        """Give a version another name and variant at once; it stays as it was if one is wrong.

        Raises:
            UsageError: when the new name cannot be one.
            NotFoundError: when there is no such version, or no such variant of its revision.
            RefusedError: when the new name is taken.
        """
        version = await self._named(model, old)
        if variant is not None and variant != version.variant:
            details = await self._repositories.details(version.model, revision=version.revision)
            variant = named_variant(details, variant).name
        return await self._change(version, new, variant)

    async def remove(self, model: str | ModelId, name: str) -> int:
        """Take a name back, and give the bytes that this frees.

        The revision stays listed, and what is installed stays here; files of an older revision
        that stayed for this name alone go.

        Raises:
            NotFoundError: when there is no such version.
            RefusedError: while another is at work on the model.
        """
        version = await self._named(model, name)
        async with self._context.alone(f"model {version.model}"):
            if not await self._table.remove(version.model, name):
                raise self._unknown(version.model, name)
            freed = await release(self._context, version.model, version.revision)
        self._context.bus.publish(ModelChanged(version.model))
        self._context.bus.publish(StorageChanged())
        return freed

    async def _named(self, model: str | ModelId, name: str) -> Version:
        entry = await self._repositories.known_id(model)
        found = await self._table.get(entry, name)
        if found is None:
            raise self._unknown(entry, name)
        return found

    async def _change(self, version: Version, name: str, variant: str | None) -> Version:
        check_name(name)
        if not await self._table.change(version, name, variant):
            raise self._unknown(version.model, version.name)  # another process was quicker
        return await self._changed(version.model, name)

    async def _changed(self, model: str, name: str) -> Version:
        self._context.bus.publish(ModelChanged(model))
        found = await self._table.get(model, name)
        if found is None:
            raise self._unknown(model, name)  # another process was quicker
        return found

    def _unknown(self, model: str, name: str) -> NotFoundError:
        return NotFoundError(
            f"{model} has no version {text.clean(name, 80)!r}",
            hint=f"`tui-hub versions {model}` lists them.",
        )


def _means_the_same(one: Version, other: Version) -> bool:
    return replace(one, name=other.name, named_at=other.named_at) == other


def _why_unknown(details: Details) -> str | None:
    return details.note or f"`tui-hub show {details.model.id} --refresh` asks its source."
