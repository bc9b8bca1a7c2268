"""The keys as the settings have them: other keys for commands, and what is wrong with those."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from textual.binding import Binding
from textual.keys import Keys as KeyNames
from textual.keys import format_key

from tui_hub.text import clean
from tui_hub.tui import commands
from tui_hub.tui.command import Command, all_commands

Wanted = Mapping[str, str | list[str]]
"""Keys by the ids of commands, as they stand in the settings."""

_MODIFIERS = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_NAMES = frozenset(name.value for name in KeyNames)
_NAMES_OF_COMMANDS = "The palette (ctrl+p) has their names: `Download model` is download_model."
_SIGNS = {
    "pagedown": "page down",
    "pageup": "page up",
    "backspace": "backspace",
    "delete": "delete",
}
"""How keys are shown for which Textual has no sign that every terminal draws."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a key of the settings, and what to do about it."""

    command: str
    message: str
    mend: str


class Keys:
    """Which keys each command has."""

    def __init__(self, wanted: Wanted) -> None:
        self._own: dict[str, tuple[str, ...]] = {}
        self.problems: list[Problem] = []
        """What does not count, and why."""
        if wanted:
            _import_commands()
        for name, told in wanted.items():
            self._take(name, [told] if isinstance(told, str) else told)

    def of(self, command: type[Command]) -> tuple[str, ...]:
        """The keys of a command, by Textual's names."""
        return self._own.get(command.id(), command.keys())

    def sign(self, command: type[Command]) -> str:
        """How the first key of a command is shown."""
        if command.sign is not None and command.id() not in self._own:
            return command.sign
        return sign_of(self.of(command)[0])

    def types_a_letter(self, command: type[Command]) -> bool:
        """Whether its keys are characters, which a text box takes for itself."""
        return all(character_of(key) is not None for key in self.of(command))

    @property
    def keymap(self) -> dict[str, str]:
        """What Textual is to know of it."""
        return {name: ",".join(keys) for name, keys in self._own.items()}

    def drop_conflicts(self) -> None:
        """Give up each key that another command has on the same screen. Blocks for a moment."""
        from tui_hub.tui.scopes import scopes

        if not self._own:
            return
        known = all_commands()
        for scope, inside in scopes().items():
            for name in [one for one in self._own if known[one] in inside]:
                for key, other in self._taken(known[name], inside):
                    self._refuse(
                        name,
                        f"{sign_of(key)} is the key of {other.id()} already ({scope})",
                        "Choose another key, or move that command too.",
                    )
                    self._own.pop(name, None)
                    break

    def _taken(
        self, command: type[Command], others: frozenset[type[Command]]
    ) -> Iterator[tuple[str, type[Command]]]:
        """The keys of a command that others have, but those that both have from the start."""
        for other in sorted(others - {command}, key=lambda one: one.id()):
            shared = set(command.keys()) & set(other.keys())
            for key in self.of(command):
                if key in self.of(other) and key not in shared:
                    yield key, other

    def _take(self, name: str, told: list[str]) -> None:
        command = all_commands().get(name)
        if command is None:
            near = get_close_matches(name, all_commands(), 1, 0.6)
            meant = f"Did you mean {near[0]}? " if near else ""
            self._refuse(name, "there is no such command", f"{meant}{_NAMES_OF_COMMANDS}")
            return
        keys = tuple(key for words in told for key in _normal(words))
        wrong = [key for key in keys if not is_key(key)]
        if wrong or not keys:
            what = f"{clean(wrong[0], 40)!r} is no key" if wrong else "no key is named"
            self._refuse(name, what, 'Keys are named like "x", "ctrl+o", "f5" or "space".')
            return
        self._own[name] = keys

    def _refuse(self, name: str, message: str, mend: str) -> None:
        self.problems.append(Problem(clean(name, 60), message, mend))


def sign_of(key: str) -> str:
    """How a key is shown: its character, or a short name."""
    *modifiers, name = key.split("+")
    before = "".join("^" if one == "ctrl" else f"{one}+" for one in modifiers)
    return before + (_SIGNS.get(name) or format_key(name))


def character_of(key: str) -> str | None:
    """The character that a key types; `None` for one that types none."""
    if key == "space":
        return " "
    shown = format_key(key)
    return shown if len(shown) == 1 and shown.isprintable() and key not in _NAMES else None


def is_key(key: str) -> bool:
    """Whether a terminal can send a key of this name."""
    *modifiers, name = key.split("+")
    if any(one not in _MODIFIERS for one in modifiers):
        return False
    return name in _NAMES or character_of(name) is not None


def _normal(words: str) -> list[str]:
    """The keys that words name, separated by commas, by Textual's names."""
    wanted = words.strip().replace(" ", "")
    if wanted == ",":
        return ["comma"]
    try:
        return [one.key for one in Binding.make_bindings([Binding(wanted, "")])] if wanted else []
    except Exception:  # whatever Textual finds wrong, the words are no keys
        return [wanted]


def _import_commands() -> None:
    """Have all commands known: each room of them is a module of one folder."""
    for module in pkgutil.iter_modules(commands.__path__):
        importlib.import_module(f"{commands.__name__}.{module.name}")
