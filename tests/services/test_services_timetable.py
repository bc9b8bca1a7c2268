"""The rules of the schedule, with no clock but the one that is handed in."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from tui_hub.domain.feeds import Feed, FeedState, FeedStatus
from tui_hub.domain.schedule import Turn
from tui_hub.services.sync.timetable import Timetable
from tui_hub.settings import SyncSettings
from tui_hub.text import parse_time, stamp

NOW = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEEDS = (
    Feed(name="hf:random", source="hf"),
    Feed(name="hf:daily", source="hf", schedule="0 2 * * *"),
    Feed(name="hf:wrong", source="hf", schedule="61 * * * *"),
    Feed(name="hf:off", source="hf", enabled=False),
)


def table(**settings: object) -> Timetable:
    return Timetable(SyncSettings(**settings), FEEDS, lambda: 0.5)  # type: ignore[arg-type]


def known(
    feed: str = "hf:random",
    at: timedelta | None = None,
    retries: int = 0,
    state: FeedState = FeedState.COMPLETED,
) -> FeedStatus:
    next_run = None if at is None else stamp(NOW + at)
    return FeedStatus(feed=feed, state=state, next_run=next_run, retries=retries)


def ahead(turn: Turn) -> timedelta:
    """How far a turn is away."""
    moment = parse_time(turn.next_run)
    assert moment is not None
    return moment - NOW


def test_random_turns_are_spread_over_three_to_four_hours() -> None:
    drawn = Timetable(SyncSettings(), FEEDS, random.Random(1).random)
    gaps = [ahead(drawn.regular("hf:random", NOW)) for _ in range(2000)]
    assert 3 * HOUR <= min(gaps) < 3.01 * HOUR
    assert 3.99 * HOUR < max(gaps) <= 4 * HOUR
    for part in range(4):
        low = (3 + part / 4) * HOUR
        assert 400 < sum(low <= gap < low + HOUR / 4 for gap in gaps) < 600


def test_a_cron_feed_has_its_own_times() -> None:
    assert table().regular("hf:daily", NOW).next_run == "2026-11-20T02:00:00Z"
    assert table().regular("hf:daily", NOW + HOUR / 2).next_run == "2026-11-21T02:00:00Z"


@pytest.mark.parametrize("feed", ["hf:wrong", "hf:off", "hf:unknown"])
def test_some_feeds_have_no_turn(feed: str) -> None:
    assert table().regular(feed, NOW) == Turn()
    assert table().ended(known(feed), True, NOW) == Turn()
    assert table().checked(known(feed, HOUR, 2), NOW, 0.0) == Turn()
    assert not table().is_due(known(feed), NOW)


def test_no_feed_has_a_turn_where_the_schedule_is_off() -> None:
    assert table(enabled=False).regular("hf:random", NOW) == Turn()
    assert not table(enabled=False).is_due(known(), NOW)


def test_a_wrong_schedule_is_said_with_its_feed() -> None:
    problem = table().problems["hf:wrong"]
    assert problem.message == (
        "the schedule '61 * * * *' of hf:wrong is wrong: '61' is no minute (0 to 59)"
    )
    assert problem.hint is not None
    assert list(table().problems) == ["hf:wrong"]


def test_a_failed_feed_has_three_retries_and_then_its_next_turn() -> None:
    status = known(state=FeedState.FAILED)
    for number in (1, 2, 3):
        turn = table().ended(status, True, NOW)
        assert (turn.retries, ahead(turn)) == (number, timedelta(seconds=60))
        status = known(retries=turn.retries, state=FeedState.FAILED)
    turn = table().ended(status, True, NOW)
    assert (turn.retries, ahead(turn)) == (0, 3.5 * HOUR)


def test_a_success_ends_the_retries() -> None:
    assert table().ended(known(retries=2), False, NOW).retries == 0


def test_retries_are_settings() -> None:
    assert table(retries=0).ended(known(), True, NOW).retries == 0
    assert ahead(table(retry_delay=5.0).ended(known(), True, NOW)) == timedelta(seconds=5)


def test_a_fraction_of_a_second_never_brings_a_turn_forward() -> None:
    late = NOW + timedelta(milliseconds=1)
    assert ahead(table().ended(known(), True, late)) == timedelta(seconds=61)


@pytest.mark.parametrize("state", [FeedState.NEVER, FeedState.RUNNING])
def test_what_was_never_finished_is_due_at_the_start(state: FeedState) -> None:
    status = known(at=HOUR, state=state)
    assert table().begun(status, NOW) == Turn()
    assert table().is_due(FeedStatus(feed="hf:random", state=state), NOW)


@pytest.mark.parametrize("state", [FeedState.COMPLETED, FeedState.PARTIAL, FeedState.SKIPPED])
def test_what_was_finished_keeps_its_turn_at_the_start(state: FeedState) -> None:
    assert ahead(table().begun(known(at=HOUR, state=state), NOW)) == HOUR


def test_what_is_overdue_is_due() -> None:
    for overdue in (known(at=-7 * 24 * HOUR), known(at=timedelta()), known("hf:daily", at=-HOUR)):
        assert table().is_due(overdue, NOW)
        assert table().begun(overdue, NOW).next_run == overdue.next_run
    assert not table().is_due(known(at=timedelta(seconds=1)), NOW)


def test_a_clock_set_back_does_not_lengthen_an_interval() -> None:
    assert ahead(table().checked(known(at=2 * HOUR), NOW, 3600.0)) == HOUR
    assert ahead(table().checked(known(at=HOUR, retries=1), NOW, 3590.0)) == timedelta(seconds=10)


@pytest.mark.parametrize("years", [1, 12, 3000])
def test_a_turn_from_a_clock_that_was_far_ahead_is_drawn_anew(years: int) -> None:
    far = years * 365 * 24 * HOUR
    assert ahead(table().checked(known(at=far), NOW, 0.0)) == 3.5 * HOUR
    assert ahead(table().checked(known(at=far, retries=2), NOW, 0.0)) == timedelta(seconds=60)
    assert ahead(table().checked(known("hf:daily", at=far), NOW, 0.0)) == HOUR / 2


def test_a_turn_from_other_settings_is_set_right() -> None:
    assert ahead(table().checked(known("hf:daily", at=HOUR / 4), NOW, 0.0)) == HOUR / 2
    assert ahead(table(interval_min=60.0, interval_max=60.0).checked(known(at=HOUR), NOW, 0.0)) == (
        timedelta(seconds=60)
    )


def test_a_turn_that_is_right_stays() -> None:
    for right in (known(at=4 * HOUR), known(at=timedelta(seconds=60), retries=3)):
        assert table().checked(right, NOW, 0.0).next_run == right.next_run


@pytest.mark.parametrize("text", ["", "soon", "9999-99-99"])
def test_a_turn_that_is_no_time_is_due(text: str) -> None:
    assert table().is_due(FeedStatus(feed="hf:random", next_run=text), NOW)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "random 3-4 h"),
        ({"interval_min": 60.0, "interval_max": 60.0}, "every 1 min"),
        ({"interval_min": 1800.0}, "random 30 min-4 h"),
        ({"interval_min": 5400.0}, "random 1 h 30 min-4 h"),
    ],
)
def test_the_interval_in_words(settings: dict[str, float], words: str) -> None:
    assert table(**settings).words("hf:random") == words
    assert table(**settings).expression("hf:random") == words


def test_a_cron_expression_in_words() -> None:
    assert table().words("hf:daily") == "daily 02:00Z"
    assert table().expression("hf:daily") == "0 2 * * *"
    assert table().words("hf:wrong") == "61 * * * *"
