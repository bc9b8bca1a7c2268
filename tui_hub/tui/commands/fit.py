"""The keys that change what a fit is judged for."""

from __future__ import annotations

from tui_hub.tui.command import Command


class LongerContext(Command):
    """Judge the fit for twice the context."""

    key, label, sign = "right_square_bracket", "context", "[ ]"


class ShorterContext(Command):
    """Judge the fit for half the context."""

    key, label, sign, shown = "left_square_bracket", "shorter", "[", False


class SetContext(Command):
    """Type the tokens of context that the fit is judged for."""

    key, label, shown = "c", "type context", False


class LargerBatch(Command):
    """Judge the fit for one more sequence, image or clip at the same time."""

    key, label, sign = "greater_than_sign", "batch", "< >"


class SmallerBatch(Command):
    """Judge the fit for one fewer at the same time."""

    key, label, sign, shown = "less_than_sign", "fewer", "<", False


class OtherVariant(Command):
    """Judge the fit of the next variant."""

    key, label = "v", "variant"
