"""How one file of a download reads on the screen: its name, what has arrived, and its state."""

from __future__ import annotations

from tui_hub import text
from tui_hub.domain.downloads import FileProgress, FileState
from tui_hub.tui.drawing.draw import Piece, fit, line_bar, ranges_bar, spread, width_of
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.words.download import MOVING, short


def file_line(file: FileProgress, width: int, glyphs: Glyphs) -> list[Piece]:
    """Name, the ranges that have arrived, and where the file stands."""
    name_width = min(max(width * 36 // 100, 16), 56)
    wide = width >= 96
    words_width = 24 if not wide else 34 if width < 120 else 46
    bar_width = max(width - name_width - words_width - 4, 0)
    gap: Piece = ("  ", "")
    name = [*fit([(file.path, _name_tone(file))], name_width, ellipsis=glyphs.ellipsis), gap]
    if file.deduplicated and file.state is FileState.COMPLETED:
        return [*name, *_already_here(file, bar_width, words_width + 2, glyphs)]
    return [
        *name,
        *_file_bar(file, bar_width, glyphs),
        gap,
        *fit(_file_words(file, wide), words_width, ellipsis=glyphs.ellipsis),
    ]


def _already_here(file: FileProgress, bar: int, rest: int, glyphs: Glyphs) -> list[Piece]:
    """Which other model had it, in place of the bar or, where that is too narrow, of the words."""
    words: list[Piece] = [
        (f"already here (from {file.origin})" if file.origin else "already here", "good")
    ]
    size: list[Piece] = [(f"{text.size(file.size):>12}", "muted")]
    if width_of(words) <= bar:
        return [*fit(words, bar), *fit(size, rest)]
    return spread(words, size, bar + rest, ellipsis=glyphs.ellipsis)


def _name_tone(file: FileProgress) -> str:
    if file.state in MOVING:
        return ""
    return "bad" if file.state is FileState.FAILED else "muted"


def _file_bar(file: FileProgress, width: int, glyphs: Glyphs) -> list[Piece]:
    if file.state is FileState.COMPLETED:
        return [(glyphs.line * width, "good")]
    if not file.size:
        return [(glyphs.line_rest * width, "rest")]
    if file.ranges:
        return ranges_bar(file.ranges, file.size, width, glyphs)
    return line_bar(file.done / file.size, width, glyphs)


def _file_words(file: FileProgress, wide: bool) -> list[Piece]:
    size = text.size(file.size)
    if file.state is FileState.COMPLETED:
        return [(f"{size:>10}", "muted"), ("  verified", "good")]
    done = f"{text.size(file.done):>9} / {size:>9}"
    if not wide:
        share = int(file.done / file.size * 100) if file.size else 0
        of_what = f" of {size:>9}" if file.state is FileState.DOWNLOADING else ""
        done = f"{share:3d}%{of_what}"
    if file.state is FileState.DOWNLOADING:
        retries = f"  retry {file.retries}" if file.retries else ""
        lanes = f"  {file.connections} conn" if wide else ""
        return [(done, ""), (lanes, "faint"), (retries, "warn")]
    tone = {FileState.RETRYING: "warn", FileState.PAUSED: "warn"}
    words = short(file.message) or file.state.value
    if file.state is FileState.FAILED:
        return [(f"failed: {words}" if wide and file.message else "failed", "bad")]
    if file.state is FileState.WAITING:
        return [(f"{size:>10}", "faint"), (f"  {words}", "faint")]
    return [(done, "muted"), (f"  {words}", tone.get(file.state, "info"))]
