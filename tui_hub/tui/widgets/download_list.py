"""All downloads in one widget that draws only the lines that changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.strip import Strip

from tui_hub.domain.downloads import Download, FileProgress
from tui_hub.domain.jobs import JobStatus
from tui_hub.tui.download_text import file_line, fold, history_line, job_line, totals
from tui_hub.tui.draw import Line, fit
from tui_hub.tui.widgets.row_list import RowList


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: a heading, a download, one of its files, files folded into one line, or nothing."""

    download: Download | None = None
    file: FileProgress | None = None
    words: str = ""
    past: bool = False


_FOLDED = (JobStatus.COMPLETED, JobStatus.CANCELLED)
"""What ended well enough to be history at once; what failed stays until it is retried."""


class DownloadList(RowList):
    """Downloads with the range bars of their files, then the history, one line each."""

    DEFAULT_CSS = "DownloadList { padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__(id="downloads")
        self._rows: list[_Row] = []
        self._drawn: dict[int, list[tuple[str, str]]] = {}
        self._current: tuple[Download, ...] = ()
        self._past: tuple[Download, ...] = ()

    def show(
        self, current: Sequence[Download] | None = None, past: Sequence[Download] | None = None
    ) -> None:
        """Take new figures for what runs, or for what ended."""
        self._current = self._current if current is None else tuple(current)
        self._past = self._past if past is None else tuple(past)
        before = self.current
        rows = self._lay_out()
        same = len(rows) == len(self._rows) and all(
            _shape(old) == _shape(new) for old, new in zip(self._rows, rows, strict=True)
        )
        self._rows = rows
        if same:
            self._draw_changes()
            return
        at = next((i for i, row in enumerate(rows) if before and _heads(row, before.job)), None)
        if at is not None:
            self.set_reactive(RowList.cursor, at)
        self.rows_changed()

    @property
    def downloads(self) -> tuple[Download, ...]:
        """The downloads that have not ended, as shown."""
        return self._current

    def _lay_out(self) -> list[_Row]:
        rows: list[_Row] = []
        folded = {one.job: one for one in self._current if one.status in _FOLDED}
        live = [one for one in self._current if one.job not in folded]
        for download in live:
            rows.append(_Row(download))
            shown, rest = fold(download)
            rows += [_Row(download, file) for file in shown]
            if rest:
                rows.append(_Row(download, words=rest))
            rows.append(_Row())
        listed = {one.job for one in (*self._past, *live)}
        past = [one for job, one in folded.items() if job not in listed]
        moving = {one.job for one in live}
        past += [folded.get(one.job, one) for one in self._past if one.job not in moving]
        if past:
            rows.append(_Row(words=totals(past, self.glyphs)))
            rows += [_Row(download, past=True) for download in past]
        return rows

    def _draw_changes(self) -> None:
        top, width = self.scroll_offset.y, self.draw_width
        for row in range(top, min(top + self.page_height, len(self._rows))):
            if list(self.draw(row, width)) != self._drawn.get(row):
                self.refresh_line(row)

    @property
    def current(self) -> Download | None:
        """The download under the cursor."""
        return self._rows[self.cursor].download if self.cursor < len(self._rows) else None

    def reveal(self, row: int) -> None:
        """Show a download with all of its lines, as far as they fit."""
        end = row
        while end + 1 < len(self._rows) and not self.selectable(end + 1):
            end += 1
        super().reveal(end)
        super().reveal(row)

    def row_count(self) -> int:
        return len(self._rows)

    def selectable(self, row: int) -> bool:
        one = self._rows[row] if 0 <= row < len(self._rows) else _Row()
        return one.download is not None and one.file is None and not one.words

    def render_line(self, y: int) -> Strip:
        row = self.scroll_offset.y + y
        if row < len(self._rows):
            self._drawn[row] = list(self.draw(row, self.draw_width))
        return super().render_line(y)

    def draw(self, row: int, width: int) -> Line:
        one = self._rows[row]
        glyphs = self.glyphs
        here = row == self.cursor and self.has_focus
        mark = (f"{glyphs.cursor} " if here else "  ", "accent")
        if one.download is None:
            return fit([("  ", ""), (one.words, "head")], width, ellipsis=glyphs.ellipsis)
        if one.words:
            return fit([("      ", ""), (one.words, "faint")], width, ellipsis=glyphs.ellipsis)
        if one.past:
            return [mark, *history_line(one.download, width - 2, glyphs)]
        if one.file is not None:
            return [("    ", ""), *file_line(one.file, width - 4, glyphs)]
        return [mark, *job_line(one.download, width - 2, glyphs)]

    def draw_beyond(self, row: int) -> Line:
        if row != 0 or self._rows:
            return ()
        words = "Nothing is being downloaded. "
        return [
            ("  ", ""),
            (words, "muted"),
            ("1", "key"),
            (" finds models, ", "muted"),
            ("d", "key"),
            (" downloads one.", "muted"),
        ]


def _heads(row: _Row, job: str) -> bool:
    return (
        row.download is not None and row.download.job == job and row.file is None and not row.words
    )


def _shape(row: _Row) -> tuple[object, ...]:
    return (
        row.download and row.download.job,
        row.file and row.file.path,
        bool(row.words),
        row.past,
    )
