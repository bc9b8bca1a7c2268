"""What a scan of this box finds, and what became of it."""

from __future__ import annotations

from enum import StrEnum

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.types import ModelType


class ScanMode(StrEnum):
    """How files are taken in; all but `auto` are strict, and leave out what cannot come that way.

    `auto` shares blocks where the file system can. Else it points at the file where it lies, since
    copies would take as much disk again, and a second name would have to make somebody else's file
    read-only. What is small, was written just now, or could be changed by others is copied.
    """

    AUTO = "auto"
    REFLINK = "reflink"
    HARDLINK = "hardlink"
    COPY = "copy"
    REFERENCE = "reference"


class ScanStatus(StrEnum):
    """What became of a model that was found."""

    FOUND = "found"
    """It is there, and could be taken in."""
    INSTALLED = "installed"
    """This home has all of it already."""
    ADOPTED = "adopted"
    """It was taken in, and is installed now."""
    PARTLY = "partly"
    """What there is of it is in the store; the rest has to be downloaded."""
    LEFT = "left"
    """It was left where it is; the reason says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedModel:
    """One model on this box outside of the store. Sizes are bytes, all text is clean."""

    model: str
    """The id that it has, or would get."""
    revision: str | None
    type: ModelType
    layout: str
    """Whose folders it lies in: `huggingface`, `ollama`, `comfyui`, `lmstudio` or `folder`."""
    place: str
    status: ScanStatus
    taken: bool = False
    """Whether this scan took something of it in."""
    files: int
    bytes: int
    duplicates: int = 0
    """Files of which the store, or another place, has the same bytes."""
    bytes_saved: int = 0
    """What one copy of each would save."""
    ways: tuple[tuple[str, int], ...] = ()
    """How many files were taken in by which way."""
    referenced_bytes: int = 0
    """Size of what stays where it lies, and must stay so."""
    missing: tuple[str, ...] = ()
    """Files of the model that are not there."""
    reason: str | None = None
    """Why it, or a part of it, was left out."""
    failed: bool = False
    """Whether that is a failure, as for damaged files, and not as things are meant to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Something that cannot be taken for a model, or for a whole one. All text is clean."""

    place: str
    reason: str
    failed: bool = False
    """Whether it is a model that cannot be had, for example since it is damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """One scan. Sizes are bytes."""

    places: tuple[str, ...] = ()
    """Where it looked."""
    models: tuple[ScannedModel, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    job: str | None = None

    @property
    def found(self) -> int:
        """Models that were found, each once however many places it lies in."""
        return len({model.model for model in self.models})

    @property
    def adopted(self) -> int:
        """Models that were taken in, whole or partly."""
        return len({model.model for model in self.models if model.taken})

    @property
    def duplicates(self) -> int:
        """Files that are on this box more than once."""
        return sum(model.duplicates for model in self.models)

    @property
    def bytes(self) -> int:
        """Size of all that was found."""
        return sum(model.bytes for model in self.models)

    @property
    def bytes_saved(self) -> int:
        """What one copy of each file would save."""
        return sum(model.bytes_saved for model in self.models)

    @property
    def referenced_bytes(self) -> int:
        """Size of what was taken in and stays where it lies."""
        return sum(model.referenced_bytes for model in self.models)

    @property
    def fell_short(self) -> bool:
        """Whether something could not be had that should have been."""
        return any(one.failed for one in self.left_out) or any(one.failed for one in self.models)
