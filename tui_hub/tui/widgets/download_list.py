"""All downloads in one widget that draws only the cells that changed."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from tui_hub.domain.downloads import Download, FileProgress
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.jobs import JobStatus
from tui_hub.services.downloads.words import last_run_words, moved_words
from tui_hub.tui.commands import DownloadModel, ShowBrowse
from tui_hub.tui.download_order import in_their_places
from tui_hub.tui.drawing.draw import Line, fit
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.words.download import explanation, fold, totals
from tui_hub.tui.words.download_file import file_line
from tui_hub.tui.words.download_line import has_room_for_author, history_line, job_line


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: a heading, a download, one of its files, words about it, or nothing."""

    download: Download | None = None
    file: FileProgress | None = None
    words: str = ""
    tone: str = "faint"
    past: bool = False

    @property
    def head(self) -> bool:
        """Whether it stands for a download as a whole."""
        return self.download is not None and not (self.file or self.words)


_FOLDED = (JobStatus.COMPLETED, JobStatus.CANCELLED)
"""What ended well enough to be history at once; what failed stays until it is put aside."""
_INDENT = 4
"""Cells before what belongs to a download."""


class DownloadList(RowList):
    """Downloads with the range bars of their files, then the history, one line each."""

    DEFAULT_CSS = "DownloadList { padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__(id="downloads")
        self._rows: list[_Row] = []
        self._current: tuple[Download, ...] = ()
        self._past: tuple[Download, ...] = ()
        self._aside: frozenset[str] = frozenset()
        self._seen: frozenset[str] = frozenset()
        self._order: list[str] = []
        """The jobs that have not ended, as they are listed."""
        self._wanted: str | None = None
        """The job of a download that somebody asked to see."""
        self._by_hand = False
        self._bare = False
        """Whether the names are without their authors, as not all of them have room."""

    def show(
        self,
        current: Sequence[Download] | None = None,
        past: Sequence[Download] | None = None,
        aside: frozenset[str] | None = None,
    ) -> None:
        """Take new figures for what runs, for what ended, or of what failed and was put aside."""
        self._current = self._current if current is None else tuple(current)
        self._past = self._past if past is None else tuple(past)
        self._aside = self._aside if aside is None else aside
        old, self._rows = self._rows, self._lay_out()
        same = len(old) == len(self._rows) and all(
            _shape(one) == _shape(other) for one, other in zip(old, self._rows, strict=True)
        )
        if same:
            self.draw_changes()
            return
        self._look_for_room()
        row = self._follow(old)
        moved = row != self.cursor
        self.set_reactive(RowList.cursor, row)
        self.rows_changed()
        if moved:
            self.reveal(self.cursor)

    def _look_for_room(self) -> None:
        width = self.draw_width - 2
        self._bare = not all(
            has_room_for_author(one.download, width, self.glyphs, past=one.past)
            for one in self._rows
            if one.head and one.download is not None
        )

    def _follow(self, old: list[_Row]) -> int:
        """The row for the cursor: that of its download, or of the next one once that is history."""
        before = old[self.cursor] if self.cursor < len(old) else _Row()
        live = [row for row, one in enumerate(self._rows) if one.head and not one.past]
        if before.download is None or (before.past and live and not self._by_hand):
            return live[0] if live else 0
        job = before.download.job
        at = next((row for row, one in enumerate(self._rows) if _heads(one, job)), None)
        if at is not None and (before.past or not self._rows[at].past or not live):
            return at
        place = sum(one.head and not one.past for one in old[: self.cursor])
        return live[min(place, len(live) - 1)] if live else 0

    def look(self) -> None:
        """Somebody looks anew: rest on the download that came since, or on the first that is on."""
        self._by_hand = False
        heads = {row: job for row, job in self._jobs() if not self._rows[row].past}
        new = [row for row, job in heads.items() if job not in self._seen]
        row = self.cursor if self.cursor in heads else next(iter(heads), self.cursor)
        row = new[-1] if self._seen and new else row
        wanted = [at for at, job in self._jobs() if job == self._wanted]
        self.set_reactive(RowList.cursor, wanted[0] if wanted else row)
        self.rows_changed()
        self.call_after_refresh(lambda: self.reveal(self.cursor))

    def stand_on(self, job: str) -> None:
        """Rest on a download that somebody asks to see."""
        self._wanted = job
        self.look()

    def leave(self) -> None:
        """Nobody looks any more: what comes from now on is new."""
        self._wanted = None
        self._seen = frozenset(job for _, job in self._jobs())

    def _jobs(self) -> list[tuple[int, str]]:
        """The rows that stand for a download, with its job."""
        return [
            (row, one.download.job)
            for row, one in enumerate(self._rows)
            if one.download is not None and one.head
        ]

    def watch_cursor(self, old: int, new: int) -> None:
        """A person moved it: from now on it stays on its download."""
        self._by_hand = True
        super().watch_cursor(old, new)

    @property
    def downloads(self) -> tuple[Download, ...]:
        """The downloads that have not ended, as shown."""
        return self._current

    def on_resize(self, event: events.Resize) -> None:
        """Break the words anew."""
        self.show()
        self._look_for_room()
        self.refresh()
        super().on_resize(event)

    def _is_past(self, download: Download) -> bool:
        return download.status in _FOLDED or download.job in self._aside

    def _lay_out(self) -> list[_Row]:
        rows: list[_Row] = []
        # Before the first layout, at the most that there can be: words broken into more lines than
        # they need would bring a scrollbar, and the first frame lack the cells that it had.
        width = self.draw_width if self.size.width else self.app.size.width
        folded = {one.job: one for one in self._current if self._is_past(one)}
        live = [one for one in self._current if one.job not in folded]
        live = in_their_places(self._order, live)
        self._order = [one.job for one in live]
        for download in live:
            rows.append(_Row(download))
            why = explanation(download, width - _INDENT, self.app.key_of, self.app.advice)
            rows += [_Row(download, words=words, tone=tone) for words, tone in why]
            if last_run_words(download):
                rows.append(_Row(download, words=moved_words(download)))
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
        return 0 <= row < len(self._rows) and self._rows[row].head

    def draw(self, row: int, width: int) -> Line:
        one = self._rows[row]
        glyphs = self.glyphs
        here = row == self.cursor and self.has_focus
        mark = (f"{glyphs.cursor} " if here else "  ", "accent")
        if one.download is None:
            return fit([("  ", ""), (one.words, "head")], width, ellipsis=glyphs.ellipsis)
        if one.words:
            words = [(" " * _INDENT, ""), (one.words, one.tone)]
            return fit(words, width, ellipsis=glyphs.ellipsis)
        if one.past:
            return [mark, *history_line(one.download, width - 2, glyphs, bare=self._bare)]
        if one.file is not None:
            return [(" " * _INDENT, ""), *file_line(one.file, width - _INDENT, glyphs)]
        return [mark, *job_line(one.download, width - 2, glyphs, bare=self._bare)]

    def draw_beyond(self, row: int) -> Line:
        if row != 0 or self._rows:
            return ()
        words = "Nothing is being downloaded. "
        return [
            ("  ", ""),
            (words, "muted"),
            (self.app.key_of(ShowBrowse), "key"),
            (" finds models, ", "muted"),
            (self.app.key_of(DownloadModel), "key"),
            (" downloads one.", "muted"),
        ]


def _heads(row: _Row, job: str) -> bool:
    return row.head and row.download is not None and row.download.job == job


def _shape(row: _Row) -> tuple[object, ...]:
    return (
        row.download and row.download.job,
        row.file and row.file.path,
        row.words if row.tone != "faint" else bool(row.words),
        row.past,
    )
