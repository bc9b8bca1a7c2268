"""Cron expressions, against crontab(5) and against another reader of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_hub.domain.cron import Cron
from tui_hub.domain.errors import UsageError

FRIDAY = datetime(2026, 11, 20, 1, 30, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "first", "second"),
    [
        ("0 2 * * *", "2026-11-20 02:00", "2026-11-21 02:00"),
        ("30 1 * * *", "2026-11-21 01:30", "2026-11-22 01:30"),
        ("*/20 * * * *", "2026-11-20 01:40", "2026-11-20 02:00"),
        ("5-15/5 22,23 * * *", "2026-11-20 22:05", "2026-11-20 22:10"),
        ("50/5 1 * * *", "2026-11-20 01:50", "2026-11-20 01:55"),
        ("0 0 * * 0", "2026-11-22 00:00", "2026-11-29 00:00"),
        ("0 0 * * 7", "2026-11-22 00:00", "2026-11-29 00:00"),
        ("0 0 * * Mon-Wed", "2026-11-23 00:00", "2026-11-24 00:00"),
        ("0 0 1 jan *", "2027-01-01 00:00", "2028-01-01 00:00"),
        ("0 0 31 * *", "2026-12-31 00:00", "2027-01-31 00:00"),
        ("0 0 29 2 *", "2028-02-29 00:00", "2032-02-29 00:00"),
        ("0 0 13 * fri", "2026-11-27 00:00", "2026-12-04 00:00"),  # either is enough
        ("0 0 */13 * fri", "2026-11-27 00:00", "2027-01-01 00:00"),  # both are needed
    ],
)
def test_the_times_of_an_expression(expression: str, first: str, second: str) -> None:
    cron = Cron.parse(expression)
    found = cron.after(FRIDAY)
    assert f"{found:%Y-%m-%d %H:%M}" == first
    assert f"{cron.after(found):%Y-%m-%d %H:%M}" == second
    assert found.tzinfo is UTC


def test_the_zone_of_the_question_does_not_matter() -> None:
    elsewhere = FRIDAY.astimezone(timezone(timedelta(hours=-9)))
    assert Cron.parse("0 2 * * *").after(elsewhere) == datetime(2026, 11, 20, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "0 fields in place of five"),
        ("0 2 * *", "4 fields in place of five"),
        ("60 * * * *", "'60' is no minute (0 to 59)"),
        ("* 24 * * *", "'24' is no hour (0 to 23)"),
        ("* * 0 * *", "'0' is no day of the month (1 to 31)"),
        ("* * * 13 *", "'13' is no month (1 to 12)"),
        ("* * * * 8", "'8' is no weekday (0 to 7)"),
        ("* * * * xyz", "'xyz' is no weekday (0 to 7)"),
        ("*/0 * * * *", "'*/0' is no minute"),
        ("9-5 * * * *", "'9-5' is no minute"),
        ("1,,2 * * * *", "'' is no minute"),
        ("٣ * * * *", "'٣' is no minute"),
        ("-1 * * * *", "'-1' is no minute"),
        ("99999999999999999999999 * * * *", "'99999999999999999999' is no minute"),
        ("0 0 31 2 *", "no day ever matches it"),
    ],
)
def test_what_is_wrong_is_said(expression: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as wrong:
        Cron.parse(expression)
    assert "minute, hour, day, month, weekday" in (wrong.value.hint or "")


@pytest.mark.parametrize(
    ("expression", "words"),
    [("0 2 * * *", "daily 02:00Z"), ("0 2 * * 1-5", None), ("*/5 2 * * *", None)],
)
def test_daily_ones_have_words(expression: str, words: str | None) -> None:
    assert Cron.parse(expression).words == words


def a_field(low: int, high: int) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    ranges = st.tuples(numbers, numbers).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.integers(1, high - low).map(lambda step: f"*/{step}")
    return st.one_of(st.just("*"), numbers.map(str), ranges, steps)


@settings(max_examples=150, deadline=None)
@given(
    minute=a_field(0, 59),
    hour=a_field(0, 23),
    day=a_field(1, 28),
    month=a_field(1, 12),
    moment=st.datetimes(datetime(2024, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)),
)
def test_another_reader_finds_the_same_times(
    minute: str, hour: str, day: str, month: str, moment: datetime
) -> None:
    """APScheduler counts weekdays from Monday and wants day and weekday both, so without those."""
    expression = f"{minute} {hour} {day} {month} *"
    ours, theirs = Cron.parse(expression), CronTrigger.from_crontab(expression, UTC)
    for _ in range(3):
        found = ours.after(moment)
        assert found == theirs.get_next_fire_time(None, moment + timedelta(microseconds=1))
        moment = found
