"""How a change of a slot goes, is journalled and ends, and what it would do."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.loads import Load
from tui_hub.domain.slots import MemoryFigures, Slot
from tui_hub.domain.types import ModelType

if TYPE_CHECKING:
    from tui_hub.domain.fit import Device


class SwapStep(StrEnum):
    """Where the change of a slot stands."""

    CHECKING = "checking"
    RELEASING = "releasing"
    WAITING = "waiting for the memory"
    LOADING = "loading"
    TESTING = "self-test"
    PUBLISHING = "publishing"
    ROLLING_BACK = "rolling back"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapPicture:
    """The change of a slot while it goes on, as a person watches it."""

    type: ModelType
    model: str | None
    """What comes; `None` while a slot is being emptied."""
    previous: str | None
    step: SwapStep
    passed: tuple[str, ...] = ()
    """What was done before, a few words for each."""
    said: tuple[str, ...] = ()
    """The last lines of a server that did not get ready."""
    done: int = 0
    total: int = 0
    """Bytes of the load."""
    speed: float = 0.0
    """Bytes a second."""
    local: bool = True
    """Whether this process is at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """The journal of one change, by which the next start ends or undoes what a crash left."""

    type: ModelType
    wanted: Slot | None
    """What is to stand in the slot; `None` where it is being emptied."""
    previous: Slot | None
    committed: bool = False
    """Whether the new model is the slot's, and only the old one is left to be ended."""
    job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationResult:
    """How a change of a slot ended."""

    slot: ModelType
    model: str | None
    status: str
    """`active`, `inactive`, `rolled_back` or `error`."""
    runtime: str | None = None
    device: str | None = None
    pid: int | None = None
    path: str | None = None
    url: str | None = None
    """Where a server answers for it, where one does."""
    memory: MemoryFigures = field(default_factory=MemoryFigures)
    seconds: float = 0.0
    previous: str | None = None
    error: str | None = None
    error_code: str | None = None
    """The word of the command-line contract for the error."""
    hint: str | None = None
    job: str | None = None
    """The job that did it; `None` where nothing had to be done."""
    note: str | None = None
    """What a person should know, for example that torch is not installed and `link` was used."""

    @property
    def figures(self) -> dict[str, object]:
        """What its job keeps of it."""
        return {
            "status": self.status,
            "runtime": self.runtime,
            "device": self.device,
            "path": self.path,
            "url": self.url,
            "seconds": round(self.seconds, 3),
            "previous": self.previous,
        }


def ended_as(swap: Swap) -> ActivationResult:
    """How a change ended that was carried out, though nobody was left to say so."""
    slot, before = swap.wanted, swap.previous
    return ActivationResult(
        slot=swap.type,
        model=slot.model if slot else before.model if before else None,
        status="active" if slot else "inactive",
        runtime=slot.runtime if slot else None,
        device=slot.device if slot else None,
        path=(slot.path or None) if slot else None,
        url=slot.url if slot else None,
        previous=before.model if before else None,
        job=swap.job,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePreview:
    """What putting a model into its slot would do, before anybody agrees to it."""

    slot: ModelType
    runtime: str
    command: str | None = None
    """The name of the user's server, for the runtime `command`."""
    note: str | None = None
    """What a person should know, for example why it would be published as a link alone."""
    pickle: bool = False
    """Whether its weights are pickle files that nobody has agreed to yet."""
    weights: int = 0
    """Bytes."""
    takes: int = 0
    """Bytes of memory that the weights take together with the runtime itself."""
    device: Device | None = None
    """Where it would be loaded, with the memory that is free there now."""
    returns: int = 0
    """Bytes that the present model gives back to that device."""
    problem: str | None = None
    """Why there is no room for it."""
    last: Load | None = None
    rate: float | None = None
    """Bytes a second of its own last load onto such a device, else of the last ones of others."""

    @property
    def seconds(self) -> float | None:
        """How long the load should take; `None` where nothing of the kind was measured here."""
        return self.weights / self.rate if self.rate else None

    @property
    def known(self) -> bool:
        """Whether that is by a load of its own."""
        return self.last is not None and self.device is not None and self.last.is_on(self.device)
