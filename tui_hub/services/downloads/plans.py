"""The plan of a download: what is transferred, what is here already, and whether it fits."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from tui_hub import text
from tui_hub.blobs import BlobStore, PartialInfo
from tui_hub.blobs.metadata import metadata_finder
from tui_hub.domain.artifacts import Artifact, partial_key
from tui_hub.domain.downloads import Plan
from tui_hub.domain.errors import NoSpaceError, NotFoundError, RefusedError
from tui_hub.domain.identifiers import ModelId, is_sha256
from tui_hub.domain.models import DEFAULT_REF, Details
from tui_hub.domain.registry import Pin
from tui_hub.paths import existing_parent
from tui_hub.services.context import Context
from tui_hub.services.downloads.choices import Choice, choose, refuse_mixture
from tui_hub.services.downloads.copies import is_copy
from tui_hub.services.models.pins import refuse_difference
from tui_hub.services.models.repositories import Repositories
from tui_hub.services.models.statuses import artifacts_of, live_downloads
from tui_hub.services.models.version_names import named_version
from tui_hub.services.storage.quota import held, over_quota


class Planner:
    """Works out what a download would do, before its first byte."""

    def __init__(self, context: Context, repositories: Repositories) -> None:
        self._context = context
        self._repositories = repositories

    async def plan(
        self, model: ModelId, choice: Choice, revision: str | None, *, refresh: bool
    ) -> Plan:
        """The plan of a download.

        Parts of an installed model are taken from its revision unless another is named, so that
        they are added to what is here and never mixed with newer files. Where the revision is a
        version that the user named, that one's variant is meant unless another choice is made.

        Raises:
            NotFoundError: no such model, revision, file or variant.
            RefusedError: it would leave an installed model half old and half new.
            UnreachableError: the files are unknown, and the source cannot be asked.
        """
        known = await self._repositories.known_id(model)
        version = await named_version(self._context, known, revision)
        if version is not None:
            revision = version.revision
            if not choice.narrows:
                choice = replace(choice, variant=version.variant)
        install = await self._context.hub.installs.get(known)
        if revision is None and choice.narrows:
            revision = install.revision if install is not None else None
        pin = await self._context.hub.pins.get(known) if revision is None else None
        if pin is not None and install is None:
            revision, choice = pin.revision, _pinned(pin, choice)
        else:
            pin = None
        try:
            details = await self._details(model, revision, refresh)
        except (NotFoundError, RefusedError) as error:
            if pin is not None:
                error.hint = "`--revision main` takes what its source has now."
            raise
        files = choose(details, choice)
        refuse_mixture(await self._context.hub.installs.get(details.model.id), details, files)
        if pin is not None:
            refuse_difference(pin, files)
        to_come = await _to_come(self._context)
        ref = DEFAULT_REF if pin is not None else revision or DEFAULT_REF
        plan = await self._context.on_disk(_measure, self._context, details, files, ref, to_come)
        if pin is not None:
            words = f"revision {pin.revision[:12]}, as it was imported; --revision takes another"
            plan = replace(plan, note="; ".join(filter(None, (plan.note, words))))
        return replace(plan, variant=choice.variant)

    async def _details(self, model: ModelId, revision: str | None, refresh: bool) -> Details:
        offline = self._context.configuration.offline
        online = model.source == "local" or not offline
        details = await self._repositories.details(
            model, revision=revision, refresh=refresh and online
        )
        if not details.files:
            if details.problem is not None:
                raise details.problem
            raise NotFoundError(f"{details.model.id} has no files to download")
        return details


def _pinned(pin: Pin, choice: Choice) -> Choice:
    """The files that an import pinned, where nobody chose others."""
    if choice.narrows:
        return choice
    return replace(choice, paths=tuple(file.path for file in pin.files))


def _measure(
    context: Context,
    details: Details,
    files: tuple[Artifact, ...],
    ref: str,
    to_come: Mapping[str, int],
) -> Plan:
    store = context.store
    found = sorted(store.partials(), key=lambda partial: partial.allocated)
    partials = {partial.key: partial for partial in found}
    find_copy = metadata_finder(store, details.model.id)
    total = here = resumed = unknown = write = 0
    counted: set[str] = set()
    for file in files:
        size = file.size or 0
        unknown += file.size is None
        total += size
        key = partial_key(file)
        if key in counted or _is_here(store, file, find_copy):
            here += size
        else:
            # Asking for one key looks through the whole folder: only where there is something.
            left = partials.get(key)
            resumed += min(store.resumable(key), size) if left else 0
            write += max(0, size - left.allocated) if left else size
        counted.add(key)
    quota = context.configuration.settings.store.quota
    warning = over_quota(held(store) + write, quota) if quota else None
    notes = (details.note or _access(details), warning and f"with this, {warning}")
    return Plan(
        model=details.model.id,
        revision=details.revision or "",
        ref=ref,
        files=files,
        bytes_total=total,
        bytes_to_transfer=total - here - resumed,
        bytes_deduplicated=here,
        bytes_resumed=resumed,
        bytes_to_write=write,
        unsafe=details.unsafe,
        note="; ".join(filter(None, notes)) or None,
        disk_free=shutil.disk_usage(existing_parent(store.root)).free,
        disk_reserved=_promised_to_others(
            store, {**to_come, **store.promised()}, counted, partials
        ),
        disk_margin=context.configuration.settings.store.reserve,
        unknown_sizes=unknown,
    )


def _access(details: Details) -> str | None:
    """What has to be done before a gated model can be had."""
    if not details.model.gated:
        return None
    page = details.links.get("page", "its page")
    return f"gated: the maker grants access at {page}; it takes a token that has it (HF_TOKEN)"


def _is_here(store: BlobStore, file: Artifact, find_copy: Callable[[str], Path | None]) -> bool:
    """Whether a file is in the store, or its small copy is among the metadata of its model."""
    if file.sha256 is not None and store.has(file.sha256, file.size):
        return True
    copy = find_copy(file.path)
    return copy is not None and is_copy(file, copy)


def _promised_to_others(
    store: BlobStore,
    to_come: Mapping[str, int],
    own: Collection[str],
    partials: Mapping[str, PartialInfo],
) -> int:
    """Disk that other downloads have still to take; what two of them want is taken once."""
    return sum(
        max(0, size - (partials[key].allocated if key in partials else 0))
        for key, size in to_come.items()
        if key not in own and not (is_sha256(key) and store.has(key, size))
    )


async def _to_come(context: Context) -> dict[str, int]:
    """The files of this home's downloads that run or wait in line, by the keys of their partials.

    Those that run in other homes tell it in the store.
    """
    found: dict[str, int] = {}
    for job in await live_downloads(context):
        for file in await artifacts_of(context, job):
            found[partial_key(file)] = file.size or 0
    return found


def refuse_if_full(plan: Plan) -> None:
    """Stop a download that the disk cannot take, before its first byte.

    Raises:
        NoSpaceError: with the figures.
    """
    if plan.fits:
        return
    short = plan.bytes_to_write + plan.disk_reserved + plan.disk_margin - plan.disk_free
    raise NoSpaceError(
        f"{plan.model} needs {text.size(plan.bytes_to_write)} more on disk, and "
        f"{text.size(plan.disk_free)} are free, of which {text.size(plan.disk_reserved)} are "
        f"promised to other downloads and {text.size(plan.disk_margin)} stay free",
        hint=f"Free {text.size(short)}, or take fewer files with --include or --variant.",
    )
