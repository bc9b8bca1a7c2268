"""Which one of the variants that are here."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub.tui.screens.choice import Choice, ChoiceDialog


class VariantDialog(ChoiceDialog):
    """Asks for one of the installed variants; `None` when closed without an answer."""

    BINDING_GROUP_TITLE = "Variants"

    def __init__(self, title: str, names: Sequence[str], chosen: str | None = None) -> None:
        words = "Several variants are here. Which one?"
        choices = [Choice(name) for name in names]
        super().__init__(title, words, choices, chosen, heading="Variant")
