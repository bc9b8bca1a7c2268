"""The keys of the catalogue, and of whatever has a model to act on."""

from __future__ import annotations

from tui_hub.tui.command import Command


class ToggleFilters(Command):
    """Show or hide the filters with their counts."""

    key, label = "f", "filters"


class ClearFilters(Command):
    """Drop all filters and the search."""

    key, label, sign = "u,backspace", "clear", "u"


class ChangeOrder(Command):
    """List by the next order: downloads, likes, trending, updated, size, parameters, name."""

    key, label = "o", "order"


class ToggleDetail(Command):
    """Show or hide the detail of the model under the cursor."""

    key, label = "v", "detail"


class DownloadModel(Command):
    """Plan a download: what is transferred, what is already here, and the disk afterwards."""

    key, label = "d", "download"


class ActivateModel(Command):
    """Make this the active model of its type, after showing what leaves."""

    key, label = "a", "activate"


class DeleteModel(Command):
    """Delete this model's files, or those of one variant, after showing what is lost."""

    key, label = "x", "delete"


class ToggleFavourite(Command):
    """Mark this model as a favourite, or drop the mark."""

    key, label = "b", "favourite"


class EditNote(Command):
    """Write a note of your own about this model."""

    key, label = "n", "note"


class NameVersion(Command):
    """Give the revision under the cursor a name of your own, or take the name back."""

    key, label = "m", "name"


class NextTab(Command):
    """Go to the next tab."""

    key, label, sign = "right,tab,l", "next tab", "→"


class PreviousTab(Command):
    """Go to the previous tab."""

    key, label, sign, shown = "left,shift+tab,h", "previous tab", "←", False


class RefreshModel(Command):
    """Ask the source for this model anew."""

    key, label = "r", "refresh"
