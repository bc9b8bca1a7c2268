"""What a look over the store finds: damaged and missing blobs, and links that led nowhere."""

from __future__ import annotations

from dataclasses import field

from tui_hub.domain.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A blob that had its hash at a moment, and by what the file is known again."""

    sha256: str
    at: str
    size: int
    modified: int
    """When it was written last, in nanoseconds."""
    inode: int


@dataclass(frozen=True, slots=True)
class Verifying:
    """A run over the store that is not at its end, by which the next process goes on with it."""

    scope: str
    number: int
    started_at: str
    found: str
    """What it has found so far, as JSON; empty when nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFile:
    """A file of a model whose bytes are some blob."""

    model: str
    path: str
    revision: str | None = None
    """Only where downloading the model without naming it would bring another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A blob, or a receipt, that is not what it should be."""

    path: str
    """Where it was found."""
    reason: str
    sha256: str | None = None
    """The hash that it should have; `None` for a receipt."""
    found: str | None = None
    """The hash that it has, where its bytes can be read."""
    size: int | None = None
    quarantine: str | None = None
    """Where it is now; `None` where it was left in its place."""
    files: tuple[HeldFile, ...] = ()
    active: tuple[str, ...] = ()
    """The slots whose model holds it."""
    owner: str | None = None
    """The model of a receipt."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models that hold it."""
        named = [self.owner] if self.owner is not None else []
        return tuple(dict.fromkeys((*named, *(file.model for file in self.files))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A blob that a model needs and that is not in the store."""

    sha256: str
    size: int | None = None
    files: tuple[HeldFile, ...] = ()
    active: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """The models that need it."""
        return tuple(dict.fromkeys(file.model for file in self.files))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """Something beside the blobs that was wrong: a link, a copy of a small file, the rights."""

    path: str
    problem: str
    done: bool
    """Whether it is right now."""
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a look over the store, or over one model, came to. Sizes are bytes."""

    job: str
    model: str | None = None
    """`None` for the whole store."""
    dry_run: bool = False
    checked: int = 0
    """Blobs that were looked at, those of an earlier run that this one went on with included."""
    resumed: int = 0
    """How many of these the earlier run had found sound."""
    bytes: int = 0
    """What was read."""
    seconds: float = 0.0
    damaged: tuple[Damage, ...] = ()
    missing: tuple[Missing, ...] = ()
    mended: tuple[Mend, ...] = ()
    strangers: tuple[str, ...] = ()
    """What lies among the blobs and is none."""
    commands: tuple[str, ...] = field(default=())
    """What fetches again what was lost."""

    @property
    def ok(self) -> int:
        """Blobs that are what their names say."""
        return self.checked - sum(1 for one in self.damaged if one.sha256 is not None)

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged and nothing missing."""
        return not self.damaged and not self.missing
