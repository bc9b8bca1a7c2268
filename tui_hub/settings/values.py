"""Each setting with its meaning, its value and where that comes from; and changing one by its key.

A key is `section.name`, as it stands in the file. Feeds and hooks are tables of the user's own and
are not among them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from tui_hub.domain.errors import UsageError
from tui_hub.domain.frozen import dataclass
from tui_hub.settings import file, loading
from tui_hub.settings.keys import keys, section_and_name, stands_astray
from tui_hub.settings.loading import Configuration, told_offline, variable_of
from tui_hub.settings.meanings import meanings
from tui_hub.settings.reasons import kind_of, reason
from tui_hub.settings.sections import Settings
from tui_hub.settings.themes import THEMES
from tui_hub.text import clean, parse_size

_LENDING = {"huggingface.endpoint": "HF_ENDPOINT", "ollama.host": "OLLAMA_HOST"}
"""Variables of other programs that count while a setting is empty."""
_STORE = "MODEL_STORE_PATH"
"""The variable that wins over `store.path`."""
Origin = Literal["default", "file", "environment", "option"]
Value = bool | int | float | str | list[str]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of this run."""

    key: str
    value: Value
    default: Value
    origin: Origin
    about: str
    """What it means, in a sentence or two."""
    variable: str
    """The environment variable that sets it."""
    lent: bool = False
    """Whether the value is that of a variable that counts only while the setting is empty."""

    def check(self, words: str) -> None:
        """Make sure that it may be set to this.

        Raises:
            UsageError: when it may not.
        """
        _read(self.key, words)


def value_words(value: Value, between: str = ",") -> str:
    """A value as it would be typed, with these characters between the parts of a list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return between.join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def list_settings(configuration: Configuration) -> tuple[Setting, ...]:
    """All settings of a run, section by section. Blocks for a moment.

    Raises:
        UsageError: when the settings file cannot be read any more.
    """
    in_file = loading.read_file(configuration.paths.config_file)
    about = meanings()
    return tuple(
        _of_others(
            Setting(
                key=key,
                value=_value_of(configuration.settings, key),
                default=_value_of(Settings(), key),
                origin=_origin(key, configuration, in_file),
                about=about.get(key, ""),
                variable=variable_of(key),
            ),
            configuration.environment,
        )
        for key in keys()
    )


def _of_others(one: Setting, environment: Mapping[str, str]) -> Setting:
    """The same, with the value of a variable that other programs know where that one counts."""
    if one.key == "network.offline" and told_offline(environment):
        return replace(one, variable="HF_HUB_OFFLINE")
    variable = _LENDING.get(one.key, "")
    value = environment.get(variable, "").strip()
    if one.key == "store.path":
        value, variable = environment.get(_STORE, ""), _STORE
    elif one.value:
        return one
    if not value:
        return one
    lent = one.key in _LENDING
    return replace(one, value=value, origin="environment", variable=variable, lent=lent)


def set_value(path: Path, key: str, words: str) -> Value:
    """Write a setting into the file, and return what it is there now. Blocks.

    Args:
        path: the settings file; it is made where there is none.
        key: `section.name`.
        words: the value as a person types it; a list as in TOML, or with commas between its parts.

    Raises:
        NotFoundError: when there is no such setting.
        UsageError: when the value is none for it, or the file is broken.
        RefusedError: when the file cannot be changed.
    """
    section, name = section_and_name(key)
    value = _read(key, words, f"`tui-hub config get {key} --json` tells what it means.")

    def edit(document: file.Document) -> None:
        document.setdefault(section, {})[name] = value

    def check(document: Mapping[str, Any]) -> None:
        try:
            _check(document, path)
        except UsageError as error:
            if not _is_right(loading.read_file(path), path):
                raise
            raise UsageError(error.message, hint=f"{path} stays as it was.") from None

    file.change(path, edit, check)
    return value


def unset(path: Path, key: str) -> bool:
    """Take a setting out of the file, so that its default counts again; whether it was there.

    What stands there and is no setting at all can be taken out like one. A file that was wrong
    before may have more in it that is.

    Raises:
        NotFoundError: when there is no such setting, nor such a key in the file.
        UsageError: when the file is broken, or the rest of it would not fit together.
        RefusedError: when it cannot be changed.
    """
    before = loading.read_file(path)
    if not stands_astray(before, key):
        section_and_name(key)
    section, _, name = key.partition(".")
    found = False

    def edit(document: file.Document) -> None:
        nonlocal found
        table = document.get(section)
        if not name:
            found = document.pop(section, None) is not None
        elif isinstance(table, dict) and name in table:
            found = True
            del table[name]
            if not table:
                del document[section]

    def check(document: Mapping[str, Any]) -> None:
        if _is_right(before, path):
            _check(document, path)

    if path.exists():
        file.change(path, edit, check)
    return found


def _is_right(document: Mapping[str, Any], path: Path) -> bool:
    try:
        _check(document, path)
    except UsageError:
        return False
    return True


def _check(document: Mapping[str, Any], path: Path) -> None:
    loading.parse(document, str(path))


def _read(key: str, words: str, hint: str | None = None) -> Value:
    """What a person typed, as a value of the setting's type; the hint is for what is none.

    Raises:
        UsageError: when it is none.
    """
    section, _, name = key.partition(".")
    default = getattr(Settings(), section)
    kind = kind_of(key)
    typed = _typed(words, getattr(default, name))
    try:
        value: Value = msgspec.convert(typed, kind, strict=False)
    except msgspec.ValidationError as error:
        # All that is typed is a text: that it was one is no news.
        why = reason(str(error).removesuffix(", got `str`"), kind)
        raise UsageError(f"{clean(words, 80)!r} is no value for {key}: {why}", hint=hint) from None
    if key == "screen.theme" and value not in ("", *THEMES):
        raise UsageError(
            f"there is no theme {clean(words, 40)!r}", hint=f"Themes: {', '.join(THEMES)}."
        )
    return value


def _typed(words: str, default: Value) -> object:
    """What was typed, read as the default's type has it: a number may be a size, `50M`."""
    if isinstance(default, list):
        return _parts(words)
    if type(default) is int and words.strip()[-1:].isalpha():
        try:
            return parse_size(words)
        except UsageError:
            return words
    return words


def _parts(words: str) -> object:
    """A list, written as in the file or with commas."""
    if words.lstrip().startswith("["):
        try:
            return tomllib.loads(f"value = {words}")["value"]
        except (tomllib.TOMLDecodeError, RecursionError):
            return words
    return [part.strip() for part in words.split(",") if part.strip()]


def _value_of(values: Settings, key: str) -> Value:
    section, _, name = key.partition(".")
    value: Value = getattr(getattr(values, section), name)
    return value


def _origin(key: str, configuration: Configuration, in_file: Mapping[str, Any]) -> Origin:
    """Where a value comes from; what wins over the others is looked at first."""
    section, _, name = key.partition(".")
    environment = configuration.environment
    if key == "network.offline" and configuration.settings.network.offline:
        if told_offline(environment):
            return "environment"
        if not loading.read(configuration.paths.config_file, environment).network.offline:
            return "option"
    if variable_of(key) in {variable.upper() for variable in environment}:
        return "environment"
    table = in_file.get(section)
    return "file" if isinstance(table, dict) and name in table else "default"
