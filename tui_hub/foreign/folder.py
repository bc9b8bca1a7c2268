"""Any folder of model files, for want of a layout that knows more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tui_hub.foreign.base import Box, Finding
from tui_hub.foreign.looking import is_folder
from tui_hub.foreign.loose import TYPE_OF_FOLDER, loose_model, loose_models


class Folder:
    """Finds models by their files; it lies nowhere of itself, and is only looked at by name."""

    name = "folder"

    def places(self, box: Box) -> Sequence[Path]:
        """None: nobody wants a whole disk searched."""
        return ()

    def root(self, folder: Path) -> Path | None:
        """The folder itself, whatever it is, or one file."""
        return folder

    def look(self, root: Path, box: Box) -> Iterator[Finding | None]:
        """The models below it."""
        kind = TYPE_OF_FOLDER.get((root if is_folder(root) else root.parent).name.lower())
        if is_folder(root):
            yield from loose_models(root, self.name, kind)
        else:
            yield loose_model(root, self.name, kind)
