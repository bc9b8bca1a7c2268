"""Slots: one type's active model."""

from __future__ import annotations

from dataclasses import asdict, field

from tui_hub.domain.configuration import ModelConfiguration
from tui_hub.domain.errors import NotFoundError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.jobs import Owner
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
