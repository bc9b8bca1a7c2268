"""Every setting with its meaning and its default, section by section."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from tui_hub.domain.runtime import COMMAND, DEVICE, DTYPES, RUNTIMES
from tui_hub.settings.limits import Amount, Interval, Seconds, Some
from tui_hub.settings.own import CommandSettings, FeedSettings, HookSettings

_COMMAND_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class NetworkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the program talks to the world."""

    offline: bool = False
    """Never open a connection."""
    timeout: Seconds = 20.0
    """Seconds to wait for a connection or for the next byte of a listing."""
    retries: Amount = 5
    """Attempts without progress before a request is given up."""


class HuggingFaceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Hugging Face Hub."""

    endpoint: str = ""
    """A mirror's address; empty takes `HF_ENDPOINT`, else the Hub itself."""
    page_size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1000
    """Entries to a page of the listing; the Hub is known to take up to 1000."""


class ReplicateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replicate, a catalogue of models that run as its service; `REPLICATE_API_TOKEN` opens it."""

    endpoint: str = "https://api.replicate.com/v1"
    """The address of its API; the token goes there and nowhere else."""


class OllamaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ollama: its registry, its library and the daemon of this box."""

    registry: str = "https://registry.ollama.ai"
    """Where models are described and fetched from; empty asks no registry."""
    library: str = "https://ollama.com"
    """Whose page lists the models there are; empty takes the list that ships with the program."""
    host: str = ""
    """The daemon's address; empty takes `OLLAMA_HOST`, else 127.0.0.1:11434."""
    load_timeout: Seconds = 600.0
    """Seconds until the daemon must have loaded a model into memory."""


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The store on disk."""

    path: str = ""
    """Where the bytes live; empty takes `MODEL_STORE_PATH`, else the home's `store`."""
    reserve: Amount = 64 * 1024**2
    """Bytes of free disk that a download leaves alone."""
    quota: Amount = 0
    """Bytes that the store should not exceed; 0 is no limit. Beyond it the program warns, and goes
    on."""
    read_rate: Amount = 500 * 1000**2
    """Bytes a second that `verify` and `scan` read at most, so that the disk stays quick for
    others; 0 is no limit."""


class DownloadSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Downloads."""

    connections: Annotated[int, msgspec.Meta(ge=1, le=16)] = 16
    """The most connections at a time. The files in work share them, and each has at least one;
    fewer are used while more bring nothing."""
    files: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    """Files of one download that are fetched at the same time."""
    jobs: Annotated[int, msgspec.Meta(ge=1, le=16)] = 2
    """Downloads that run at the same time; the others wait in line."""
    piece_size: Annotated[int, msgspec.Meta(ge=64 * 1024)] = 8 * 1024**2
    """Bytes to a range request."""
    limit: Amount = 0
    """Bytes a second for all downloads of this process together; 0 is no limit."""
    stall: Seconds = 30.0
    """Seconds without a byte before a connection is opened afresh."""
    retries: Some = 5
    """Attempts without progress before a download that had begun fails."""


class TrustSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom the user trusts with files."""

    hosts: list[str] = []
    """Hosts whose files are taken without a question: `example.org`, or `*.example.org` for all
    below it."""
    authors: list[str] = []
    """Authors on the Hub whose files are taken where `others` is `refuse`."""
    others: Literal["ask", "refuse"] = "ask"
    """`ask` takes an address of another host after a yes; `refuse` takes files of no other host
    and no other author."""


class ScanSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where `scan` looks when nobody names a place.

    `auto` stands for all places where a program is known to keep models; none leaves it out.
    """

    huggingface: list[str] = msgspec.field(default_factory=lambda: ["auto"])
    """Caches of Hugging Face's libraries; `auto` goes by `HF_HUB_CACHE` and `HF_HOME`."""
    ollama: list[str] = msgspec.field(default_factory=lambda: ["auto"])
    """Stores of Ollama; `auto` goes by `OLLAMA_MODELS`."""
    lmstudio: list[str] = msgspec.field(default_factory=lambda: ["auto"])
    """LM Studio's folders of models; `auto` goes by its own settings."""
    comfyui: list[str] = msgspec.field(default_factory=lambda: ["auto"])
    """ComfyUI itself, or its folders of models; `auto` looks where most people put it."""
    folder: list[str] = []
    """Any other folders of models."""


class SyncSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The background sync of the catalogue."""

    enabled: bool = True
    """Whether feeds are synced at their times while the program runs."""
    first_delay: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 2.0
    """Seconds from the start of the program to its first sync."""
    interval_min: Interval = 10_800.0
    """Seconds from a feed's sync to its next one, at least; a feed's own `schedule` goes first."""
    interval_max: Interval = 14_400.0
    """Seconds from a feed's sync to its next one, at most; each time is drawn by chance."""
    sweep_interval: Interval = 7 * 86_400.0
    """Seconds until a feed is walked whole again, for what vanished and for popularity."""
    refresh_interval: Interval = 86_400.0
    """The same for a feed with a `limit`, whose list is short and moves with popularity."""
    retry_delay: Seconds = 60.0
    """Seconds until a feed that failed is tried again."""
    retries: Amount = 3
    """How often a feed that failed is tried again before it waits for its next turn."""

    def __post_init__(self) -> None:
        if self.interval_max < self.interval_min:
            raise ValueError("interval_max is less than interval_min")


class RuntimeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How models are loaded into memory."""

    use: str = "auto"
    """`torch` loads models into memory, `ollama` has its daemon do so, `link` only publishes them,
    the name of a command starts that server; `auto` goes by the model."""
    python: str = ""
    """The Python whose torch loads models; empty is this program's own."""
    device: str = "auto"
    """`auto` (the first GPU, else the processor), `cpu` or `cuda:N`."""
    dtype: str = ""
    """What floating weights become, `bfloat16` for example; empty leaves them as they are."""
    start_timeout: Seconds = 120.0
    """Seconds until the process that loads a model must have come up and imported torch."""
    commands: dict[str, CommandSettings] = {}
    """Servers of the user's own, by name."""

    def __post_init__(self) -> None:
        for name in self.commands:
            if name in RUNTIMES or name == "auto" or not _COMMAND_NAME.fullmatch(name):
                raise ValueError(
                    f"{name[:40]!r} is no name for a command: it takes small letters, digits and "
                    f"dashes, and is none of auto {' '.join(RUNTIMES)}"
                )
        if self.use not in ("auto", *RUNTIMES, *self.commands) or self.use == COMMAND:
            raise ValueError(
                f"use is neither auto, torch, ollama nor link, nor a command: {self.use[:40]!r}"
            )
        if not DEVICE.fullmatch(self.device):
            raise ValueError(f"device is neither auto, cpu nor cuda:N: {self.device[:40]!r}")
        if self.dtype and self.dtype not in DTYPES:
            known = ", ".join(DTYPES)
            raise ValueError(f"dtype is neither empty nor one of {known}: {self.dtype[:40]!r}")


class GpuSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The readings of GPUs, memory and disk."""

    interval: Annotated[float, msgspec.Meta(ge=0.25, le=3600)] = 1.0
    """Seconds from one reading to the next while somebody watches."""


class MetricsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Figures for a monitoring system."""

    file: str = ""
    """Where they are written as OpenMetrics, for node_exporter's textfile collector: a full path
    that ends with `.prom`; empty writes none."""
    interval: Interval = 60.0
    """Seconds after which a program that stays writes them anew, though nothing has ended."""

    def __post_init__(self) -> None:
        if self.file and not self.file.startswith(("/", "~")):
            raise ValueError("file is no full path: it begins with / or ~")
        if self.file and not self.file.endswith(".prom"):
            raise ValueError("file does not end with .prom: node_exporter takes no other files")


class ScreenSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The screen."""

    theme: str = ""
    """The name of a theme; empty takes the program's own."""
    ascii: bool = False
    """Draw with plain ASCII."""
    rate: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 0.0
    """Repaints a second of moving figures; 0 takes 4 over SSH and 8 elsewhere."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of one run."""

    network: NetworkSettings = NetworkSettings()
    huggingface: HuggingFaceSettings = HuggingFaceSettings()
    replicate: ReplicateSettings = ReplicateSettings()
    ollama: OllamaSettings = OllamaSettings()
    store: StoreSettings = StoreSettings()
    downloads: DownloadSettings = DownloadSettings()
    trust: TrustSettings = TrustSettings()
    scan: ScanSettings = ScanSettings()
    sync: SyncSettings = SyncSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    gpu: GpuSettings = GpuSettings()
    metrics: MetricsSettings = MetricsSettings()
    screen: ScreenSettings = ScreenSettings()
    feeds: dict[str, FeedSettings] = {}
    """Feeds by name, `hf:litert` for example."""
    hooks: dict[str, HookSettings] = {}
    """Hooks by name."""
    keys: dict[str, Any] = {}
    """Other keys for the screen's commands, by the command's name: `download_model = "D"`, or
    `["D", "f4"]` for two; `"none"` takes a command's key away, and the palette still runs it."""
