"""How other programs keep models on this box: one module each, behind `base.Layout`.

They stand above the sources, whose names and manifests some of them share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tui_hub.domain.scanning import LeftOut
from tui_hub.foreign.base import Box, Finding, FoundFile, FoundModel, Layout, left_out
from tui_hub.foreign.comfyui import ComfyUI
from tui_hub.foreign.folder import Folder
from tui_hub.foreign.huggingface import HuggingFaceCache
from tui_hub.foreign.lmstudio import LMStudio
from tui_hub.foreign.looking import is_folder, why_closed
from tui_hub.foreign.ollama import OllamaStore

__all__ = [
    "LAYOUTS",
    "Box",
    "Finding",
    "FoundFile",
    "FoundModel",
    "Layout",
    "LeftOut",
    "known_places",
    "left_out",
    "named_place",
    "why_closed",
]

LAYOUTS: tuple[Layout, ...] = (HuggingFaceCache(), OllamaStore(), LMStudio(), ComfyUI(), Folder())
"""All of them; the first that knows a folder is believed."""

AUTO = "auto"
"""In the settings: wherever a layout is known to keep models."""


def known_places(box: Box, told: Mapping[str, Sequence[str]]) -> Iterator[tuple[Layout, Path]]:
    """Where models lie on this box as far as that is known, of those places that are there.

    Args:
        box: the box.
        told: places by the name of a layout; `auto` among them stands for those that it knows.
    """
    for layout in LAYOUTS:
        seen: set[Path] = set()
        for place in _places(layout, box, told.get(layout.name, (AUTO,))):
            if not is_folder(place) and why_closed(place) is None:
                continue
            root = layout.root(place) or place
            if root.resolve() not in seen:
                seen.add(root.resolve())
                yield layout, root


def _places(layout: Layout, box: Box, told: Sequence[str]) -> Iterator[Path]:
    for place in told:
        if place == AUTO:
            yield from layout.places(box)
        else:
            yield box.expand(place)


def named_place(place: Path) -> tuple[Layout, Path]:
    """The layout of a folder or file that somebody names, and what to look through."""
    for layout in LAYOUTS[:-1]:
        root = layout.root(place) if is_folder(place) else None
        if root is not None:
            return layout, root
    return LAYOUTS[-1], place
