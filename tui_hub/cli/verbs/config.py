"""`tui-hub config`: the settings, where each comes from, and changing them in the file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui_hub.cli.exit_codes import DONE
from tui_hub.cli.options import Options, verb, verb_group
from tui_hub.cli.parameters import SETTING

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.settings.values import Setting, Value


@verb_group(
    "config",
    "tui-hub config",
    "tui-hub config set downloads.files 8",
    "tui-hub config unset downloads.files",
)
@click.pass_context
def command(context: click.Context) -> int:
    """List the settings with where each comes from; look one up, set it, take it back.

    What is set goes into config.toml, whose comments stay. Its tables are yours to write: below
    [keys] stand other keys for the screen's commands, `download_model = "D"` for example, and
    "none" takes a key away."""
    if context.invoked_subcommand is not None:
        return DONE
    options = context.ensure_object(Options)
    return _give(options, lambda console: _all(options, console))


@verb("get", "tui-hub config get store.path")
@click.argument("key", metavar="SECTION.NAME", type=SETTING)
@click.pass_obj
def get(options: Options, key: str) -> int:
    """Print one setting's value, `downloads.files` for example."""
    return _give(options, lambda console: _one(options, console, key))


@verb(
    "set",
    "tui-hub config set downloads.limit 50000000",
    "tui-hub config set trust.hosts example.org,*.acme.test",
)
@click.argument("key", metavar="SECTION.NAME", type=SETTING)
@click.argument("value")
@click.pass_obj
def set_(options: Options, key: str, value: str) -> int:
    """Set one in the settings file.

    A list is written with commas between its parts, or as in TOML. Programs that run already take
    the feeds, the sync and the keys over at once, all else when they start next."""
    return _give(options, lambda console: _set(options, console, key, value))


@verb("unset", "tui-hub config unset downloads.limit")
@click.argument("key", metavar="SECTION.NAME", type=SETTING)
@click.pass_obj
def unset(options: Options, key: str) -> int:
    """Take one out of the settings file; its default counts again.

    A key that is no setting, as a misspelt one, goes too."""
    return _give(options, lambda console: _unset(options, console, key))


for _action in (get, set_, unset):
    command.add_command(_action)


def _give(options: Options, work: Callable[[Console], Answer]) -> int:
    """Without the databases: they may be the reason for which a setting is to change."""
    from tui_hub.cli.console import Console
    from tui_hub.cli.redaction import Redactor

    console = Console.of(options, Redactor(_environment(options)))
    return console.give(work(console))


def _environment(options: Options) -> Mapping[str, str]:
    return os.environ if options.environment is None else options.environment


def _file(options: Options) -> Path:
    from tui_hub.paths import resolve_paths

    paths = resolve_paths(options.home, options.config, environment=_environment(options))
    return paths.config_file


def _settings(options: Options) -> tuple[Setting, ...]:
    from tui_hub.settings.values import list_settings

    return list_settings(options.configuration())


def _all(options: Options, console: Console) -> Answer:
    from tui_hub.cli.console import Answer

    listed = _settings(options)
    document = {
        "file": str(_file(options)),
        "settings": [_document(one, console) for one in listed],
    }
    brief = [f"{one.key}={_words(one.value, console)}" for one in listed]
    return Answer(document, lines=_lines(options, listed, console), brief=brief)


def _one(options: Options, console: Console, key: str) -> Answer:
    from tui_hub.cli.console import Answer
    from tui_hub.settings.keys import section_and_name

    section_and_name(key)
    (found,) = [one for one in _settings(options) if one.key == key]
    return Answer(_document(found, console), lines=[_words(found.value, console)])


def _set(options: Options, console: Console, key: str, words: str) -> Answer:
    from tui_hub.settings.values import set_value
    from tui_hub.text import size

    path = _file(options)
    value = set_value(path, key, words)
    told = _words(value, console)
    if isinstance(value, int) and told != words.strip() and not isinstance(value, bool):
        told += f" ({size(value)})"  # a size was typed: say how it was understood
    return _changed(options, console, key, f"{key} is {told} in {path} now", changed=True)


def _unset(options: Options, console: Console, key: str) -> Answer:
    from tui_hub.cli.console import Answer
    from tui_hub.settings.keys import keys
    from tui_hub.settings.values import unset as take_out
    from tui_hub.text import clean

    path = _file(options)
    found = take_out(path, key)
    named = clean(key, 80)
    words = f"{named} is out of {path}" if found else f"{named} does not stand in {path}"
    if key not in keys():
        nothing = dict.fromkeys(("value", "default", "origin", "variable", "about"))
        return Answer({"key": named, **nothing, "changed": found}, lines=[words], brief=[])
    return _changed(options, console, key, words, changed=found)


def _changed(options: Options, console: Console, key: str, words: str, *, changed: bool) -> Answer:
    from tui_hub.cli.console import Answer

    (now,) = [one for one in _settings(options) if one.key == key]
    lines = [words]
    if now.origin == "environment":
        lines.append(f"{now.variable} is set and wins: the value is {_words(now.value, console)}.")
    return Answer({**_document(now, console), "changed": changed}, lines=lines, brief=[])


def _document(one: Setting, console: Console) -> dict[str, object]:
    return {
        "key": one.key,
        "value": _safe(one.value, console),
        "default": one.default,
        "origin": one.origin,
        "variable": one.variable,
        "about": one.about,
    }


def _from(one: Setting) -> str:
    """Where it comes from: the variable's own name, as several may set one setting."""
    return one.variable if one.origin == "environment" else one.origin


def _safe(value: Value, console: Console) -> Value:
    """A value without the password that an address may carry."""
    if isinstance(value, list):
        return [console.redact(part) for part in value]
    return console.redact(value) if isinstance(value, str) else value


def _words(value: Value, console: Console) -> str:
    """A value as it would be typed."""
    from tui_hub.settings.values import value_words

    return value_words(_safe(value, console))


def _lines(options: Options, listed: Sequence[Setting], console: Console) -> Iterator[str]:
    from tui_hub.cli.tables import table

    rows = [(one.key, _words(one.value, console) or "-", _from(one), one.about) for one in listed]
    heading, *lines = table(
        ("SETTING", "VALUE", "FROM", "MEANING"), rows, width=console.width, flexible=3
    )
    yield console.heading(heading)
    yield from lines
    yield ""
    yield f"The file is {_file(options)}; `tui-hub feeds` lists the feeds."
