"""The keys that answer a question or close what stands over a screen."""

from __future__ import annotations

from tui_hub.tui.command import Command


class Accept(Command):
    """Do it."""

    key, label, sign, act = "enter", "start", "⏎", "choose"


class Take(Command):
    """Take this one."""

    key, label, sign, act = "enter", "take", "⏎", "choose"


class Yes(Command):
    """Do it."""

    key, label, act, argument = "y", "yes", "answer", "yes"


class No(Command):
    """Leave everything as it is."""

    key, label, act, argument = "n,escape", "no", "answer", "no"


class Cancel(Command):
    """Close this without an answer."""

    key, label, sign = "escape", "close", "esc"


class HintQuit(Command):
    """Say how to leave; ctrl+c itself stops nothing."""

    key, label, sign, act, shown = "ctrl+c", "how to quit", "^c", "help_quit", False


class Dismiss(Command):
    """Close this without doing anything."""

    key, label, sign = "escape,q", "close", "esc"
