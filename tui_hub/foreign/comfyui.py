"""ComfyUI's folders: `models/<kind>/` below it, and the others that its settings name.

`extra_model_paths.yaml` beside it has sections of `<kind>: <folder>`, one or several to a kind,
each below the section's `base_path`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tui_hub.foreign.base import Box, Finding, left_out
from tui_hub.foreign.looking import folders, has_file, is_folder, linked_folders, read_small
from tui_hub.foreign.loose import TYPE_OF_FOLDER, loose_models

_EXTRA = "extra_model_paths.yaml"
_SERVERS = ("/opt/ComfyUI", "/workspace/ComfyUI")
_LIMIT = 256 * 1024
_MOST = 500
_NO_MODELS = frozenset(
    {"base_path", "is_default", "configs", "custom_nodes", "download_model_base"}
)
_ENOUGH = 2
"""Folders with names of ComfyUI's own that make a folder one of its."""


class ComfyUI:
    """Finds each file of weights, with its type from the folder that it lies in."""

    name = "comfyui"

    def places(self, box: Box) -> Sequence[Path]:
        """Where its own installer, its desktop program and most people put it."""
        told = box.path("COMFYUI_PATH")
        usual = ("ComfyUI", "comfy/ComfyUI", "Documents/ComfyUI")
        places = (*(box.home / name for name in usual), *map(Path, _SERVERS))
        return (told,) if told else [place for place in places if self.root(place) is not None]

    def root(self, folder: Path) -> Path | None:
        """ComfyUI itself, or its folder of models."""
        if has_file(folder / _EXTRA) and is_folder(folder / "models"):
            return folder
        for place in (folder, folder / "models"):
            known = [one for one in folders(place) if one.name.lower() in TYPE_OF_FOLDER]
            if len(known) >= _ENOUGH:
                return folder
        return None

    def look(self, root: Path, box: Box) -> Iterator[Finding | None]:
        """The models of its own folders, then those of the others."""
        own = root / "models"
        seen: set[Path] = set()
        place = own if is_folder(own) else root
        yield from linked_folders(place)
        for folder in folders(place):
            if folder.name not in _NO_MODELS:
                yield from _kind(folder.name, folder, seen)
        settings = root / _EXTRA
        sections = _sections(settings) if has_file(settings) else ()
        if sections is None:
            yield left_out(settings, "it cannot be read: it is no YAML with sections")
        for kind, folder in _extra(sections or (), settings, box):
            if is_folder(folder):
                yield from _kind(kind, folder, seen)
            else:
                yield left_out(folder, f"{_EXTRA} names it, and it is not there")


def _kind(kind: str, folder: Path, seen: set[Path]) -> Iterator[Finding | None]:
    real = folder.resolve()
    if real not in seen:
        seen.add(real)
        yield from loose_models(real, ComfyUI.name, TYPE_OF_FOLDER.get(kind.lower()))


def _sections(path: Path) -> Sequence[object] | None:
    """What ComfyUI's settings hold; `None` where they are not what they should be."""
    content = read_small(path, _LIMIT)
    if content is None:
        return None
    try:
        document = msgspec.yaml.decode(content)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if document is None:
        return ()  # all of it is a comment, as in the example that comes with it
    return tuple(document.values()) if isinstance(document, dict) else None


def _extra(sections: Sequence[object], path: Path, box: Box) -> Iterator[tuple[str, Path]]:
    """The kinds and folders that ComfyUI's settings name."""
    for section in sections:
        if not isinstance(section, dict):
            continue
        told = section.get("base_path")
        base = box.expand(told, path.parent) if isinstance(told, str) else path.parent
        for kind, value in section.items():
            if isinstance(kind, str) and isinstance(value, str) and kind not in _NO_MODELS:
                for line in value.split("\n")[:_MOST]:
                    if line.strip() and "\0" not in line:
                        yield kind, box.expand(line.strip(), base)
