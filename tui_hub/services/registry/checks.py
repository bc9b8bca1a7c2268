"""What a document may say: its parts as the records of this program, or why they are none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from tui_hub import text
from tui_hub.blobs.views import VIEW_MARKER
from tui_hub.domain.additions import AddedFile, Addition
from tui_hub.domain.configuration import ModelConfiguration, changed
from tui_hub.domain.errors import UnsafeError, UsageError
from tui_hub.domain.identifiers import ModelId, is_sha256, repository_path
from tui_hub.domain.models import Registration
from tui_hub.domain.registry import Pin, PinnedFile, PinnedSlot
from tui_hub.domain.revisions import Version
from tui_hub.services.models.version_names import check_name
from tui_hub.services.registry.shape import (
    DefinitionShape,
    FileShape,
    InstalledShape,
    PlacedFileShape,
    RegistrationShape,
    VersionShape,
)
from tui_hub.settings import FeedSettings, Settings
from tui_hub.sources.addresses import checked_address
from tui_hub.sources.feeds import check_feed, feeds_from

_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_MD5 = re.compile(r"[0-9a-f]{32}")
_MOST_FILES = 100_000
_NOTE = 20_000
OWN = ("url", "local")
"""The sources of models that have a definition."""


def note(given: object) -> str | None:
    """A note of the user's; what would harm a terminal in it goes."""
    if not isinstance(given, str):
        raise UsageError("it must be text")
    return text.clean(given, _NOTE, lines=True) or None


def registration(model: str, given: RegistrationShape) -> Registration:
    """A registration that was never synced here."""
    return Registration(
        model=model,
        vendor=_words(given.vendor, 100),
        name=_words(given.name, 200),
        auto_sync=given.auto_sync,
    )


def version(model: str, given: VersionShape) -> Version:
    """A name for a revision."""
    return Version(
        model=model,
        name=check_name(given.name),
        revision=_revision(given.revision),
        variant=_exact(given.variant),
        named_at=_time(given.named_at),
    )


def configuration(given: Mapping[str, str | int]) -> ModelConfiguration | None:
    """What is set for a model; whether this box has its runtime shows when it is activated."""
    found = changed(ModelConfiguration(), {key: str(value) for key, value in given.items()})
    return found if found != ModelConfiguration() else None


def definition(model: str, given: DefinitionShape) -> Addition:
    """The definition of an added model; nothing is asked whether its files are there."""
    source = ModelId.parse(model).source
    if source not in OWN:
        raise UsageError(f"models of {source} have none: their source tells what they are")
    files = tuple(_placed(source, file) for file in given.files)
    _refuse_twins([file.path for file in files])
    folder = None if given.folder is None or source == "url" else _local(given.folder)
    return Addition(
        model=model,
        type=given.type,
        files=files,
        folder=folder,
        license=_words(given.license, 100),
        gpu_memory=given.gpu_memory,
        torch=_words(given.torch, 40),
        added_at=_time(given.added_at),
    )


def pin(model: str, given: InstalledShape) -> Pin:
    """What was installed of a model."""
    if len(given.files) > _MOST_FILES:
        raise UsageError(f"no model has more than {_MOST_FILES} files")
    files = tuple(sorted(map(_file, given.files), key=lambda file: file.path))
    _refuse_twins([file.path for file in files], folded=False)
    slots = tuple(
        PinnedSlot(type=one.type, runtime=_required(one.runtime), variant=_exact(one.variant))
        for one in given.slots
    )
    return Pin(
        model=model,
        revision=_revision(given.revision),
        type=given.type,
        variants=tuple(map(_required, given.variants)),
        license=_words(given.license, 100),
        installed_at=_time(given.installed_at),
        files=files,
        slots=slots,
    )


def feed(name: str, given: FeedSettings) -> None:
    """See that there can be such a feed."""
    found = next(one for one in feeds_from(Settings(feeds={name: given})) if one.name == name)
    check_feed(found)


def _file(given: FileShape) -> PinnedFile:
    _check_hash(given.sha256)
    return PinnedFile(
        path=repository_path(given.path),
        size=given.size,
        sha256=given.sha256,
        verified=given.verified,
        etag=_exact(given.etag),
    )


def _placed(source: str, given: PlacedFileShape) -> AddedFile:
    _check_hash(given.sha256)
    if given.md5 is not None and not _MD5.fullmatch(given.md5):
        raise UsageError(f"{text.clean(given.md5, 80)!r} is no MD5")
    path = repository_path(given.path)
    if path.split("/")[0] == VIEW_MARKER:
        raise UnsafeError(f"the file name {path!r} is taken by the store")
    return AddedFile(
        path=path,
        place=checked_address(given.place) if source == "url" else _local(given.place),
        size=given.size,
        sha256=given.sha256,
        md5=given.md5,
        mark=_exact(given.mark),
    )


def _local(given: str) -> str:
    """A place on a box, as it is named; whether it is there shows when it is asked for."""
    path = PurePosixPath(given)
    if not path.is_absolute() or ".." in path.parts or not _is_plain(given):
        raise UnsafeError(f"{text.clean(given, 80)!r} is no plain absolute path")
    return given


def _refuse_twins(paths: list[str], *, folded: bool = True) -> None:
    names = {path.lower() if folded else path for path in paths}
    if len(names) < len(paths):
        raise UsageError("two of its files have the same name")


def _check_hash(given: str | None) -> None:
    if given is not None and not is_sha256(given):
        raise UsageError(f"{text.clean(given, 80)!r} is no SHA-256")


def _revision(given: str) -> str:
    if not _REVISION.fullmatch(given):
        raise UsageError(f"{text.clean(given, 80)!r} is no revision")
    return given


def _time(given: str) -> str:
    if not given:
        return ""
    found = text.same_time(given)
    if found is None:
        raise UsageError(f"{text.clean(given, 80)!r} is no time")
    return found


def _words(given: str | None, limit: int) -> str | None:
    return text.clean(given, limit) or None


def _exact(given: str | None) -> str | None:
    """Text that means something only letter by letter."""
    if given is not None and not _is_plain(given):
        raise UnsafeError(f"{text.clean(given, 80)!r} holds characters that cannot be shown")
    return given


def _required(given: str) -> str:
    if not given.strip() or not _is_plain(given):
        raise UnsafeError(f"{text.clean(given, 80)!r} is no name")
    return given


def _is_plain(given: str) -> bool:
    return text.clean(given, len(given) + 1) == given
