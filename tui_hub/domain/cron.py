"""Cron expressions of five fields, read as crontab(5) tells them, and always in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from tui_hub.domain.errors import UsageError
from tui_hub.domain.frozen import dataclass

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ITEM = re.compile(r"(?:\*|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:/([0-9]{1,2}))?", re.ASCII)
_LONGEST_DAYS = 40 * 366
"""The 29th of February on one weekday may be 40 years away."""
_HINT = 'Five fields in UTC: minute, hour, day, month, weekday; "0 2 * * *" is daily at 02:00.'


@dataclass(frozen=True, slots=True)
class _Field:
    """What may stand in one field of an expression."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()
    """Names for the numbers from `low` on."""


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("weekday", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """The times that an expression names."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either: bool
    """Whether the day or the weekday is enough: so it is when the expression limits both."""

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Read an expression.

        Raises:
            UsageError: saying which field is wrong, or that no day ever matches.
        """
        given = text.lower().split()
        if len(given) != len(_FIELDS):
            raise UsageError(f"it has {len(given)} fields in place of five", hint=_HINT)
        minutes, hours, days, months, weekdays = map(_numbers, _FIELDS, given)
        cron = cls(
            minutes=tuple(sorted(minutes)),
            hours=tuple(sorted(hours)),
            days=days,
            months=months,
            weekdays=frozenset(number % 7 for number in weekdays),
            either=not (given[2].startswith("*") or given[4].startswith("*")),
        )
        cron.after(datetime(2000, 1, 1, tzinfo=UTC))
        return cron

    def after(self, moment: datetime) -> datetime:
        """The first time later than a moment.

        Raises:
            UsageError: when there is none.
        """
        earliest = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for ahead in range(_LONGEST_DAYS):
            day = earliest.date() + timedelta(days=ahead)
            if self._names(day):
                for time in self._times(day):
                    if time >= earliest:
                        return time
        raise UsageError("no day ever matches it", hint=_HINT)

    @property
    def words(self) -> str | None:
        """The expression in words for people, where it names one time of every day."""
        every = (len(self.days), len(self.months), len(self.weekdays)) == (31, 12, 7)
        if not every or len(self.hours) != 1 or len(self.minutes) != 1:
            return None
        return f"daily {self.hours[0]:02}:{self.minutes[0]:02}Z"

    def _names(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_day or by_weekday if self.either else by_day and by_weekday

    def _times(self, day: date) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                yield datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def _numbers(field: _Field, text: str) -> frozenset[int]:
    """The numbers that one field names."""
    numbers: set[int] = set()
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise _wrong(field, item)
        first, last, step = match.groups()
        low = field.low if first is None else _number(field, first)
        high = field.high if first is None or (step and not last) else low
        high = high if last is None else _number(field, last)
        if high < low or step in ("0", "00"):
            raise _wrong(field, item)
        numbers.update(range(low, high + 1, int(step or 1)))
    return frozenset(numbers)


def _number(field: _Field, text: str) -> int:
    if text in field.words:
        return field.low + field.words.index(text)
    if not text.isdecimal() or not field.low <= int(text[:9]) <= field.high:
        raise _wrong(field, text)
    return int(text)


def _wrong(field: _Field, text: str) -> UsageError:
    return UsageError(f"{text[:20]!r} is no {field.name} ({field.low} to {field.high})", hint=_HINT)
