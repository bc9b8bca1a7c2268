"""Models as the catalogue lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from tui_hub.domain.artifacts import Artifact, Variant
from tui_hub.domain.errors import HubError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.revisions import Revision
from tui_hub.domain.types import ModelType

DEFAULT_REF = "main"
"""The branch that is meant when nobody names a revision."""
SIZE_OF = "size_of"
"""The fact that names the commit whose files add up to the size."""
_HUB = "hf"


class ModelStatus(StrEnum):
    """What this box has of a model."""

    NOT_INSTALLED = "not_installed"
    DOWNLOADING = "downloading"
    INSTALLED = "installed"
    ACTIVE = "active"
    ERROR = "error"


class Fit(StrEnum):
    """Whether a model fits the GPUs of this box."""

    FITS = "fits"
    FITS_AFTER_SWAP = "fits_after_swap"
    NEEDS_GPUS = "needs_gpus"
    OFFLOAD = "offload"
    TOO_BIG = "too_big"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entry of the catalogue. Sizes are bytes, times are ISO 8601 UTC, all text is clean."""

    id: str
    """`<source>:<name>`, unique in the catalogue."""
    source: str
    name: str
    """The name without its author."""
    author: str | None = None
    type: ModelType = ModelType.UTILITY
    task: str | None = None
    """The Hub's `pipeline_tag`."""
    library: str | None = None
    license: str | None = None
    gated: bool | str = False
    """`False`, or how access is granted: `auto` or `manual`."""
    tags: tuple[str, ...] = ()
    downloads: int = 0
    """In the last 30 days."""
    likes: int = 0
    trending: float = 0.0
    params: int | None = None
    """Number of parameters."""
    size: int | None = None
    """Bytes of all files, where known."""
    last_modified: str | None = None
    created_at: str | None = None
    revision: str | None = None
    """The upstream commit that the catalogue knows."""
    status: ModelStatus = ModelStatus.NOT_INSTALLED
    fit: Fit = field(default=Fit.UNKNOWN, compare=False)
    """What the box says, and no source: the same model on another box is no other one."""
    favourite: bool = False
    """Whether the user of this home starred it."""
    deprecated: bool = False
    removed: bool = False
    """Vanished upstream; kept because this box may still hold it."""
    origin: str = "sync"
    """How the record came to be: `sync`, `curated`, `user` or `local`."""
    owner: str = ""
    """The system user that owns the record, for example `hf_sync_system`."""
    upstream_id: str | None = None
    """The source's own stable key (the Hub's `_id`), which survives a rename."""
    description: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    """What only some sources know: maker, release date, limits, price, links, requirements."""

    @property
    def size_is_estimate(self) -> bool:
        """Whether the size is not that of the files, which nobody has listed at this revision.

        The listings of the Hub count what earlier commits left too, or one file of several.
        """
        measured = self.revision is not None and self.facts.get(SIZE_OF) == self.revision
        return self.size is not None and self.source == _HUB and not measured


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEdit:
    """What a user added to a model. No sync overwrites it."""

    model: str
    note: str | None = None
    favourite: bool = False
    type: ModelType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Everything known of one model, as its page shows it."""

    model: Model
    files: tuple[Artifact, ...] = ()
    variants: tuple[Variant, ...] = ()
    installed_variants: tuple[str, ...] = ()
    revision: str | None = None
    """The commit that the files are of."""
    installed_revision: str | None = None
    installed_size: int | None = None
    """Bytes of the files that are installed; `None` where none are."""
    pinned_revision: str | None = None
    """The one that an imported registry names; a download takes it while nothing is installed."""
    versions: tuple[Revision, ...] = ()
    """The revisions that this box saw, newest first."""
    links: Mapping[str, str] = field(default_factory=dict)
    requirements: Mapping[str, object] = field(default_factory=dict)
    edit: ModelEdit | None = None
    registration: Registration | None = None
    unsafe: tuple[str, ...] = ()
    """Files of the repository whose names are refused, as text to show."""
    path: str | None = None
    """The folder that a loader opens, once files are here."""
    problem: HubError | None = None
    """Why something is missing, for example that the source could not be reached."""

    @property
    def note(self) -> str | None:
        """The problem in words."""
        return None if self.problem is None else self.problem.message


class RegistrationStatus(StrEnum):
    """Where a registered repository stands."""

    REGISTERED = "registered"
    SYNCED = "synced"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A repository that a user added by hand, with its own sync."""

    model: str
    vendor: str | None = None
    name: str | None = None
    auto_sync: bool = False
    status: RegistrationStatus = RegistrationStatus.REGISTERED
    error: str | None = None
    synced_at: str | None = None
