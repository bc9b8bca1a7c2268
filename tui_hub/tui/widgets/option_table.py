"""What there is to download of a model, as a list to choose from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tui_hub import text
from tui_hub.domain.artifacts import Variant
from tui_hub.domain.downloads import Download
from tui_hub.domain.models import Details
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import Piece
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.widgets.table import Table


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to download: a variant, or every file."""

    variant: Variant | None
    files: int
    size: int | None
    installed: bool = False
    download: Download | None = None
    """The download that brings it already."""

    @property
    def name(self) -> str:
        """What the list calls it."""
        return self.variant.name if self.variant else "every file"


def options_of(details: Details, under_way: Iterable[Download] = ()) -> list[Option]:
    """The choices, a model's variants before all of its files.

    Args:
        details: the model with its files.
        under_way: its downloads that have not ended.
    """
    coming = [
        (one, {file.path for file in one.files})
        for one in under_way
        if (one.revision or None) == (details.revision or None)
    ]

    def brought_by(paths: Iterable[str]) -> Download | None:
        wanted = set(paths)
        return next((one for one, files in coming if wanted and wanted <= files), None)

    sizes = [file.size for file in details.files]
    known = sum(size or 0 for size in sizes) if None not in sizes else details.model.size
    every = brought_by(file.path for file in details.files)
    whole = Option(None, len(sizes), known, download=every)
    if len(details.variants) < 2 and len(sizes) == sum(len(one.paths) for one in details.variants):
        return [whole]
    here = set(details.installed_variants)
    chosen = [
        Option(one, len(one.paths), one.size, one.name in here, brought_by(one.paths))
        for one in details.variants
    ]
    return [*chosen, whole]


class OptionTable(Table[Option]):
    """The choices; their names are short."""

    least = 12

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:  # noqa: A002
        super().__init__(_columns(glyphs), id=id)


def _columns(glyphs: Glyphs) -> list[Column[Option]]:
    def sign(one: Option) -> list[Piece]:
        if one.download is not None:
            return [(glyphs.downloading, "info")]
        return [(glyphs.installed if one.installed else "", "good")]

    return [
        Column("Variant", 0, lambda one: [(one.name, "strong")]),
        Column("", 1, sign),
        Column("Files", 5, lambda one: [(str(one.files), "muted")], align="right", rank=2),
        Column("Size", 9, lambda one: [(text.size(one.size), "")], align="right", rank=1),
    ]
