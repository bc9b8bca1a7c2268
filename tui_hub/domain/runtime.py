"""What is asked of the processes that hold models, and what they answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import PurePath

from tui_hub.domain.frozen import dataclass

TORCH = "torch"
OLLAMA = "ollama"
COMMAND = "command"
LINK = "link"
RUNTIMES = (TORCH, OLLAMA, COMMAND, LINK)
"""How a model becomes active."""

DTYPES = ("float64", "float32", "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2")
"""What torch can be told to make of floating weights."""
DEVICE = re.compile(r"auto|cpu|cuda:[0-9]{1,3}")
"""Where it can be told to load them."""

PLACEHOLDERS = ("path", "file", "host", "port", "model", "name", "context")
"""What a command of the user's may leave to be filled in, beside `options.NAME`."""


OPTIONAL_VARIABLES = (
    "TUI_HUB_MODEL_PATH",
    "TUI_HUB_MODEL_VARIANT",
    "TUI_HUB_MODEL_FILE",
    "TUI_HUB_URL",
    "TUI_HUB_SERVED_MODEL",
)
"""What programs find in their environment of some active models only, so that what an earlier model
left there has to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchDevice:
    """One device that a torch can load onto."""

    device: str
    """As torch names it: `cpu`, `cuda:0`."""
    name: str
    memory: int | None = None
    """Bytes in all; `None` where torch does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchInfo:
    """A torch that was imported."""

    version: str
    cuda: str | None = None
    """The CUDA version it was built for; `None` for a build without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A LoRA adapter, as it is to be added to the weights of a model."""

    name: str
    """The id of its model, for errors."""
    file: str
    """The absolute path of its weights."""
    alpha: float
    """By what its product is multiplied, divided by the rank."""
    alphas: Mapping[str, float] = field(default_factory=dict)
    """The same for some layers, by the end of their names."""
    rank_stabilized: bool = False
    """Whether it is divided by the root of the rank instead."""
    transposed: bool = False
    """Whether the model keeps the weights of its layers with inputs first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """Weights to bring into memory; several files are the shards of one model."""

    files: tuple[str, ...]
    """Absolute paths."""
    device: str = "auto"
    """`auto` (the first GPU, else the processor), `cpu` or `cuda:N`."""
    gpu: str = ""
    """The UUID of that GPU, or of a slice of it, by which it is found whatever CUDA's numbers."""
    dtype: str = ""
    """What floating tensors become, `bfloat16` for example; empty leaves them as they are."""
    consent: bool = False
    """Whether the user agreed to have pickle files loaded, weights only."""
    adapters: tuple[Adapter, ...] = ()
    """What is added to the weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """How far a load has come, in bytes."""

    phase: str
    """`load` (into memory) or `test` (looked through for what is not a number)."""
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Weights that stand in memory and passed the self-test."""

    device: str
    device_name: str
    dtypes: Mapping[str, int] = field(default_factory=dict)
    """Parameters by dtype, as torch names it."""
    tensors: int
    parameters: int
    bytes: int
    """Bytes of all tensors as they stand in memory."""
    seconds: float
    """Time to bring them there."""
    test_seconds: float
    """Time of the self-test, which comes on top."""
    memory_peak: int | None = None
    """The most memory that the load took: on a GPU what torch reserved, without the context of
    CUDA itself; on the processor the growth of the process."""
    memory_used: int | None = None
    """What ending the process gives back: on a GPU what torch reserves, on the processor all that
    the process holds, torch itself included."""
    untested: tuple[str, ...] = ()
    """Dtypes that torch cannot look through, as four-bit floats."""
    adapted: int = 0
    """How many tensors adapters changed."""

    @property
    def speed(self) -> float:
        """Bytes a second of the load, without the self-test."""
        return self.bytes / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that has a model's weights from the process that holds them."""

    pid: int
    user: str
    program: str
    """How its command line begins."""

    def __str__(self) -> str:
        first, _, rest = self.program.partition(" ")
        short = " ".join(filter(None, (PurePath(first).name, rest)))
        short = short if len(short) <= 60 else f"{short[:59]}…"
        return f"pid {self.pid} of {self.user}: {short}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildStatus:
    """What a living child says of itself."""

    pid: int
    state: str
    """`importing`, `broken` (no torch), `ready` (holds nothing), `loading`, `loaded`, `parking` or
    `parked` (in the host's memory, off its GPU)."""
    kept: bool
    """Whether it outlives whoever started it."""
    progress: LoadProgress | None = None
    loaded: Loaded | None = None
    programs: tuple[Program, ...] = ()
    """Who has the weights from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOrder:
    """A server of the user's, as it is to be run."""

    program: tuple[str, ...]
    """The program and its arguments, with nothing left to be filled in."""
    folder: str
    """Where it runs."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the user adds to the environment."""
    host: str
    port: int
    health: str = ""
    """An address that answers with success once it is ready; without one, its port must answer."""
    timeout: float
    """Seconds until it must be ready."""
    stop_timeout: float
    """Seconds from the request to end until it is ended by force."""
    restarts: int = 0
    """How often it is started again when it fails."""
    strangers: bool = False
    """Whether somebody may listen at its port whom it did not start, as a daemon does for it."""
    log: str
    """The file that gets what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """What the process that keeps a server says of it."""

    pid: int
    state: str
    """`ready` (for an order), `starting`, `running`, `waiting` (to start it again), `broken`."""
    kept: bool
    trouble: str = ""
    """Why it does not run."""
