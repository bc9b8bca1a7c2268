"""The registry: what a person would lose with a home's database, and how an import of it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from tui_hub.domain.additions import Addition
from tui_hub.domain.artifacts import Verified
from tui_hub.domain.configuration import ModelConfiguration
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import ModelEdit, Registration
from tui_hub.domain.revisions import Version
from tui_hub.domain.types import ModelType


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedFile:
    """One file of a pinned model."""

    path: str
    """Inside the model, checked by `repository_path`."""
    size: int | None = None
    sha256: str | None = None
    verified: Verified = Verified.NONE
    """What it was checked against where it was installed."""
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedSlot:
    """A slot that the model was active in; a record, which activates nothing."""

    type: ModelType
    runtime: str
    variant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What of a model was installed where it was exported: a download takes exactly that.

    It holds until the model is installed, or another revision is asked for by name.
    """

    model: str
    revision: str
    type: ModelType
    variants: tuple[str, ...] = ()
    license: str | None = None
    installed_at: str = ""
    files: tuple[PinnedFile, ...] = ()
    slots: tuple[PinnedSlot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRows:
    """The rows of `hub.db` that make the registry, all of them or those to be written."""

    edits: tuple[ModelEdit, ...] = ()
    registrations: tuple[Registration, ...] = ()
    additions: tuple[Addition, ...] = ()
    versions: tuple[Version, ...] = ()
    pins: tuple[Pin, ...] = ()
    configurations: Mapping[str, ModelConfiguration] = field(default_factory=dict)
    """What is set for models now, by their ids."""


class Part(StrEnum):
    """The parts of the registry that an import decides on one by one."""

    NOTE = "note"
    FAVOURITE = "favourite"
    TYPE = "type"
    REGISTRATION = "registration"
    DEFINITION = "definition"
    VERSION = "version"
    CONFIGURATION = "configuration"
    INSTALLED = "installed"
    FEED = "feed"
    ENTRY = "entry"
    """A model's whole entry, where nothing in it can be told apart."""


class Outcome(StrEnum):
    """What an import did with a part, or would do."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of one part of an imported document."""

    subject: str
    """The id of the model, or the name of the feed."""
    part: Part
    outcome: Outcome
    name: str | None = None
    """Which one, where a model has several: the name of a version."""
    reason: str | None = None
    """Why it was skipped."""
    place: str | None = None
    """Where in the document it stands, as a JSON path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """How an import went, or would go."""

    decisions: tuple[Decision, ...]
    pinned: tuple[str, ...] = ()
    """Models of the document that wait for their download here."""
    hosts: tuple[str, ...] = ()
    """Where files would be taken from that nobody said yes to yet: hosts, and `this box`."""

    def count(self, outcome: Outcome) -> int:
        """How many parts ended so."""
        return sum(decision.outcome is outcome for decision in self.decisions)
