"""The program's own themes."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="hub-dark",
    primary="#6cb6c9",
    secondary="#8d9fd6",
    accent="#e3b567",
    success="#86bd7f",
    warning="#dda15e",
    error="#e06c75",
    foreground="#ccd3de",
    background="#0f1218",
    surface="#141821",
    panel="#1b202c",
    boost="#232a39",
    dark=True,
    variables={
        "border": "#2c3445",
        "border-blurred": "#2c3445",
        "footer-background": "#0f1218",
        "input-cursor-background": "#e3b567",
        "input-selection-background": "#6cb6c9 30%",
        "scrollbar": "#2c3445",
        "scrollbar-hover": "#3b465c",
        "scrollbar-active": "#6cb6c9",
        "scrollbar-background": "#141821",
        "scrollbar-background-hover": "#141821",
        "scrollbar-background-active": "#141821",
        "scrollbar-corner-color": "#141821",
        "block-cursor-background": "#6cb6c9",
        "block-cursor-foreground": "#0f1218",
    },
)

LIGHT = Theme(
    name="hub-light",
    primary="#1f7a8c",
    secondary="#4a5fa8",
    accent="#9a6a00",
    success="#2f7d32",
    warning="#a85b00",
    error="#b3303b",
    foreground="#2b303b",
    background="#f5f4f0",
    surface="#fbfaf7",
    panel="#ecebe6",
    boost="#e0dfd8",
    dark=False,
    variables={"border": "#cfcdc4", "border-blurred": "#cfcdc4"},
)

THEMES = (DARK, LIGHT)
