"""A model's files, grouped by the variants that a person would pick."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile

from tui_hub import text
from tui_hub.domain.artifacts import Artifact, ArtifactStatus, Variant
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.losses import file_words
from tui_hub.domain.models import Details
from tui_hub.tui.drawing.columns import GAP, Column, draw_row, header, layout
from tui_hub.tui.drawing.draw import Line, Piece, spread
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.widgets.row_list import RowList

_LEAST = 32
"""Cells that a file's name keeps before other columns are shown."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A heading, or a file below one."""

    variant: Variant | None
    heading: str = ""
    file: Artifact | None = None
    installed: bool = False
    model: Details | None = None
    """Set on the one row that stands for the model as a whole."""


def rows_of(details: Details) -> list[FileRow]:
    """Each variant with the files that only it has, then the files that all share."""
    by_path = {file.path: file for file in details.files}
    counted: dict[str, int] = {}
    for variant in details.variants:
        for path in variant.paths:
            counted[path] = counted.get(path, 0) + 1
    single = len(details.variants) == 1
    own_of = {
        variant.name: [p for p in variant.paths if single or counted[p] == 1]
        for variant in details.variants
    }
    rows = [FileRow(None, "the whole model", model=details)] if details.files else []
    listed: set[str] = set()
    for variant in details.variants:
        installed = variant.name in details.installed_variants
        rows.append(FileRow(variant, variant.name, installed=installed))
        own = [path for path in own_of[variant.name] if path in by_path]
        rows += [FileRow(variant, file=by_path[path]) for path in own]
        listed.update(own)
    rest = [file for file in details.files if file.path not in listed]
    if rest:
        heading = "files of every variant" if details.variants else "files"
        rows.append(FileRow(None, heading))
        rows += [FileRow(None, file=file) for file in rest]
    rows += [FileRow(None, f"refused: {name}") for name in details.unsafe]
    return rows


def file_mark(file: Artifact, glyphs: Glyphs) -> Piece:
    """Whether a file is here."""
    match file.status:
        case ArtifactStatus.COMPLETED:
            return (glyphs.installed, "good")
        case ArtifactStatus.DOWNLOADING:
            return (glyphs.downloading, "info")
        case ArtifactStatus.FAILED:
            return (glyphs.failed, "bad")
        case _:
            return (glyphs.installed if file.blob else glyphs.none, "info")


def _state(file: Artifact) -> Piece:
    if file.status is ArtifactStatus.COMPLETED:
        return (f"here, {file.verified.value}", "good")
    if file.status is ArtifactStatus.DOWNLOADING:
        return ("downloading", "info")
    if file.status is ArtifactStatus.FAILED:
        return (file_words(file), "bad")
    return ("here already" if file.blob else "", "info")


def _hash(file: Artifact) -> Piece:
    if file.sha256:
        return (f"sha256 {file.sha256[:10]}", "faint")
    if file.git_sha1:
        return (f"git    {file.git_sha1[:10]}", "faint")
    return ("no hash told", "warn")


def file_columns(glyphs: Glyphs) -> list[Column[Artifact]]:
    """The columns of a file."""
    return [
        Column("", 1, lambda file: [file_mark(file, glyphs)]),
        Column("File", 0, lambda file: [(file.path, "")]),
        Column("Kind", 9, lambda file: [(file.kind.value, "muted")], rank=5),
        Column("Size", 10, lambda file: [(text.size(file.size), "")], align="right", rank=1),
        Column("Hash", 17, lambda file: [_hash(file)], rank=4),
        Column("Here", 14, lambda file: [_state(file)], rank=2),
    ]


def _behind_size(placed: Sequence[tuple[Column[Artifact], int]]) -> Piece:
    """Blanks as wide as what stands right of the sizes."""
    behind = list(dropwhile(lambda one: one[0].title != "Size", placed))[1:]
    return (" " * sum(GAP + width for _, width in behind), "")


class FileList(RowList):
    """Files in groups; headings can be chosen too, as a variant."""

    DEFAULT_CSS = "FileList { padding: 0 1; }"
    header_height = 1

    def __init__(self) -> None:
        super().__init__(id="files")
        self._rows: list[FileRow] = []
        self._columns = file_columns(self.glyphs)
        self._model = ""
        self.empty = "asking for the files"

    def on_mount(self) -> None:
        """Follow what is marked for a comparison."""
        self.app.marks_signal.subscribe(self, lambda marks: self.refresh())

    def show(self, details: Details) -> None:
        """Draw the files."""
        self._rows, self._model = rows_of(details), details.model.id
        self.empty = details.note or "This model has no files here; its maker serves it."
        self.rows_changed()

    @property
    def variant(self) -> str | None:
        """The variant under the cursor."""
        row = self.row
        return row.variant.name if row and row.variant else None

    @property
    def file(self) -> Artifact | None:
        """The file under the cursor."""
        return self.row.file if self.row else None

    @property
    def row(self) -> FileRow | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def row_count(self) -> int:
        return len(self._rows)

    def draw_header(self, width: int) -> Line:
        return [
            ("    ", ""),
            *header(layout(self._columns, width - 4, _LEAST), self.glyphs.ellipsis),
        ]

    def draw(self, row: int, width: int) -> Line:
        one = self._rows[row]
        mark = f"{self.glyphs.cursor} " if row == self.cursor and self.has_focus else "  "
        placed = layout(self._columns, width - 4, _LEAST)
        if one.file is not None:
            return [(mark, "accent"), ("  ", ""), *draw_row(one.file, placed, self.glyphs.ellipsis)]
        left: list[Piece] = [(mark, "accent"), (one.heading, "info" if one.variant else "head")]
        right: list[Piece] = []
        if one.model is not None:
            sizes = [file.size for file in one.model.files]
            whole = sum(size or 0 for size in sizes)
            right = [(f"{len(sizes)} files  ", "faint"), (text.size(whole).rjust(10), "strong")]
            here = sum(one.status is ArtifactStatus.COMPLETED for one in one.model.files)
            if 0 < here < len(sizes):
                left.append((f"  {here} of {len(sizes)} files here", "good"))
        if one.variant is not None:
            left.append((f"  {one.variant.format}", "faint"))
            if one.variant.name in self.app.marks.variants_of(self._model):
                left.append((f" {self.glyphs.compared}", "info"))
            if one.installed:
                left.append((f"  {self.glyphs.installed} installed", "good"))
            right = [
                (f"{len(one.variant.paths)} files  ", "faint"),
                (text.size(one.variant.size).rjust(10), "strong"),
            ]
        if right:
            right.append(_behind_size(placed))
        return spread(left, right, width, ellipsis=self.glyphs.ellipsis)

    def draw_beyond(self, row: int) -> Line:
        return [("  ", ""), (self.empty, "muted")] if row == 0 and not self._rows else ()
