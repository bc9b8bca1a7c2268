"""What the daemon of Ollama has in memory, in words."""

from __future__ import annotations

from tui_hub import text
from tui_hub.domain.ollama import OllamaModel, OllamaState
from tui_hub.tui.drawing.draw import Line, safe, spread
from tui_hub.tui.drawing.glyphs import Glyphs


def unslotted(state: OllamaState | None) -> tuple[OllamaModel, ...]:
    """The models that stand in no slot, which can be let go of without a loss."""
    return () if state is None else tuple(one for one in state.models if one.slot is None)


def ollama_lines(state: OllamaState | None, key: str, width: int, glyphs: Glyphs) -> list[Line]:
    """A line for each model, and with which key their memory is freed."""
    if state is None or not (state.models or state.error):
        return []
    lines: list[Line] = [(), [("In Ollama's daemon", "strong")]]
    if state.error is not None:
        return [*lines, [(safe(state.error), "warn")]]
    for one in state.models:
        name = safe(f"{one.slot} {one.name}" if one.slot else one.name)
        figures = f"{text.size(one.size)}{_place(one)}"
        lines.append(spread([(name, "")], [(figures, "muted")], width, ellipsis=glyphs.ellipsis))
    if unslotted(state):
        lines.append([(key, "key"), (" frees what stands in no slot", "muted")])
    return lines


def _place(one: OllamaModel) -> str:
    if not one.size_vram:
        return " on the processor"
    if one.size_vram >= one.size:
        return " on GPU"
    return f", {100 * one.size_vram // one.size}% on GPU"
