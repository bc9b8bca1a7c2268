"""The keys that change settings."""

from __future__ import annotations

from tui_hub.tui.command import Command


class EditSetting(Command):
    """Change this setting; it is written into the settings file."""

    key, label, sign = "enter,e", "change", "⏎"


class ResetSetting(Command):
    """Take this setting out of the file, so that its default counts again."""

    key, label = "u", "default"


class OnlyChanged(Command):
    """Show only what is not as it comes with the program, or everything again."""

    key, label = "f", "changed ones"
