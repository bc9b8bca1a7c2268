"""Text for people, and foreign text made safe."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_hub import text
from tui_hub.domain.errors import UsageError


@given(st.text(max_size=300))
def test_clean_text_holds_nothing_that_moves_a_cursor(foreign: str) -> None:
    cleaned = text.clean(foreign)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in cleaned)
    assert not set(cleaned) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200b\ufeff")
    assert cleaned.encode().decode() == cleaned


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("\x1b]52;c;ZXZpbA==\x07", "\ufffd]52;c;ZXZpbA==\ufffd"),
        ("a\x9b2Jb", "a\ufffd2Jb"),
        ("a\nb\tc", "a b c"),
        ("[/] [bold]", "[/] [bold]"),
        ("e" + "\u0301" * 50, "e\u0301\u0301"),
        ("日本語 🙂", "日本語 🙂"),
        (None, ""),
        (17, ""),
    ],
)
def test_clean(foreign: object, shown: str) -> None:
    assert text.clean(foreign) == shown


def test_a_cut_is_shown() -> None:
    assert text.clean("abcdef", 3) == "abc…"


def test_lines_stay_where_they_are_wanted() -> None:
    assert text.clean("a\n\tb\x1b", lines=True) == "a\n\tb\ufffd"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (14_388_000_000, "13.4 GiB"),
        (None, "-"),
        (2**60, "1024.0 PiB"),
    ],
)
def test_sizes(count: int | None, shown: str) -> None:
    assert text.size(count) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (65_712_117_003, 150_754_820_096, " 61.2/140.4 GiB"),
        (0, 64 << 30, " 0.0/64.0 GiB"),
        (64 << 30, 64 << 30, "64.0/64.0 GiB"),
        (400 << 30, 8 * 150_754_820_096, "0.39/1.10 TiB"),
        (5 << 30, 8 << 30, "5.00/8.00 GiB"),
        (0, 0, "0.00/0.00 B"),
    ],
)
def test_a_share_is_as_wide_whatever_it_is(part: int, whole: int, shown: str) -> None:
    assert text.share(part, whole) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (950, "950"),
        (31_400, "31.4k"),
        (1_900_000, "1.9M"),
        (999_999, "1.0M"),
        (None, "-"),
        (314_000, "314k"),
    ],
)
def test_counts(number: int | None, shown: str) -> None:
    assert text.count(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (12, "12 s"),
        (243, "4 min 3 s"),
        (120, "2 min"),
        (12_000, "3 h 20 min"),
        (300_000, "3 d"),
        (None, "-"),
        (-1, "-"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert text.duration(seconds) == shown


def test_ages() -> None:
    at = datetime(2026, 1, 2, 12, tzinfo=UTC)
    assert text.ago("2026-01-02T11:56:00Z", at=at) == "4 min ago"
    assert text.ago("2026-01-02T12:10:00Z", at=at) == "in 10 min"
    assert text.ago(None, at=at) == "never"
    assert text.ago("0000-00-00", at=at) == "never"


@given(st.floats(-1, 2, allow_nan=False), st.integers(0, 80))
def test_bars_have_their_width(fraction: float, width: int) -> None:
    assert len(text.bar(fraction, width)) == width
    assert len(text.bar(fraction, width, ascii_only=True)) == width


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("2026-11-20T02:00:00Z", "02:00Z"),
        ("2026-11-21T01:29:59Z", "01:29Z"),
        ("2026-11-21T02:00:00Z", "Sat 02:00Z"),
        ("2026-11-28T02:00:00Z", "2026-11-28"),
        ("2026-11-20T01:30:00Z", "due"),
        ("2020-01-01T00:00:00Z", "due"),
        (None, "-"),
        ("soon", "-"),
    ],
)
def test_times_to_come(moment: str | None, shown: str) -> None:
    assert text.clock(moment, at=datetime(2026, 11, 20, 1, 30, tzinfo=UTC)) == shown


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("0", 0),
        ("17", 17),
        ("1k", 1024),
        ("1.5G", 1610612736),
        (" 10 GiB ", 10 * 1024**3),
        ("2TB", 2 * 1000**4),
        ("10MB", 10_000_000),
        ("10 mib", 10 * 1024**2),
        ("10M", 10 * 1024**2),
        ("1P", 1024**5),
        ("8191P", 8191 * 1024**5),
        ("512 b", 512),
    ],
)
def test_sizes_as_people_type_them(words: str, size: int) -> None:
    assert text.parse_size(words) == size


@pytest.mark.parametrize(
    "words", ["", "G", "-1", "1x", "1e9", "²", "9" * 400, "1\x1b[2J", "8192P", "9" * 15 + "P"]
)
def test_what_is_no_size_is_told(words: str) -> None:
    with pytest.raises(UsageError) as caught:
        text.parse_size(words)
    assert caught.value.message.isprintable()
