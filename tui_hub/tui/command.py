"""What a command is: the key, the key row, the help and the palette entry in one class.

The class name is the title in the palette and names the action (`DownloadModel` runs
`action_download_model`); the docstring is the explanation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from inspect import getdoc
from typing import ClassVar

from textual.binding import Binding, BindingType

_WORDS = re.compile(r"(?<!^)(?=[A-Z])")
_known: dict[str, type[Command]] = {}


class Command:
    """Something a key does."""

    key: ClassVar[str] = ""
    """The keys, separated by commas."""
    label: ClassVar[str] = ""
    """One word for the key row."""
    sign: ClassVar[str | None] = None
    """How the key is shown, where its own name is too long."""
    argument: ClassVar[str | None] = None
    """What the action is called with, where several commands share one."""
    act: ClassVar[str | None] = None
    """The action, where it is not the class's name."""
    shown: ClassVar[bool] = True
    """Whether the key row shows it."""

    def __init_subclass__(cls) -> None:
        _known[cls.id()] = cls

    @classmethod
    def id(cls) -> str:
        """By what the settings name it: `download_model`."""
        return _WORDS.sub("_", cls.__name__).lower()

    @classmethod
    def title(cls) -> str:
        """What the palette calls it: `Download model`."""
        return _WORDS.sub(" ", cls.__name__).capitalize()

    @classmethod
    def explanation(cls) -> str:
        """One sentence for the help and the palette."""
        return " ".join((getdoc(cls) or "").split())

    @classmethod
    def action(cls) -> str:
        """The action as Textual runs it."""
        name = cls.act or cls.id()
        return name if cls.argument is None else f"{name}({cls.argument!r})"

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The keys that it has as the program comes, by Textual's names."""
        return tuple(cls.key.split(","))

    @classmethod
    def binding(cls) -> Binding:
        """The key binding."""
        return Binding(
            cls.key,
            cls.action(),
            cls.label,
            show=cls.shown,
            key_display=cls.sign,
            tooltip=cls.explanation(),
            id=cls.id(),
        )


KeyOf = Callable[[type[Command]], str]
"""How a sentence names the key of a command."""


def bindings(*commands: type[Command]) -> list[BindingType]:
    """The bindings of some commands, in the order in which the key row shows them."""
    return [command.binding() for command in commands]


def command_of(binding: Binding) -> type[Command] | None:
    """The command behind a binding, if it is one of ours."""
    return _known.get(binding.id or "")


def all_commands() -> Mapping[str, type[Command]]:
    """The commands of all modules that are imported, by their ids."""
    return _known
