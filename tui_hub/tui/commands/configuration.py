"""The keys that change what is set for a model."""

from __future__ import annotations

from tui_hub.tui.command import Command


class EditValue(Command):
    """Set this value for the model, or let an older version of its configuration count again."""

    key, label, sign = "enter,e", "set", "⏎"


class UnsetValue(Command):
    """Take this value out, so that the settings or the default count again; or a consent back."""

    key, label = "u", "default"


class AddOption(Command):
    """Set one more option for the runtime: `top_k=40` for Ollama, what a server of yours takes."""

    key, label = "o", "option"


class ReloadModel(Command):
    """Load the active model again, so that it takes over what was set since."""

    key, label, sign = "R", "reload", "R"


class ShowLog(Command):
    """Show the last lines that the active model's process said, a server's above all."""

    key, label, sign, shown = "L", "log", "L", False
