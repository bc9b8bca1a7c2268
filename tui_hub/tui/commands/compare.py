"""The keys that put models side by side."""

from __future__ import annotations

from tui_hub.tui.command import Command


class MarkToCompare(Command):
    """Mark this model or variant for a comparison, up to four of them, or drop the mark."""

    key, label = "c", "compare"


class ShowComparison(Command):
    """Show the marked models and variants side by side."""

    key, label, sign = "C", "side by side", "C"


class NextColumn(Command):
    """Go to the next model."""

    key, label, sign = "right,l,tab", "next model", "→"


class PreviousColumn(Command):
    """Go to the model before."""

    key, label, sign, shown = "left,h,shift+tab", "model before", "←", False


class OnlyDifferences(Command):
    """Show only what is not the same for all, or everything again."""

    key, label = "f", "differences"


class DropColumn(Command):
    """Take this model out of the comparison."""

    key, label = "x", "drop"
