"""The installed models that a slot can be given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui_hub import text
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.slots import Slot
from tui_hub.domain.storage import Install
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import Piece
from tui_hub.tui.drawing.glyphs import Glyphs


@dataclass(frozen=True, slots=True)
class Choice:
    """A model, or one of its variants where several are here."""

    model: str
    variant: str | None
    size: int | None
    """Bytes of its files; `None` where only those of all variants together are known."""
    last_used: str | None
    active: bool
    """Whether the slot holds it."""


def choices(installs: Iterable[Install], slot: Slot | None) -> list[Choice]:
    """The models that a slot can be given, the last used first."""
    found = [
        Choice(
            one.model,
            variant,
            one.bytes if len(one.variants) < 2 else None,
            one.last_used,
            slot is not None and (slot.model, slot.variant) == (one.model, variant),
        )
        for one in installs
        for variant in one.variants or (None,)
    ]
    found.sort(key=lambda one: (one.model, one.variant or ""))
    return sorted(found, key=lambda one: one.last_used or "", reverse=True)


def adapters_aside(adapters: Sequence[Install]) -> str:
    """Why adapters are not among them; empty where there is none."""
    if not adapters:
        return ""
    if len(adapters) == 1:
        return "1 adapter: its base model's Configuration takes it"
    return f"{len(adapters)} adapters: the Configuration of their base models takes them"


def choice_columns(glyphs: Glyphs) -> list[Column[Choice]]:
    """The columns of such a list."""

    def sign(one: Choice) -> list[Piece]:
        return [(glyphs.active, "good") if one.active else (" ", "")]

    return [
        Column("", 1, sign),
        Column("Model", 0, lambda one: [(one.model, "strong"), (f"  {one.variant or ''}", "info")]),
        Column("Size", 9, lambda one: [(text.size(one.size), "")], align="right", rank=1),
        Column("Used", 10, lambda one: [(text.ago(one.last_used), "muted")], align="right", rank=2),
    ]
