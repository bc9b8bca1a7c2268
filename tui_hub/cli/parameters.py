"""Kinds of values that several verbs take."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

from tui_hub.domain.types import ModelType


class _ModelType(click.Choice[str]):
    """One of the types of models, by the name that the contract gives it."""

    def __init__(self) -> None:
        super().__init__([kind.value for kind in ModelType])

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> ModelType:
        return ModelType(super().convert(value, param, ctx))


class _Size(click.ParamType[int]):
    """A number of bytes, as a person writes it."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        from tui_hub.text import parse_size

        return parse_size(str(value))


SIZE = _Size()
"""Bytes, in binary units."""

_AGE = re.compile(r"(\d{1,5})\s*(min|m|h|d|w)")
_UNITS = {"min": "minutes", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class _Moment(click.ParamType[str]):
    """A time, as ISO 8601 in UTC: typed as a date, a time, or an age such as `12h`, `7d`, `2w`."""

    name = "when"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        from tui_hub import text

        given = str(value).strip()
        if age := _AGE.fullmatch(given):
            return text.stamp(datetime.now(UTC) - timedelta(**{_UNITS[age[2]]: int(age[1])}))
        moment = text.parse_time(given)
        if moment is None:
            self.fail(f"{given[:40]!r} is no time; give a date, or an age such as 7d", param, ctx)
        return text.stamp(moment)


MOMENT = _Moment()
"""A date, a time, or an age."""

MODEL_TYPE = _ModelType()
