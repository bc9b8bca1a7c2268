"""The tables of the user's own: feeds, hooks and commands, each under a name of theirs."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from tui_hub.domain.hooks import HookEvent
from tui_hub.domain.runtime import PLACEHOLDERS
from tui_hub.domain.types import ModelType
from tui_hub.settings.limits import Seconds, Some

HOOK_VARIABLE = "TUI_HUB_HOOK"
"""Names the hook to the command that it runs; a program that finds it calls no hooks itself."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class CommandSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server of the user's own that holds a model, such as llama-server or vLLM.

    In `command`, `health` and `environment` stand for what is only known then: `{path}` (the
    model's folder), `{file}` (its one weights file, or the first of its shards), `{host}`,
    `{port}`, `{model}` (its id), `{name}` (its name without the author), `{context}` and
    `{options.NAME}` (what `configure` set for the model; `{context:8192}` says what counts else).
    """

    command: list[str]
    """The program and its arguments, run without a shell."""
    health: str = "http://{host}:{port}/health"
    """An address that answers with success once it is ready; empty waits for its port alone."""
    host: str = "127.0.0.1"
    """Where it listens."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0
    """Its port; 0 takes one that is free, and the same again while it is."""
    timeout: Seconds = 600.0
    """Seconds until it must be ready."""
    stop_timeout: Annotated[float, msgspec.Meta(ge=0, le=600)] = 10.0
    """Seconds from the request to end until it is ended by force."""
    restart: Literal["never", "on-failure"] = "never"
    """Whether it is started again when it fails by itself."""
    listener: Literal["own", "any"] = "own"
    """Who may listen at its port: `own`, a process that the command started; `any`, where a daemon
    starts the server, as Docker's does."""
    restarts: Some = 5
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
