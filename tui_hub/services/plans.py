"""The plan of a download: what is transferred, what is here already, and whether it fits."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from tui_hub import text
from tui_hub.blobs import BlobStore
from tui_hub.blobs.metadata import find_metadata
from tui_hub.domain.artifacts import Artifact, select, variants_of, whole_variants
from tui_hub.domain.downloads import Plan
from tui_hub.domain.errors import NoSpaceError, NotFoundError, RefusedError
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.models import Details
from tui_hub.domain.storage import Install
from tui_hub.hardware.host import existing_parent
from tui_hub.services.context import Context
from tui_hub.services.copies import is_copy
from tui_hub.services.file_download import partial_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which files of a model are wanted. All that is empty narrows nothing."""

    paths: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    variant: str | None = None

    @property
    def narrows(self) -> bool:
        """Whether less than the whole model is wanted."""
        return bool(self.paths or self.include or self.exclude or self.variant)


def choose(details: Details, choice: Choice) -> tuple[Artifact, ...]:
    """The files of a model that were asked for.

    Raises:
        NotFoundError: when a named file or variant does not exist, or nothing is left.
    """
    paths = choice.paths
    known = {file.path for file in details.files}
    for path in paths:
        if path not in known:
            raise NotFoundError(
                f"{details.model.id} has no file {text.clean(path, 200)!r}",
                hint=f"`tui-hub files {details.model.id}` lists them.",
            )
    if choice.variant is not None:
        paths = (*paths, *_variant_paths(details, choice.variant))
    chosen = select(details.files, paths=paths, include=choice.include, exclude=choice.exclude)
    if not chosen:
        raise NotFoundError(
            f"no file of {details.model.id} is left to download",
            hint=f"`tui-hub files {details.model.id}` lists what there is.",
        )
    return chosen


def _variant_paths(details: Details, wanted: str) -> tuple[str, ...]:
    variants = variants_of(details.files)
    for variant in variants:
        if variant.name.lower() == wanted.lower():
            return variant.paths
    names = ", ".join(variant.name for variant in variants) or "none"
    raise NotFoundError(
        f"{details.model.id} has no variant {text.clean(wanted, 80)!r}",
        hint=f"Its variants: {text.clean(names, 300)}.",
    )


async def make_plan(
    context: Context, details: Details, files: Sequence[Artifact], *, ref: str
) -> Plan:
    """Work out what a download of these files would do, asking nobody but the disk."""
    return await context.on_disk(
        _measure, context, details, tuple(files), ref, await _to_come(context, details)
    )


def _measure(
    context: Context, details: Details, files: tuple[Artifact, ...], ref: str, to_come: int
) -> Plan:
    store = context.store
    partials = {partial.key: partial for partial in store.partials()}
    # What a running download has allocated beyond its bytes is not free any more.
    taken_ahead = sum(one.allocated - one.here for one in partials.values() if one.live)
    total = here = resumed = unknown = write = 0
    counted: set[str] = set()
    for file in files:
        size = file.size or 0
        unknown += file.size is None
        total += size
        key = partial_key(file)
        if key in counted or _is_here(store, file):
            here += size
        else:
            resumed += min(store.resumable(key), size)
            taken = partials[key].allocated if key in partials else 0
            write += max(0, size - taken)
        counted.add(key)
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
        note=details.note or _access(details),
        disk_free=shutil.disk_usage(existing_parent(store.root)).free,
        disk_reserved=max(0, to_come - taken_ahead),
        disk_margin=context.configuration.settings.store.reserve,
        unknown_sizes=unknown,
    )


def _access(details: Details) -> str | None:
    """What has to be done before a gated model can be had."""
    if not details.model.gated:
        return None
    page = details.links.get("page", "its page")
    return f"gated: the maker grants access at {page}; it takes a token that has it (HF_TOKEN)"


def _is_here(store: BlobStore, file: Artifact) -> bool:
    """Whether a file is in the store, or its small copy is among the metadata of its model."""
    if file.sha256 is not None and store.has(file.sha256, file.size):
        return True
    copy = find_metadata(store, file.model, file.path)
    return copy is not None and is_copy(file, copy)


async def _to_come(context: Context, details: Details) -> int:
    """Bytes that other downloads of this home have still to fetch."""
    jobs = await context.hub.jobs.list(
        (JobType.DOWNLOAD,), (JobStatus.PENDING, JobStatus.RUNNING), 1000
    )
    return sum(
        max(0, (job.progress.total or 0) - job.progress.done)
        for job in jobs
        if job.payload.get("model") != details.model.id
    )


def refuse_mixture(install: Install | None, details: Details, files: Sequence[Artifact]) -> None:
    """Stop a download that would leave an installed model half old and half new.

    Raises:
        RefusedError: when it takes another revision in, but not all the variants that are here.
    """
    if install is None or install.revision == details.revision:
        return
    wanted = {file.path for file in files}
    here = {file.path for file in details.files if file.blob}
    brought = whole_variants(details.files, wanted | here)
    offered = {one.name for one in details.variants} or {"all"}
    lost = offered.intersection(install.variants).difference(brought)
    if lost or not brought:
        raise RefusedError(
            f"{install.model} is installed at revision {install.revision[:12]}, and this would "
            f"mix it with {(details.revision or '')[:12]}",
            hint=f"Name `--revision {install.revision[:12]}` to add to what is here, or download "
            "every variant that is installed.",
        )


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
