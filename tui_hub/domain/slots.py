"""Slots: one type's active model, and how a change of it goes and ends."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Protocol

from tui_hub.domain.configuration import ModelConfiguration
from tui_hub.domain.errors import NotFoundError
from tui_hub.domain.fit import Device
from tui_hub.domain.jobs import Owner
from tui_hub.domain.runtime import TORCH
from tui_hub.domain.types import ModelType


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFigures:
    """Bytes of memory before and after an activation; `None` where nothing was measured."""

    needed: int | None = None
    free_before: int | None = None
    used_after: int | None = None
    peak: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The active model of one type."""

    type: ModelType
    model: str
    revision: str
    runtime: str
    """`torch`, `ollama`, `command` or `link`."""
    path: str
    """The folder a loader opens; empty where the daemon of Ollama alone has its files."""
    device: str | None = None
    holder: Owner | None = None
    """The process that holds the weights in memory, where one does."""
    child: str | None = None
    """By what its runtime finds it again: the name of that process's socket, for example."""
    since: str = ""
    variant: str | None = None
    memory: MemoryFigures = field(default_factory=MemoryFigures)
    error: str | None = None
    """Why the weights are not in memory, though they should be. The files are published still."""
    url: str | None = None
    """Where a server answers for it, where one does."""
    command: str | None = None
    """The server's name in the settings, for the runtime `command`."""
    configuration: ModelConfiguration = field(default_factory=ModelConfiguration)
    """What was set for the model when it was loaded."""

    @property
    def pid(self) -> int | None:
        """The process that holds the weights."""
        return None if self.holder is None else self.holder.pid

    @property
    def chosen_by(self) -> str:
        """What is to be asked for to have it in the same way again: a runtime, or a command."""
        return self.command or self.runtime

    @property
    def held(self) -> bool:
        """Whether the model is in memory, or a process of ours is still at it."""
        return self.holder is not None or (self.child is not None and self.error is None)

    @property
    def status(self) -> str:
        """`active`, or `error` where the weights should be in memory and are not."""
        return "active" if self.error is None else "error"

    @property
    def facts(self) -> dict[str, object]:
        """What other programs are told of it, under the names of `tui-hub active`."""
        return {
            "type": self.type.value,
            "model": self.model,
            "runtime": self.runtime,
            "device": self.device,
            "path": self.path or None,
            "url": self.url,
            "pid": self.pid,
            "since": self.since,
            "memory": asdict(self.memory),
            "status": self.status,
            "error": self.error,
            "revision": self.revision,
            "variant": self.variant,
            "command": self.command,
        }

    def needs_reload(self, now: ModelConfiguration) -> bool:
        """Whether its model was loaded in another way than is set for it by now."""
        then = self.configuration
        return (
            now.runtime not in (then.runtime, self.chosen_by)
            or now.variant not in (then.variant, self.variant)
            or then.differs(now, self.runtime)
        )


def slot_lease(kind: ModelType) -> str:
    """The name of the lease under which alone a slot may be changed."""
    return f"slot {kind.value}"


def empty_slot(kind: ModelType) -> NotFoundError:
    """The error for a slot without a model."""
    return NotFoundError(
        f"the slot {kind.value} is empty: no model is active there",
        hint=f"`tui-hub activate MODEL --type {kind.value}` fills it.",
    )


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


class Brought(Protocol):
    """What came into memory, and how long that took."""

    @property
    def bytes(self) -> int:
        """Of the weights."""

    @property
    def seconds(self) -> float:
        """Until they were there."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The least that is known of what came into memory."""

    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """What loading a model really took."""

    device: str
    dtype: str
    """What its floats became; empty where they were left."""
    peak: int | None
    """The most memory of it, in bytes."""
    bytes: int
    """What was loaded."""
    seconds: float
    runtime: str = TORCH
    context: int | None = None
    """Tokens of context that it was loaded for, where that was set."""

    @property
    def whole(self) -> bool:
        """Whether the peak counts all that it took: caches and the runtime itself, too."""
        return self.runtime != TORCH

    @property
    def on_gpu(self) -> bool:
        """Whether it was loaded onto a GPU."""
        return self.device.startswith(("cuda", "gpu"))

    @property
    def rate(self) -> float | None:
        """Bytes a second."""
        return self.bytes / self.seconds if self.seconds > 0 and self.bytes else None

    def is_on(self, device: Device) -> bool:
        """Whether it was loaded onto a device of the same kind."""
        return self.on_gpu is (device.index is not None)


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
