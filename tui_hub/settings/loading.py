"""Reading the settings from the file and the environment.

The file is TOML at the platform's config directory. Every key may come from the environment as
`TUI_HUB_<SECTION>__<KEY>`, which wins over the file; options on the command line win over both.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

import msgspec

from tui_hub.domain.errors import UsageError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.invocation import Invocation
from tui_hub.paths import Paths, resolve_paths
from tui_hub.settings.sections import Settings

ENVIRONMENT = "the environment"
"""How errors call it."""
_PREFIX = "TUI_HUB_"
_NOT_SETTINGS = {"TUI_HUB_HOME", "TUI_HUB_CONFIG_FILE"}


@dataclass(slots=True)
class Line:
    """Whether this run may open connections, which a person may change while it goes on."""

    offline: bool | None = None
    """`None` goes by the settings."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of one run, where they came from, and where everything lives."""

    settings: Settings
    paths: Paths
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The environment of the run, for tokens, endpoints and proxies. Never shown or logged."""
    invocation: Invocation = field(default_factory=Invocation)
    """How the person started the program."""
    line: Line = field(default_factory=Line, repr=False, compare=False)
    """What was said of the network since."""

    @property
    def offline(self) -> bool:
        """Whether no connection is opened now."""
        said = self.line.offline
        return self.settings.network.offline if said is None else said

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
    return parse(_merge(document, overlay), ENVIRONMENT) if overlay else settings


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
        from tui_hub.settings.entries import naming_entries

        told = str(error)
        named = naming_entries(told, document, _why_wrong)
        raise UsageError(_what_is_wrong(named, origin), hint=_way_out(told, origin)) from None


def _why_wrong(document: Mapping[str, Any]) -> str | None:
    """What msgspec has against a document, if anything."""
    try:
        msgspec.convert(document, Settings, strict=False)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _what_is_wrong(error: str, origin: str) -> str:
    """An error of msgspec's in words, with the key or the variable that it is about."""
    from tui_hub.settings.keys import keys, unknown_key
    from tui_hub.settings.reasons import kind_of, reason

    what, _, place = error.partition(" - at `$")
    unknown = unknown_key(error)
    key = unknown or place.strip(".`")
    named = key.partition("[")[0]
    if origin == ENVIRONMENT and (unknown or named in keys()):
        key = variable_of(named)
    if unknown:
        return f"{key} in {origin} is wrong: there is no such setting"
    return f"{key} in {origin} is wrong: {reason(what, kind_of(key))}"


def _way_out(error: str, origin: str) -> str:
    """What to do about an error of msgspec's."""
    from tui_hub.settings.keys import blamed, keys, nearest, sections

    words = "The README lists every key with its meaning."
    key = blamed(error)
    if key is None:
        return words
    known = keys()
    if origin == ENVIRONMENT:
        near = None if key in known else nearest(key, known)
        return f"Did you mean {variable_of(near)}? {words}" if near else words
    known += sections()
    near = None if key in known else nearest(key, known)
    meant = f"Did you mean {near}? " if near else ""
    return f"{meant}`tui-hub config unset {key}` takes it out. {words}"


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
