"""Readings of the box, as frozen samples. All sizes are bytes."""

from __future__ import annotations

from dataclasses import replace

from tui_hub.domain.frozen import dataclass

_ITS_OWN = 64 * 1024**2
"""Bytes that a driver may take for itself with no process at all."""
_CONTEXT = 2 * 1024**3
"""Bytes at most that a process takes of a GPU besides what it was measured to load."""
_FOR_NOW = ("GPU driver hangs", "reboot for the GPU")
"""Why GPUs cannot be read that are there: for a while, as whoever asks for one should know."""
_NEVER = "no access"
"""A GPU that others have been given."""
_BY_RECORD = "by our own record"
"""The name of a process that the driver does not list at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSample:
    """Memory, processor and disk of the box at one moment."""

    memory_total: int
    memory_used: int
    cpu_percent: float
    disk_total: int
    disk_free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuProcess:
    """A process that holds memory of a GPU."""

    pid: int
    """As the driver tells it: in a container that may be a pid of the host."""
    user: str | None = None
    name: str | None = None
    memory: int | None = None
    """`None` where the driver does not tell it."""
    recorded: bool = False
    """Whether the slot is known by what was measured as it was filled; the driver hides it."""
    utilization: int | None = None
    """Percent of the time in which it kept the GPU busy; `None` where the driver does not tell."""
    slot: str | None = None
    """The type whose active model the process holds; `None` for a process that is not ours."""
    visible: bool = True
    """Whether the process can be seen from here; without that, its user and name are unknown."""

    @property
    def label(self) -> str:
        """What a person calls the process."""
        return self.name or f"host pid {self.pid} (not visible here)"


@dataclass(frozen=True, slots=True)
class Held:
    """What a slot of ours holds of a GPU, by what was measured as it was filled."""

    gpu: int
    """The driver's number."""
    pid: int
    slot: str
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSample:
    """One GPU, or one slice of a GPU in MIG mode, at one moment."""

    index: int
    """The driver's number, which is not CUDA's: `uuid` is what both agree on."""
    uuid: str
    name: str
    memory_total: int = 0
    """Like all sizes here, zero where `error` is set."""
    memory_used: int = 0
    """Without `memory_reserved`, but for drivers before 510, which do not tell them apart."""
    memory_free: int = 0
    memory_reserved: int = 0
    """What the driver keeps for itself."""
    memory_shared: bool = False
    """Whether it has no memory of its own, and these are the figures of the box."""
    utilization: int | None = None
    """Percent of the time in which something ran; this and what follows is `None` if not told."""
    temperature: int | None = None
    """Degrees Celsius."""
    power: float | None = None
    """Watts."""
    power_limit: float | None = None
    """Watts."""
    processes: tuple[GpuProcess, ...] = ()
    parent: str | None = None
    """For a slice, the `uuid` of its GPU."""
    slice: int | None = None
    """For a slice, its number on that GPU."""
    instances: tuple[int, int] | None = None
    """For a slice, the numbers of its GPU instance and its compute instance."""
    hidden: bool = False
    """Whether `CUDA_VISIBLE_DEVICES` keeps models of ours from it."""
    error: str | None = None
    """Why it cannot be read, in words for people; up to the first colon they are the short form."""

    @property
    def label(self) -> str:
        """Its number as people write it: `0`, or `0:1` for a slice."""
        return str(self.index) if self.slice is None else f"{self.index}:{self.slice}"

    @property
    def short_name(self) -> str:
        """Its name without the maker's, and for a slice the profile alone: `H200`, `1g.18gb`."""
        return self.name.rpartition(" MIG ")[2].removeprefix("NVIDIA ").removeprefix("GeForce ")

    @property
    def ours(self) -> int:
        """Memory that our slots hold, as far as the driver tells whose it is."""
        held = sum(one.memory or 0 for one in self.processes if one.slot is not None)
        return min(held, self.memory_used)

    @property
    def unnamed(self) -> int:
        """Memory in use where the driver names no process at all.

        Zero up to 64 MiB, which a driver may take for itself.
        """
        rest = self.memory_used - self.ours
        named = any(one.visible or not one.recorded for one in self.processes)
        return 0 if named or rest <= _ITS_OWN else rest

    @property
    def others(self) -> int:
        """Memory in use that is not known to be ours."""
        return self.memory_used - self.ours

    def credited(self, held: Held) -> GpuSample:
        """The same with what a slot is known to hold, where the driver does not tell it.

        In a container a driver may hide processes, or call them by numbers of the host; some never
        tell the memory of a process.
        """
        if any(one.slot == held.slot and one.memory for one in self.processes):
            return self
        mine = next((one for one in self.processes if one.slot == held.slot), None)
        if mine is None:
            mine = self._unseen(held.memory)
        told = sum(one.memory or 0 for one in self.processes if one is not mine)
        most = max(min(held.memory, self.memory_used - told), 0)
        known = mine or GpuProcess(pid=held.pid, name=_BY_RECORD, visible=False)
        known = replace(known, slot=held.slot, memory=known.memory or most, recorded=True)
        others = tuple(one for one in self.processes if one is not mine)
        return replace(self, processes=(known, *others)) if known.memory else self

    def _unseen(self, memory: int) -> GpuProcess | None:
        """The process that cannot be seen from here and holds just so much, and a context."""
        found = [
            one
            for one in self.processes
            if not one.visible and one.slot is None and 0 <= (one.memory or 0) - memory <= _CONTEXT
        ]
        return min(found, key=lambda one: one.memory or 0, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxSample:
    """The whole box at one moment."""

    host: HostSample
    gpus: tuple[GpuSample, ...] = ()
    error: str | None = None
    """Why no GPU can be read, in words for people; up to the first colon they are the short form.

    `None` with GPUs.
    """

    @property
    def trouble(self) -> str:
        """Why no GPU can be used, though one is there; empty where there is none, or one can."""
        if self.error is not None:
            return self.error if self.error.startswith(_FOR_NOW) else ""
        ours = [gpu.error for gpu in self.gpus if not gpu.hidden]
        told = [error for error in ours if error is not None and not error.startswith(_NEVER)]
        return told[0] if told and all(ours) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuMoment:
    """What the history keeps of one reading of a GPU."""

    memory_used: int
    utilization: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The driver of the GPUs."""

    version: str
    cuda: tuple[int, int] | None
    """The newest CUDA whose programs it runs; `None` where it does not tell."""
