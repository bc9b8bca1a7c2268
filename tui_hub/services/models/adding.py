"""Models of one's own: taken into the catalogue by address or local path, and out of it again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from tui_hub import text
from tui_hub.blobs import receipts
from tui_hub.blobs.metadata import remove_metadata
from tui_hub.domain.additions import (
    AddedFile,
    Addition,
    Consent,
    Proposal,
    check_checksums,
    with_checksums,
)
from tui_hub.domain.artifacts import WEIGHTS_ENDINGS, partial_key, weights_format
from tui_hub.domain.errors import ConsentError, NotFoundError, RefusedError, UsageError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.domain.types import ModelType
from tui_hub.events import CatalogueChanged, ModelChanged
from tui_hub.services.context import Context, parse_id
from tui_hub.services.downloads.installing import retype
from tui_hub.services.models.catalogue import Catalogue
from tui_hub.services.models.references import is_address
from tui_hub.services.models.statuses import live_downloads, settle_status
from tui_hub.services.models.trust import refuse_other_hosts, untrusted_hosts
from tui_hub.services.slots.standing import slots_of
from tui_hub.sources.added import listing_of, shown
from tui_hub.sources.addresses import checked_address
from tui_hub.sources.folders import checked_place, list_place
from tui_hub.sources.url import Url


class Adding:
    """Keeps the definitions of added models, which last whatever becomes of the catalogue."""

    def __init__(self, context: Context, catalogue: Catalogue) -> None:
        self._context = context
        self._catalogue = catalogue
        self._trust = context.configuration.settings.trust

    def shown(self, places: Sequence[str]) -> tuple[str, ...]:
        """Places for people: addresses without what may be a secret in them.

        Raises:
            UnsafeError: for an address that is not kept.
        """
        return tuple(
            shown(checked_address(place)) if is_address(place) else text.clean(place, 300)
            for place in places
        )

    async def add(self, proposal: Proposal, consents: Collection[str] = ()) -> Model:
        """Take a model into the catalogue, or another definition of it in place of the one there.

        Args:
            proposal: what the user wants.
            consents: what they said yes to, by the names in `Consent`.

        Raises:
            ConsentError: for want of one of those; nothing was asked of anybody else then.
            RefusedError: the settings trust no such host.
            UsageError: the places, the name or a checksum make no sense, or nothing of it is a
                weights file and no type was told.
            HubError: a file cannot be had; nothing has changed then.
        """
        check_checksums(proposal)
        self._ask_about_hosts(proposal, consents)
        if proposal.name is not None:
            await self._ask_about_model(_identifier(proposal, proposal.name), consents)
        files, folder = await self._look(proposal)
        name = proposal.name or name_from(folder or files[0].path)
        model = _identifier(proposal, name)
        addition = Addition(
            model=str(model),
            type=proposal.type or _type_of(files),
            files=with_checksums(files, proposal),
            folder=folder,
            license=text.clean(proposal.license, 100) or None,
            gpu_memory=proposal.gpu_memory,
            torch=text.clean(proposal.torch, 40) or None,
            added_at=text.now(),
        )
        async with self._context.alone(f"model {model}"):
            await self._ask_about_model(model, consents)
            await self._refuse_if_in_use(addition)
            await self._keep(model, addition)
        return await self._catalogue.get(model)

    async def find(self, model: str | ModelId) -> Addition | None:
        """The definition of a model, if a user added it."""
        return await self._context.hub.additions.get(str(parse_id(model)))

    async def complete(self, addition: Addition) -> None:
        """Let all else follow from a definition, where a kill came right behind that."""
        async with self._context.alone(f"model {addition.model}"):
            await self._keep(ModelId.parse(addition.model), addition)

    async def forget(self, model: str | ModelId) -> None:
        """Take an added model out of the catalogue for good, with all that was kept of it.

        Raises:
            NotFoundError: when it was never added.
            RefusedError: while files of it are here or on their way.
        """
        context, wanted = self._context, str(parse_id(model))
        async with context.alone(f"model {wanted}"):
            if await context.hub.additions.get(wanted) is None:
                raise NotFoundError(
                    f"{wanted} was never added by hand",
                    hint="What a sync brought into the catalogue stays there.",
                )
            await self._refuse_if_downloading(wanted)
            receipt = await context.on_disk(receipts.read, context.store, wanted)
            if receipt is not None or await context.hub.installs.get(wanted) is not None:
                raise RefusedError(
                    f"files of {wanted} are on this box",
                    hint=f"`tui-hub delete {wanted} --forget` deletes them too.",
                )
            rows = await context.hub.artifacts.all_of(wanted)
            await context.on_disk(
                context.store.discard_partials, [partial_key(one) for one in rows]
            )
            await context.on_disk(remove_metadata, context.store, wanted)
            await context.hub.names.forget(wanted)
            await context.catalogue.models.forget(wanted)
        context.bus.publish(ModelChanged(wanted))
        context.bus.publish(CatalogueChanged())

    async def _look(self, proposal: Proposal) -> tuple[tuple[AddedFile, ...], str | None]:
        """The files that lie at the places, and the folder where it is one."""
        if not _is_address(proposal):
            place = await asyncio.to_thread(checked_place, proposal.places[0])
            if place.is_relative_to(self._context.store.root.resolve()):
                raise RefusedError(f"{text.clean(str(place), 300)} lies in the store already")
            files = await asyncio.to_thread(list_place, place)
            return files, str(place) if place.is_dir() else None
        source = self._context.sources["url"]
        if not isinstance(source, Url):
            raise TypeError("addresses have a source of their own")
        found = await asyncio.gather(*map(source.look, proposal.places))
        if len({file.place for file in found}) < len(found):
            raise UsageError("an address is given twice")
        return _apart(found), None

    async def _keep(self, model: ModelId, addition: Addition) -> None:
        """Write the definition down first; all else follows from it."""
        context, source = self._context, self._context.source(model)
        await context.hub.users.ensure(source.user, "sync", source.prefix)
        await context.hub.additions.put(addition)
        listing = listing_of(addition, source.user)
        await context.hub.artifacts.replace_listing(addition.model, listing.revision, listing.files)
        await context.catalogue.models.replace(listing.model)
        await retype(context, addition.model)
        await settle_status(context, addition.model)
        context.bus.publish(CatalogueChanged())

    def _ask_about_hosts(self, proposal: Proposal, consents: Collection[str]) -> None:
        if not _is_address(proposal):
            return
        addresses = [checked_address(place) for place in proposal.places]
        refuse_other_hosts(self._trust, addresses)
        others = untrusted_hosts(self._trust, addresses)
        if others and Consent.HOST not in consents:
            raise ConsentError(
                f"Take files from {', '.join(others)}?",
                Consent.HOST,
                hint="--yes says it; trust.hosts in the settings names hosts for good.",
            )

    async def _ask_about_model(self, model: ModelId, consents: Collection[str]) -> None:
        known = await self._context.hub.additions.get(str(model))
        if known is not None and Consent.REPLACE not in consents:
            raise ConsentError(
                f"{model} is there already. Take this in its place?",
                Consent.REPLACE,
                hint="--yes says it; --name gives this one another name.",
            )

    async def _refuse_if_in_use(self, addition: Addition) -> None:
        model = addition.model
        known = await self._context.hub.additions.get(model)
        if known is None:
            return
        await self._refuse_if_downloading(model)
        if known.type is not addition.type and await slots_of(self._context, model):
            raise RefusedError(
                f"{model} is active, and its type decides where it stands",
                hint=f"`tui-hub deactivate {model}` first.",
            )

    async def _refuse_if_downloading(self, model: str) -> None:
        for job in await live_downloads(self._context):
            if job.payload.get("model") == model:
                raise RefusedError(
                    f"{model} is being downloaded",
                    hint=f"`tui-hub jobs --cancel {job.id}` stops it.",
                )


def _is_address(proposal: Proposal) -> bool:
    """Whether it is about addresses. Raises `UsageError` where the places do not go together."""
    web = [place for place in proposal.places if is_address(place)]
    if web and len(web) == len(proposal.places):
        return True
    if web or len(proposal.places) != 1:
        raise UsageError(
            "a model is made of one folder or file of this box, or of addresses",
            hint="Put the files into one folder, or give nothing but addresses.",
        )
    return False


def _identifier(proposal: Proposal, name: str) -> ModelId:
    """The id under which a model is added.

    Raises:
        UsageError: when the name is none.
    """
    prefix = "url" if _is_address(proposal) else "local"
    return ModelId.parse(f"{prefix}:{name.strip().removeprefix(f'{prefix}:')}")


def _type_of(files: Sequence[AddedFile]) -> ModelType:
    """The type of a model that nobody told.

    Raises:
        UsageError: when none of its files is one of weights.
    """
    if not any(weights_format(file.path) for file in files):
        what = text.clean(files[0].path, 200) if len(files) == 1 else "none of the files"
        raise UsageError(
            f"{what} is {'no' if len(files) == 1 else 'a'} weights file by its name",
            hint=f"Those end with {' '.join(WEIGHTS_ENDINGS)}. Say a type to take it all the same.",
        )
    return ModelType.UTILITY


def name_from(place: str) -> str:
    """A name for a model from that of its folder or its first file.

    Raises:
        UsageError: when nothing usable is left of it.
    """
    path = PurePosixPath(place)
    stem = path.stem if weights_format(path.name) else path.name
    name = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._-]+", "-", stem)).strip("-._")
    if not name:
        raise UsageError(
            f"{text.clean(place, 200)} is no name for a model", hint="Give one with --name."
        )
    return name[:100]


def _apart(files: Sequence[AddedFile]) -> tuple[AddedFile, ...]:
    """The files with a name of its own for each; two addresses may call theirs the same."""
    taken: set[str] = set()
    apart: list[AddedFile] = []
    for file in files:
        path, number = Path(file.path), 1
        while path.name.lower() in taken:
            number += 1
            path = Path(file.path).with_stem(f"{Path(file.path).stem}-{number}")
        taken.add(path.name.lower())
        apart.append(replace(file, path=path.name))
    return tuple(apart)
