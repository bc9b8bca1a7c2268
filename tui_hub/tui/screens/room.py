"""Making room: which models would go for so many bytes, and the question whether they should."""

from __future__ import annotations

from textual.content import Content

from tui_hub import text
from tui_hub.domain.errors import UsageError
from tui_hub.domain.room import RoomPlan
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.screens.confirm import Confirm
from tui_hub.tui.screens.prompt import Prompt

_MUTED = "$foreground 62%"
_SHOWN = 12
"""Models that are named."""


def room_prompt() -> Prompt[int]:
    """How much is wanted."""
    words = "How much should come free? 40G (GiB) or 40GB, for example. Then you see what would go."
    return Prompt("Make room", words, "", _size)


def room_question(plan: RoomPlan) -> Confirm:
    """Whether the models of a plan should go."""
    lines = [
        Content.assemble(
            (f"{text.size(step.bytes):>10}  ", "bold"),
            safe(step.model),
            (f"  {_used(step.last_used)}", _MUTED),
        )
        for step in plan.steps[:_SHOWN]
    ]
    if len(plan.steps) > _SHOWN:
        lines.append(Content.styled(f"and {len(plan.steps) - _SHOWN} more", _MUTED))
    total = f"{text.size(plan.bytes)} come free, of {text.size(plan.wanted)} wanted"
    if plan.enough:
        lines.append(Content.styled(f"{total}. What is active stays.", "$success"))
    else:
        words = f"{total}: there is no more that may go."
        lines.append(Content.styled(words, "$warning"))
    lines.append(
        Content.styled("To have them again they must be downloaded, or taken in, again.", _MUTED)
    )
    yes = "Delete it" if len(plan.steps) == 1 else f"Delete these {len(plan.steps)}"
    return Confirm("Delete for room?", Content("\n").join(lines), yes=yes, danger=True)


def _used(at: str | None) -> str:
    return f"active {text.ago(at)}" if at else "never active"


def _size(words: str) -> int:
    size = text.parse_size(words)
    if size <= 0:
        raise UsageError("nothing is no room", hint="40G, for example.")
    return size
