"""The keys that change feeds."""

from __future__ import annotations

from tui_hub.tui.command import Command


class NewFeed(Command):
    """Add a feed of your own."""

    key, label = "n", "new"


class EditFeed(Command):
    """Change what this feed asks for, what it takes in, and when."""

    key, label = "e", "edit"


class SwitchFeed(Command):
    """Turn this feed on or off; the models that it brought stay."""

    key, label, sign = "space,t", "on/off", "space"


class TryFeed(Command):
    """Show what this feed would take in and leave out, without writing anything."""

    key, label = "p", "try"


class RemoveFeed(Command):
    """Remove this feed of your own; the models that it brought stay."""

    key, label, sign = "D,delete", "remove", "D"


class SaveFeed(Command):
    """Write the feed into the settings file."""

    key, label, sign = "enter,ctrl+s", "save", "⏎"


class TryThis(Command):
    """Show what the feed would take in as it stands here."""

    key, label, sign = "ctrl+t", "try", "^t"


class NextField(Command):
    """Go to the next field."""

    key, label, sign, act = "down", "next field", "↓", "app.focus_next"


class PreviousField(Command):
    """Go to the field before."""

    key, label, act, shown = "up", "field before", "app.focus_previous", False


class MorePages(Command):
    """Walk more pages of the feed."""

    key, label = "m", "more"
