"""Exact widths: whatever the text, a drawn line is as wide as it was asked to be."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from tui_hub.cli.progress import download_line
from tui_hub.domain.downloads import Download, FileProgress, FileState, Plan
from tui_hub.domain.errors import UsageError
from tui_hub.domain.feeds import Feed, FeedStatus, Query, Quota
from tui_hub.domain.jobs import JobStatus
from tui_hub.tui.drawing.columns import Column, draw_row, header, layout, shorten
from tui_hub.tui.drawing.draw import (
    bar,
    difference,
    fit,
    line_bar,
    ranges_bar,
    safe,
    sparkline,
    spread,
    width_of,
    wrap,
)
from tui_hub.tui.drawing.glyphs import ASCII, UNICODE
from tui_hub.tui.screens.prompt import parse_rate
from tui_hub.tui.words.download_line import job_line, together
from tui_hub.tui.words.feed import FeedRow, about
from tui_hub.tui.words.plan import plan_text


def plain(pieces: object) -> str:
    """The text of some pieces."""
    return "".join(text for text, _ in pieces)  # type: ignore[attr-defined]


@given(
    st.lists(st.text(max_size=30), max_size=4),
    st.integers(0, 60),
    st.sampled_from(["left", "right"]),
)
def test_fit_gives_exactly_the_width(texts: list[str], width: int, align: str) -> None:
    pieces = fit([(text, "") for text in texts], width, align=align)
    assert width_of(pieces) == width
    assert not {"Cc", "Cf", "Cs"} & set(map(unicodedata.category, plain(pieces)))


@given(
    *[st.lists(st.tuples(st.text("ab日 ", max_size=6), st.sampled_from("xy")), max_size=5)] * 2,
    st.integers(1, 30),
)
def test_what_differs_is_all_that_must_be_painted(
    old: list[tuple[str, str]], new: list[tuple[str, str]], width: int
) -> None:
    before, after = fit(old, width), fit(new, width)
    start, end = difference(before, after)
    cells = _cells(before)
    cells[start:end] = _cells(after)[start:end]
    assert cells == _cells(after)
    assert (start, end) == (0, 0) or 0 <= start < end <= width


def test_one_digit_that_moves_is_one_cell() -> None:
    assert difference([("at 41 ", "x"), ("MB", "y")], [("at 42 ", "x"), ("MB", "y")]) == (4, 5)


def _cells(line: list[tuple[str, str]]) -> list[tuple[str, str, int]]:
    """What stands in each cell; a wide character stands in two."""
    return [
        (character, tone, half)
        for text, tone in line
        for character in text
        for half in range(width_of([(character, tone)]))
    ]


def test_a_cut_shows_a_sign_and_a_fit_does_not() -> None:
    assert plain(fit([("author/", "muted"), ("model", "strong")], 9)) == "author/m…"
    assert plain(fit([("author/", "muted"), ("model", "strong")], 12)) == "author/model"
    assert plain(fit([("日本語モデル", "")], 8)) == "日本語… "


def test_what_a_terminal_would_obey_is_not_drawn() -> None:
    assert "\x1b" not in safe("\x1b]52;c;aGk=\x07name\u202e")
    assert "\n" not in safe("two\nlines")


@given(st.floats(0, 1), st.integers(0, 40))
def test_bars_are_exactly_as_wide_as_asked(fraction: float, width: int) -> None:
    for glyphs in (UNICODE, ASCII):
        assert width_of(bar(fraction, width, glyphs)) == width
        assert width_of(line_bar(fraction, width, glyphs)) == width
    assert bar(1.0, width, UNICODE)[0][0] == "█" * width


def test_ranges_show_where_bytes_have_arrived() -> None:
    drawn = ranges_bar([(0, 40), (50, 60)], 100, 10, UNICODE)
    assert plain(drawn) == "━━━━─━────"
    partly = ranges_bar([(0, 5), (95, 96)], 100, 10, UNICODE)
    assert plain(partly) == "╍────────╍"
    assert plain(ranges_bar([(0, 100)], 100, 10, ASCII)) == "=========="
    assert plain(ranges_bar([], 100, 4, ASCII)) == "...."


def test_a_sparkline_is_scaled_to_its_largest_value() -> None:
    assert sparkline([0, 5, 10], 5, UNICODE) == "  ▁▅█"
    assert sparkline([0, 0], 2, UNICODE) == "▁▁"
    assert sparkline([], 3, UNICODE) == "   "
    assert sparkline([1, 2, 4, 8], 2, UNICODE) == "▅█"


def test_spread_keeps_the_right_side_whole() -> None:
    line = spread([("a very long name of a model", "")], [("12.0 GiB", "")], 20)
    assert plain(line) == "a very lon… 12.0 GiB"


COLUMNS: list[Column[str]] = [
    Column("Name", 0, lambda row: [(row, "")]),
    Column("Size", 8, lambda row: [("1.0 GiB", "")], align="right", rank=1),
    Column("Rare", 6, lambda row: [("x", "")], rank=2),
]


@pytest.mark.parametrize(("width", "titles"), [(60, 3), (40, 2), (20, 1), (3, 1)])
def test_columns_give_way_by_rank(width: int, titles: int) -> None:
    placed = layout(COLUMNS, width, 24)
    assert [column.title for column, _ in placed] == ["Name", "Size", "Rare"][:titles]
    assert width_of(header(placed, "…")) == width
    assert width_of(draw_row("a model", placed, "…")) == width


def test_rates_as_people_type_them() -> None:
    assert parse_rate("10M") == 10 * 1024**2
    assert parse_rate("512k") == 512 * 1024
    assert parse_rate("1.5 GiB/s") == round(1.5 * 1024**3)
    assert parse_rate("10MB/s") == 10_000_000
    assert parse_rate("4096") == 4096
    assert parse_rate("") == parse_rate("0") == 0
    with pytest.raises(UsageError, match="no speed"):
        parse_rate("fast")
    with pytest.raises(UsageError, match="would stall"):
        parse_rate("5")
    with pytest.raises(UsageError):
        parse_rate("9" * 400)


def test_long_lines_are_broken_between_words_and_lose_nothing() -> None:
    pieces = [
        ("damaged  ", "bad"),
        ("a" * 30 + " ", ""),
        ("it has another hash than it had", "muted"),
    ]
    lines = wrap(pieces, 24)
    assert all(width_of(line) <= 24 for line in lines)
    assert "".join(plain(line).strip() for line in lines).replace(" ", "") == (
        "damaged" + "a" * 30 + "ithasanotherhashthanithad"
    )
    assert all(plain(line).startswith("    ") for line in lines[1:])
    assert {tone for line in lines for _, tone in line} == {"bad", "", "muted"}
    assert wrap([("short", "")], 24) == [[("short", "")]]
    assert wrap([], 24) == [[]]
    assert all(width_of(line) <= 12 for line in wrap([("日本語" * 9, "")], 12))


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (24, ("hf:demo-lab/flux-schnell", "hf:a/b                  ")),
        (23, ("demo-lab/flux-schnell  ", "a/b                    ")),
        (20, ("flux-schnell        ", "b                   ")),
        (8, ("flux-sc…", "b       ")),
    ],
)
def test_the_ids_of_a_list_lose_source_and_author_together(
    width: int, shown: tuple[str, str]
) -> None:
    column: Column[str] = Column("Model", 0, lambda row: [(row, "strong")], model=lambda row: row)
    ids = ("hf:demo-lab/flux-schnell", "hf:a/b")
    placed = shorten(layout([column], width), ids)
    assert tuple(plain(draw_row(one, placed, "…")) for one in ids) == shown


def test_a_smaller_column_takes_the_room_that_a_larger_one_left() -> None:
    large: Column[str] = Column("Large", 12, lambda row: [("large", "")], rank=1)
    placed = layout([COLUMNS[0], large, COLUMNS[2]], 34, 24)
    assert [(column.title, width) for column, width in placed] == [("Name", 26), ("Rare", 6)]


def test_what_is_told_of_a_feed_goes_on_below_its_first_word() -> None:
    feed = Feed(name="hf:mine", source="hf", queries=(Query(search="a long search of words"),))
    status = FeedStatus(feed="hf:mine", requests=4, quota=Quota(left=2996, total=3000, seconds=60))
    lines = about(FeedRow(feed, status, ""), 3, 40).plain.splitlines()
    assert all(len(line) <= 40 for line in lines)
    at = next(number for number, line in enumerate(lines) if line.startswith("rate limit"))
    told = "4 of the 3 000 requests that are allowed were used; counted anew 1 min later"
    assert " ".join(part[12:].strip() for part in lines[at:]) == told
    assert all(line.startswith(" " * 12) for line in lines[at + 1 :])


@pytest.mark.parametrize(("promised", "shown"), [(0, False), (12 * 1024**3, True)])
def test_a_plan_tells_the_disk_before_and_after(promised: int, shown: bool) -> None:
    gib = 1024**3
    plan = Plan(
        model="hf:a/b", revision="1", files=(), bytes_total=3 * gib, bytes_to_transfer=3 * gib,
        bytes_deduplicated=0, bytes_resumed=0, disk_free=50 * gib, disk_reserved=promised,
        bytes_to_write=3 * gib,
    )  # fmt: skip
    lines = plan_text(plan, Content("fits"), UNICODE, 35, 30).plain.splitlines()
    assert "disk free 50.0 GiB → 47.0 GiB" in lines
    bar = next(line for line in lines if line.startswith("██"))
    assert len(bar) == 35 and ("▓" in bar) is shown
    assert any("running jobs" in line for line in lines) is shown
    assert any(line.endswith("12.0 GiB") for line in lines) is shown
    small = replace(plan, bytes_to_write=1024)
    assert "█ this" in plan_text(small, Content("fits"), UNICODE, 35, 30).plain
    assert any(line.startswith("█░") for line in
               plan_text(replace(small, disk_reserved=0), Content(""), UNICODE, 35, 30)
               .plain.splitlines())  # fmt: skip


@pytest.mark.parametrize(
    ("states", "word"),
    [
        (("completed", "verifying"), "verifying"),
        (("completed", "completed"), "saving"),
        (("downloading", "verifying"), "16.6 MiB/s"),
        (("completed", "waiting"), "16.6 MiB/s"),
        (("completed", "failed"), "16.6 MiB/s"),
    ],
)
def test_a_download_without_bytes_to_come_says_what_it_does(
    states: tuple[str, ...], word: str
) -> None:
    files = tuple(
        FileProgress(path=str(number), size=10, done=10, state=FileState(state))
        for number, state in enumerate(states)
    )
    download = Download(
        job="1", model="hf:a/b", revision=None, variant=None, status=JobStatus.RUNNING,
        files=files, bytes_total=20, done=20, speed=16.6 * 1024**2,
    )  # fmt: skip
    pace = "16.6 MiB/s"
    lines = [plain(job_line(download, width, UNICODE)) for width in (60, 80, 140)]
    for line in (*lines, download_line(download)):
        assert word in line
        assert word == pace or not any(one in line for one in (pace, "eta", "conn", "×"))
    assert ("0 B/s" in plain(together([download], UNICODE))) is (word != pace)
