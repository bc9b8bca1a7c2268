"""Which commands can be reached at the same time, so that no two of them may have one key."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from textual.binding import Binding
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from tui_hub.tui import screens
from tui_hub.tui.command import Command, command_of
from tui_hub.tui.commands import EVERYWHERE, Commands


def scopes(only: str = "") -> dict[str, frozenset[type[Command]]]:
    """The commands of each screen by its title: its own, those of its widgets and of everywhere.

    A screen's module names the widgets that it is made of. A question stands over everything, so
    that what goes everywhere else does not go there. Imports all screens: call it in a thread,
    unless only the screens of one module are asked for.
    """
    found: dict[str, frozenset[type[Command]]] = {}
    for module in _modules(only):
        for screen in _classes(module, Screen):
            if screen.__module__ != module.__name__:
                continue
            commands = set(_commands(screen))
            for widget in _classes(module, Widget):
                if not issubclass(widget, Screen):
                    commands |= set(_commands(widget))
            if not issubclass(screen, ModalScreen):
                commands |= set(EVERYWHERE)
            title = getattr(screen, "BINDING_GROUP_TITLE", None) or screen.__name__
            found[title] = found.get(title, frozenset()) | commands
    return found


def in_palette(by_scope: Mapping[str, frozenset[type[Command]]]) -> frozenset[type[Command]]:
    """The commands that the palette can run: it opens over no question, nor from itself."""
    beside_questions = (inside for inside in by_scope.values() if set(EVERYWHERE) <= inside)
    return frozenset[type[Command]]().union(*beside_questions) - {Commands}


def _modules(only: str) -> Iterator[ModuleType]:
    names = [only] if only else [module.name for module in pkgutil.iter_modules(screens.__path__)]
    for name in names:
        yield importlib.import_module(f"{screens.__name__}.{name}")


def _classes(module: ModuleType, kind: type[Any]) -> Iterator[type[Any]]:
    for one in vars(module).values():
        if isinstance(one, type) and issubclass(one, kind):
            yield one


def _commands(node: type[Any]) -> Iterator[type[Command]]:
    for one in node.__mro__:
        for binding in one.__dict__.get("BINDINGS", ()):
            command = command_of(binding) if isinstance(binding, Binding) else None
            if command is not None:
                yield command
