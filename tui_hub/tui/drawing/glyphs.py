"""The signs that the screen draws with: one set for terminals with Unicode, one in plain ASCII."""

from __future__ import annotations

from collections.abc import Mapping

from tui_hub.domain.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """One set of signs. Every sign is one cell wide unless its name says otherwise."""

    ellipsis: str
    cursor: str
    active: str
    installed: str
    downloading: str
    failed: str
    none: str
    paused: str
    waiting: str
    cancelled: str
    favourite: str
    compared: str
    differs: str
    search: str
    syncing: str
    arrow: str
    dot: str
    dash: str
    up: str
    down: str
    check_on: str
    check_off: str
    edge_left: str
    edge_right: str
    full: str
    half: str
    rest: str
    reserved: str
    """Memory that a driver keeps for itself."""
    coming: str
    """Memory that a model will take."""
    leaving: str
    """Memory that a model gives back."""
    line: str
    """A thin bar, where bars stand close together."""
    line_partial: str
    line_rest: str
    fractions: str
    """Horizontal eighths, from nothing to nearly full."""
    levels: str
    """Vertical steps for sparklines, from lowest to highest."""
    rule: str
    degree: str
    """The sign of degrees; empty where the set has none."""
    keys: Mapping[str, str]
    """Names of keys for signs that this set lacks."""

    def key(self, sign: str) -> str:
        """How a key is shown."""
        return self.keys.get(sign, sign)


UNICODE = Glyphs(
    ellipsis="…",
    cursor="▸",
    active="●",
    installed="✓",
    downloading="⇣",
    failed="!",
    none=" ",
    paused="‖",
    waiting="◌",
    cancelled="×",
    favourite="★",
    compared="◆",
    differs="≠",
    search="⌕",
    syncing="↻",
    arrow="→",
    dot="·",
    dash="─",
    up="▴",
    down="▾",
    check_on="■",
    check_off="□",
    edge_left="▕",
    edge_right="▏",
    full="█",
    half="▓",
    rest="░",
    reserved="╱",
    coming="▒",
    leaving="╳",
    line="━",
    line_partial="╍",
    line_rest="─",
    fractions=" ▏▎▍▌▋▊▉",
    levels="▁▂▃▄▅▆▇█",
    rule="─",
    degree="°",
    keys={},
)

ASCII = Glyphs(
    ellipsis="~",
    cursor=">",
    active="*",
    installed="+",
    downloading="v",
    failed="!",
    none=" ",
    paused="=",
    waiting=".",
    cancelled="x",
    favourite="*",
    compared="&",
    differs="!",
    search="/",
    syncing="@",
    arrow=">",
    dot="|",
    dash="-",
    up="^",
    down="v",
    check_on="x",
    check_off="o",
    edge_left="[",
    edge_right="]",
    full="#",
    half="=",
    rest=".",
    reserved="/",
    coming="%",
    leaving="x",
    line="=",
    line_partial="-",
    line_rest=".",
    fractions="        ",
    levels="_.-=+*%#",
    rule="-",
    degree="",
    keys={"⏎": "enter", "→": "right", "←": "left", "↑": "up", "↓": "down", "⇥": "tab"},
)
