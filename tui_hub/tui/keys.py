"""The keys as the settings have them: other keys for commands, or none, and what is wrong there."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from textual.binding import Binding
from textual.keys import Keys as KeyNames
from textual.keys import format_key

from tui_hub.domain.frozen import dataclass
from tui_hub.text import clean
from tui_hub.tui import commands
from tui_hub.tui.command import Command, all_commands
from tui_hub.tui.commands import EVERYWHERE

Wanted = Mapping[str, object]
"""Keys by the ids of commands, as they stand in the settings: a text each, or a list of them."""

_MODIFIERS = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_NAMES = frozenset(name.value for name in KeyNames)
_NAMES_OF_COMMANDS = "The palette has their names: `Download model` is download_model."
_NEAR = 0.7
"""How alike two names are, of 1, where one may be meant by the other."""
NO_KEY = "none"
"""What stands in the settings for a command that is to have no key; an empty text does too."""
_UNSENT = "no-key-for-"
"""How keys begin that no terminal sends: Textual keeps a command with one among its bindings."""
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
        self.wanted = wanted
        """What the settings tell."""
        self.checked = not wanted
        """Whether keys that are in each other's way were looked for."""
        self._own: dict[str, tuple[str, ...]] = {}
        self.problems: list[Problem] = []
        """What does not count, and why."""
        if wanted:
            _import_commands()
        for name, told in wanted.items():
            self._take(name, told if isinstance(told, list) else [told])

    def of(self, command: type[Command]) -> tuple[str, ...]:
        """The keys of a command, by Textual's names; nothing where it has none."""
        return self._own.get(command.id(), command.keys())

    def sign(self, command: type[Command], *, typing: bool = False) -> str:
        """How the first key of a command is shown; an empty text for one that has none.

        Args:
            command: the command.
            typing: of its keys take one that a text box leaves alone.
        """
        keys = self.of(command)
        if typing:
            keys = tuple(key for key in keys if character_of(key) is None)
        elif command.sign is not None and command.id() not in self._own:
            return command.sign
        return sign_of(keys[0]) if keys else ""

    def types_a_letter(self, command: type[Command]) -> bool:
        """Whether its keys are characters, which a text box takes for itself."""
        return all(character_of(key) is not None for key in self.of(command))

    @property
    def keymap(self) -> dict[str, str]:
        """What Textual is to know of it."""
        return {name: ",".join(keys) or f"{_UNSENT}{name}" for name, keys in self._own.items()}

    def drop_conflicts(self) -> None:
        """Give up each key that another command has on the same screen. Blocks for a moment.

        A command that the palette cannot run keeps its key, and so does the palette.
        """
        from tui_hub.tui.scopes import in_palette, scopes

        self.checked = True
        if not self._own:
            return
        by_scope = scopes()
        lost = {name for name, keys in self._own.items() if not keys}
        for name in lost - {one.id() for one in in_palette(by_scope)}:
            self._refuse(name, "it needs a key: the palette cannot run it", "Give it another one.")
            del self._own[name]
        self._drop_taken(by_scope)

    def drop_conflicts_on(self, screen: str) -> None:
        """The same for the screen of one module alone, so that its first frame is right."""
        from tui_hub.tui.scopes import scopes

        if self._own:
            self._drop_taken(scopes(screen))

    def _drop_taken(self, by_scope: Mapping[str, frozenset[type[Command]]]) -> None:
        known = all_commands()
        for scope, inside in by_scope.items():
            for name in [one for one in self._own if known[one] in inside]:
                taken = dict(self._taken(known[name], inside))
                for key, other in taken.items():
                    where = "" if other in EVERYWHERE else f" ({scope})"
                    self._refuse(
                        name,
                        f"{sign_of(key)} is the key of {other.id()} already{where}",
                        "Choose another key, or move that command too.",
                    )
                if left := tuple(key for key in self._own[name] if key not in taken):
                    self._own[name] = left
                elif taken:
                    del self._own[name]

    def _taken(
        self, command: type[Command], others: frozenset[type[Command]]
    ) -> Iterator[tuple[str, type[Command]]]:
        """The keys of a command that others have, but those that share a key from the start.

        They never work at the same time, whatever their keys are.
        """
        for other in sorted(others - {command}, key=lambda one: one.id()):
            if not set(command.keys()) & set(other.keys()):
                yield from ((key, other) for key in self.of(command) if key in self.of(other))

    def _take(self, name: str, told: list[object]) -> None:
        command = all_commands().get(name)
        if command is None:
            near = get_close_matches(name, all_commands(), 1, _NEAR)
            meant = f"Did you mean {near[0]}? " if near else ""
            self._refuse(name, "there is no such command", f"{meant}{_NAMES_OF_COMMANDS}")
            return
        texts = [words for words in told if isinstance(words, str)]
        named = [words for words in texts if words.strip().lower() not in ("", NO_KEY)]
        keys = tuple(key for words in named for key in _normal(words))
        wrong = [repr(clean(key, 40)) for key in keys if not is_key(key)]
        wrong += [clean(str(one), 40) for one in told if not isinstance(one, str)]
        if wrong:
            mend = 'Keys are named like "x", "ctrl+o", "f5" or "space"; "none" takes the key away.'
            self._refuse(name, f"{wrong[0]} is no key", mend)
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
