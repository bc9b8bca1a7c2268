"""Models that a user adds by address or by local path: what was asked for, and what is kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from tui_hub.domain.errors import UsageError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.types import ModelType

_CHECKSUMS = {"sha256": 64, "md5": 32}
"""The digits of each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFile:
    """One file of an added model, and where it is taken from."""

    path: str
    """Inside the model, checked by `repository_path`."""
    place: str
    """Its address, or its absolute path on this box."""
    size: int | None = None
    sha256: str | None = None
    """That it must have, by the word of the user or of who publishes it."""
    md5: str | None = None
    mark: str | None = None
    """What changes with the bytes: the `ETag` of an address, the time of a local file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """The definition of an added model. It lasts whatever becomes of the catalogue."""

    model: str
    type: ModelType
    files: tuple[AddedFile, ...]
    folder: str | None = None
    """The folder on this box whose files these are."""
    license: str | None = None
    gpu_memory: int | None = None
    """Bytes of one GPU's memory that it needs, by the word of the user."""
    torch: str | None = None
    """The oldest version of torch that will do."""
    added_at: str = ""

    @property
    def size(self) -> int | None:
        """Bytes of all files; `None` where one is unknown."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def revision(self) -> str:
        """A name for this state of the files, as they have no commit."""
        return hashlib.sha256(repr(self.files).encode("utf-8", "replace")).hexdigest()[:12]

    def seen(self, files: Sequence[AddedFile]) -> Addition:
        """The same with its files as they are now."""
        return replace(self, files=tuple(files))


class Consent(StrEnum):
    """What a user has to say yes to before a model is added."""

    HOST = "host"
    """Files of hosts that the settings do not name."""
    REPLACE = "replace"
    """A model of that name is there already, and goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a user wants added, as it was typed."""

    places: tuple[str, ...]
    """Addresses, or one folder or file of this box."""
    name: str | None = None
    """Behind the prefix of the id; `None` takes the name of the file or folder."""
    type: ModelType | None = None
    """`None` takes `utility`, if there are weights: of anything else it must be told."""
    sha256: tuple[str, ...] = ()
    """Each is `HEX` or `FILE=HEX`; so are those of `md5`."""
    md5: tuple[str, ...] = ()
    license: str | None = None
    gpu_memory: int | None = None
    torch: str | None = None


def check_checksums(proposal: Proposal) -> None:
    """Make sure that what is given as checksums are some, before anybody is asked for the files.

    Raises:
        UsageError: for one that is none.
    """
    for kind, given in (("sha256", proposal.sha256), ("md5", proposal.md5)):
        for text in given:
            _checked(kind, text.rpartition("=")[2])


def with_checksums(files: Sequence[AddedFile], proposal: Proposal) -> tuple[AddedFile, ...]:
    """The files with the checksums that they must have by the user's word.

    A bare checksum is that of the file in its place: of the first address, of the second.

    Raises:
        UsageError: for what is no checksum, and for one of a file that is not there.
    """
    by_path = {file.path: file for file in files}
    for kind, given in (("sha256", proposal.sha256), ("md5", proposal.md5)):
        bare = [text for text in given if "=" not in text]
        if bare and len(bare) != len(files):
            raise UsageError(
                f"{len(bare)} {kind} checksums are given without a name, for {len(files)} files",
                hint=f"Name the file: --{kind} {files[0].path}=HEX.",
            )
        named = [text.rpartition("=")[::2] for text in given if "=" in text]
        for path, checksum in [*zip(by_path, bare, strict=False), *named]:
            if path not in by_path:
                raise UsageError(
                    f"there is no file {path[:80]!r} among those to add",
                    hint=f"There is {', '.join(list(by_path)[:5])}.",
                )
            checked = {kind: _checked(kind, checksum)}
            by_path[path] = replace(by_path[path], **checked)  # type: ignore[arg-type]
    return tuple(by_path.values())


def _checked(kind: str, text: str) -> str:
    found = text.strip().lower().removeprefix(f"{kind}:")
    if not re.fullmatch(rf"[0-9a-f]{{{_CHECKSUMS[kind]}}}", found):
        raise UsageError(
            f"{text[:80]!r} is no {kind} checksum",
            hint=f"It has {_CHECKSUMS[kind]} digits from 0 to 9 and a to f.",
        )
    return found
