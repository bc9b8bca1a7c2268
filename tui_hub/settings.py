"""The settings: their meaning, their defaults, and how the file and the environment change them.

The file is TOML at the platform's config directory. Every key may come from the environment as
`TUI_HUB_<SECTION>__<KEY>`, which wins over the file; options on the command line win over both.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from tui_hub.domain.errors import UsageError
from tui_hub.domain.hooks import HookEvent
from tui_hub.domain.runtime import COMMAND, PLACEHOLDERS, RUNTIMES
from tui_hub.domain.types import ModelType
from tui_hub.paths import Paths, resolve_paths

_PREFIX = "TUI_HUB_"
_NOT_SETTINGS = {"TUI_HUB_HOME", "TUI_HUB_CONFIG_FILE"}

HOOK_VARIABLE = "TUI_HUB_HOOK"
"""Names the hook to the command that it runs; a program that finds it calls no hooks itself."""

_COMMAND_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

_Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
_Interval = Annotated[float, msgspec.Meta(gt=0, le=31 * 86_400)]
_Some = Annotated[int, msgspec.Meta(ge=1)]
_Amount = Annotated[int, msgspec.Meta(ge=0)]


class NetworkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the program talks to the world."""

    offline: bool = False
    """Never open a connection."""
    timeout: _Seconds = 20.0
    """Seconds to wait for a connection or for the next byte of a listing."""
    retries: _Amount = 5
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
    load_timeout: _Seconds = 600.0
    """Seconds until the daemon must have loaded a model into memory."""


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The store on disk."""

    path: str = ""
    """Where the bytes live; empty takes `MODEL_STORE_PATH`, else the home's `store`."""
    reserve: _Amount = 64 * 1024**2
    """Bytes of free disk that a download leaves alone."""
    quota: _Amount = 0
    """Bytes that the store should not exceed; 0 is no limit. Beyond it the program warns, and goes
    on."""
    read_rate: _Amount = 500 * 1000**2
    """Bytes a second that `verify` and `scan` read at most, so that the disk stays quick for
    others; 0 is no limit."""


class DownloadSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Downloads."""

    connections: _Some = 16
    """The most connections at a time. The files in work share them, and each has at least one;
    fewer are used while more bring nothing."""
    files: _Some = 4
    """Files of one download that are fetched at the same time."""
    jobs: _Some = 2
    """Downloads that run at the same time; the others wait in line."""
    piece_size: Annotated[int, msgspec.Meta(ge=64 * 1024)] = 8 * 1024**2
    """Bytes to a range request."""
    limit: _Amount = 0
    """Bytes a second for all downloads of this process together; 0 is no limit."""
    stall: _Seconds = 30.0
    """Seconds without a byte before a connection is opened afresh."""
    retries: _Some = 5
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
    interval_min: _Interval = 10_800.0
    """Seconds from a feed's sync to its next one, at least; a feed's own `schedule` goes first."""
    interval_max: _Interval = 14_400.0
    """Seconds from a feed's sync to its next one, at most; each time is drawn by chance."""
    sweep_interval: _Interval = 7 * 86_400.0
    """Seconds until a feed is walked whole again, for what vanished and for popularity."""
    refresh_interval: _Interval = 86_400.0
    """The same for a feed with a `limit`, whose list is short and moves with popularity."""
    retry_delay: _Seconds = 60.0
    """Seconds until a feed that failed is tried again."""
    retries: _Amount = 3
    """How often a feed that failed is tried again before it waits for its next turn."""

    def __post_init__(self) -> None:
        if self.interval_max < self.interval_min:
            raise ValueError("interval_max is less than interval_min")


class CommandSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server of the user's own that holds a model, such as llama-server or vLLM.

    In `command`, `health` and `environment` stand for what is only known then: `{path}` (the
    model's folder), `{file}` (its one weights file, or the first of its shards), `{host}`,
    `{port}`, `{model}` (its id) and `{name}` (its name without the author).
    """

    command: list[str]
    """The program and its arguments, run without a shell."""
    health: str = "http://{host}:{port}/health"
    """An address that answers with success once it is ready; empty waits for its port alone."""
    host: str = "127.0.0.1"
    """Where it listens."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0
    """Its port; 0 takes one that is free, and the same again while it is."""
    timeout: _Seconds = 600.0
    """Seconds until it must be ready."""
    stop_timeout: Annotated[float, msgspec.Meta(ge=0, le=600)] = 10.0
    """Seconds from the request to end until it is ended by force."""
    restart: Literal["never", "on-failure"] = "never"
    """Whether it is started again when it fails by itself."""
    restarts: _Some = 5
    """How often that is done before it is given up, each time after a longer pause."""
    environment: dict[str, str] = {}
    """What is added to its environment, which has none of this program's secrets."""
    formats: list[str] = []
    """Formats of weights for which it is chosen without being asked for, `gguf` for example; empty
    serves all but `pickle`, which can run any program when loaded, and has to be named."""
    types: list[ModelType] = []
    """Types of models that it serves; empty serves all."""

    def __post_init__(self) -> None:
        if not self.command or not self.command[0]:
            raise ValueError("a command begins with the name of a program")
        texts = (*self.command, self.health, *self.environment.values())
        if any("\0" in text for text in (*texts, *self.environment)):
            raise ValueError("a command has a NUL character in it")
        for text in texts:
            for name in _PLACEHOLDER.findall(text):
                if name not in PLACEHOLDERS:
                    known = " ".join(f"{{{one}}}" for one in PLACEHOLDERS)
                    raise ValueError(f"{{{name}}} stands for nothing; there are {known}")


class RuntimeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How models are loaded into memory."""

    use: str = "auto"
    """`torch` loads models into memory, `ollama` has its daemon do so, `link` only publishes them,
    the name of a command starts that server; `auto` goes by the model."""
    python: str = ""
    """The Python whose torch loads models; empty is this program's own."""
    device: Annotated[str, msgspec.Meta(pattern=r"^(auto|cpu|cuda:\d{1,3})$")] = "auto"
    """`auto` (the first GPU, else the processor), `cpu` or `cuda:N`."""
    dtype: str = ""
    """What floating weights become, `bfloat16` for example; empty leaves them as they are."""
    start_timeout: _Seconds = 120.0
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


class GpuSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The readings of GPUs, memory and disk."""

    interval: Annotated[float, msgspec.Meta(ge=0.25, le=3600)] = 1.0
    """Seconds from one reading to the next while somebody watches."""


class ScreenSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The screen."""

    theme: str = ""
    """The name of a theme; empty takes the program's own."""
    ascii: bool = False
    """Draw with plain ASCII."""
    rate: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 0.0
    """Repaints a second of moving figures; 0 takes 4 over SSH and 8 elsewhere."""


class QuerySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One query of a feed."""

    filter: list[str] = []
    pipeline_tag: str = ""
    author: str = ""
    library: str = ""
    search: str = ""
    sort: str = ""


class RuleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a feed takes in of that which its queries find. An empty rule takes all."""

    libraries: list[str] = []
    tasks: list[str] = []
    licenses: list[str] = []
    authors: list[str] = []
    min_downloads: int = 0
    max_size: int | None = None
    """Bytes; a model of unknown size is taken."""
    gated: bool | None = None


class FeedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A feed of the user's own, or a change to a shipped one."""

    source: str = "hf"
    queries: list[QuerySettings] = []
    rules: RuleSettings = RuleSettings()
    limit: int | None = None
    """Models to take from each query; 0 takes all."""
    enabled: bool = True
    schedule: str = ""
    """A cron expression of five fields in UTC; `random` for the interval of the sync."""


class HookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A webhook or a command of the user's, called when something has happened."""

    url: str = ""
    """An address that gets one JSON document by POST."""
    command: list[str] = []
    """A program and its arguments, run without a shell, that gets the document on its stdin. Once
    it has begun it is not run again for the same call, even if it fails."""
    events: list[HookEvent] = []
    """What it is called for; empty takes all."""
    secret: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")] = ""
    """The name of the environment variable whose value signs what `url` gets."""
    timeout: Annotated[float, msgspec.Meta(gt=0, le=300)] = 10.0
    """Seconds for one try; a url gets three at most. The end of the program leaves calls that are
    under way ten seconds."""
    enabled: bool = True

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.command):
            raise ValueError("a hook has either a url or a command")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError("the url of a hook begins with https:// or http://")
        if self.command and not self.command[0]:
            raise ValueError("the command of a hook begins with the name of a program")
        if any("\0" in part for part in self.command):
            raise ValueError("the command of a hook has a NUL character in it")


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
    screen: ScreenSettings = ScreenSettings()
    feeds: dict[str, FeedSettings] = {}
    """Feeds by name, `hf:litert` for example."""
    hooks: dict[str, HookSettings] = {}
    """Hooks by name."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of one run, where they came from, and where everything lives."""

    settings: Settings
    paths: Paths
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The environment of the run, for tokens, endpoints and proxies. Never shown or logged."""

    @property
    def plain_environment(self) -> dict[str, str]:
        """The environment without the variables that the settings name as secrets."""
        secrets = {hook.secret for hook in self.settings.hooks.values()}
        return {name: value for name, value in self.environment.items() if name not in secrets}


def load_configuration(
    *,
    home: str | None = None,
    config_file: str | None = None,
    offline: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Configuration:
    """Read the file and the environment.

    Raises:
        UsageError: naming the file or variable, the key, and what is wrong with it.
    """
    environment = dict(os.environ if environment is None else environment)
    paths = resolve_paths(home, config_file, environment=environment)
    settings = read(paths.config_file, environment, required=config_file is not None)
    if offline or told_offline(environment):
        settings = msgspec.structs.replace(
            settings, network=msgspec.structs.replace(settings.network, offline=True)
        )
    if settings.store.path and not environment.get("MODEL_STORE_PATH"):
        paths = resolve_paths(home, config_file, settings.store.path, environment)
    return Configuration(settings, paths, environment)


def told_offline(environment: Mapping[str, str]) -> bool:
    """Whether the variable that `huggingface_hub` knows says to stay offline."""
    return environment.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def variable_of(key: str) -> str:
    """The environment variable of a setting, by its key `section.name`."""
    section, _, name = key.partition(".")
    return f"{_PREFIX}{section}__{name}".upper()


def reread(configuration: Configuration) -> Settings:
    """The settings of a run, with its feeds and its sync as the file tells them now.

    Everything else stays as it was when the run began.

    Raises:
        UsageError: as `load_configuration`, and when there is no file any more.
    """
    now = read(configuration.paths.config_file, configuration.environment, required=True)
    return msgspec.structs.replace(configuration.settings, sync=now.sync, feeds=now.feeds)


def read(path: Path, environment: Mapping[str, str], *, required: bool = False) -> Settings:
    """The settings of a file with those of the environment over them.

    Raises:
        UsageError: as `load_configuration`.
    """
    document = read_file(path, required=required)
    settings = parse(document, str(path))
    overlay = _from_environment(environment)
    return parse(_merge(document, overlay), "the environment") if overlay else settings


def read_file(path: Path, *, required: bool = False) -> dict[str, Any]:
    """What stands in a settings file; nothing where there is none, unless it is required.

    Raises:
        UsageError: when it is not there though it should be, or cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if required:
            raise UsageError(f"there is no settings file {path}") from None
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise UsageError(
            f"the settings file {path} cannot be read: {error}",
            hint="Mend the line, or move the file away to start with the defaults.",
        ) from None
    except OSError as error:
        raise UsageError(f"the settings file {path} cannot be read: {error.strerror}") from None


def parse(document: Mapping[str, Any], origin: str) -> Settings:
    """The settings that a document tells.

    Raises:
        UsageError: naming the origin, the key, and what is wrong with it.
    """
    try:
        return msgspec.convert(document, Settings, strict=False)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        key = place.strip(".`") or "a section"
        raise UsageError(
            f"{key} in {origin} is wrong: {what}",
            hint="The README lists every key with its meaning.",
        ) from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings that the environment gives, as the file would give them."""
    overlay: dict[str, Any] = {}
    for name, value in environment.items():
        if not name.startswith(_PREFIX) or name in _NOT_SETTINGS or "__" not in name:
            continue
        section, _, key = name.removeprefix(_PREFIX).lower().partition("__")
        overlay.setdefault(section, {})[key] = _value(value)
    return overlay


def _value(text: str) -> object:
    """A value of the environment; a list is written as in the file."""
    if text.startswith("["):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except (tomllib.TOMLDecodeError, RecursionError):
            pass
    return text


def _merge(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for section, values in overlay.items():
        existing = merged.get(section)
        merged[section] = {**existing, **values} if isinstance(existing, dict) else values
    return merged
