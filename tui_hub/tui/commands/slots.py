"""The keys of slots."""

from __future__ import annotations

from tui_hub.tui.command import Command


class DeactivateSlot(Command):
    """Empty this slot; the model's files stay. Cancels a change that is under way."""

    key, label = "x", "deactivate"


class FillSlot(Command):
    """Choose an installed model for this slot, and see the memory as it would be."""

    key, label = "a", "fill"


class ReloadSlot(Command):
    """Load this slot's model again, from its files."""

    key, label = "r", "reload"


class FreeOllama(Command):
    """Have Ollama's daemon let go of the models that stand in no slot."""

    key, label = "f", "free ollama"


class CancelChange(Command):
    """Cancel the change of this slot that is under way; the old model stays, or comes back."""

    key, label = "c", "cancel"
