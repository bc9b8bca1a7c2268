"""LM Studio's folder of models: `<publisher>/<repository>/` with the files of a Hub repository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tui_hub.domain.errors import HubError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.types import ModelType
from tui_hub.foreign.base import Box, Finding
from tui_hub.foreign.looking import folders, is_folder, linked_folders, read_small
from tui_hub.foreign.loose import folder_model

_POINTER = ".lmstudio-home-pointer"
_HOMES = (".lmstudio", "lm-studio")
_LIMIT = 64 * 1024


class _Settings(msgspec.Struct):
    """The one line of its settings that says where models go."""

    folder: str = msgspec.field(name="downloadsFolder", default="")


class LMStudio:
    """Finds each repository of each publisher."""

    name = "lmstudio"

    def places(self, box: Box) -> Sequence[Path]:
        """The folder that its settings name, else `models` in its home, the new one or the old."""
        homes = [box.home / ".lmstudio", box.home / ".cache" / "lm-studio"]
        pointer = read_small(box.home / _POINTER, _LIMIT) or b""
        told = pointer.decode("utf-8", "replace").strip()
        if told and "\0" not in told:
            homes.insert(0, box.expand(told))
        return tuple(dict.fromkeys(place for home in homes for place in _of_home(home, box)))

    def root(self, folder: Path) -> Path | None:
        """Its folder of models, or its home, known by their names."""
        if folder.name in _HOMES and is_folder(folder / "models"):
            return folder / "models"
        return folder if folder.name == "models" and folder.parent.name in _HOMES else None

    def look(self, root: Path, box: Box) -> Iterator[Finding | None]:
        """One model for each repository that has weights."""
        yield from linked_folders(root)
        for publisher in folders(root):
            yield from linked_folders(publisher)
            for repository in folders(publisher):
                likely = _repository(publisher.name, repository.name)
                yield from folder_model(repository, self.name, ModelType.LLM, likely) or ()


def _of_home(home: Path, box: Box) -> tuple[Path, ...]:
    content = read_small(home / "settings.json", _LIMIT) or b"{}"
    try:
        told = msgspec.json.decode(content, type=_Settings).folder
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = ""
    return (box.expand(told), home / "models") if told and "\0" not in told else (home / "models",)


def _repository(publisher: str, name: str) -> ModelId | None:
    try:
        return ModelId.parse(f"hf:{publisher}/{name}")
    except HubError:
        return None
