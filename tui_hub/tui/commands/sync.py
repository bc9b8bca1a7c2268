"""The keys of the sync, and of the store's figures."""

from __future__ import annotations

from tui_hub.tui.command import Command


class SyncNow(Command):
    """Bring every feed up to date now."""

    key, label = "s", "sync all"


class SyncFeed(Command):
    """Bring the feed under the cursor up to date now."""

    key, label, sign, act = "enter", "sync feed", "⏎", "choose"


class FilterChanges(Command):
    """Show other changes: all, new models, what fits this box, what is installed."""

    key, label = "f", "changes"


class OtherList(Command):
    """Go from the feeds to the changes, and back."""

    key, label, sign = "tab", "other list", "⇥"


class CancelSync(Command):
    """Stop the running sync; what it has written stays."""

    key, label = "x", "cancel"


class Reload(Command):
    """Measure again."""

    key, label = "r", "measure"
