"""Numbers out of foreign configurations, which may hold anything."""

from __future__ import annotations

from collections.abc import Mapping

MOST = 1_000_000
"""Beyond this a number in a configuration is a trick."""

Told = Mapping[str, object]
"""What a configuration tells, by its keys."""


def count(value: object) -> int | None:
    """A count that makes sense, zero included; some write `2.0` for two."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    counts = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
    return value if counts and isinstance(value, int) else None


def number(told: Told, *names: str) -> int | None:
    """The first of these keys that holds a number above zero."""
    for name in names:
        found = count(told.get(name))
        if found:
            return found
    return None


def part(told: Told, *names: str) -> Told:
    """The first of these keys that holds further keys; empty where none does."""
    for name in names:
        inner = told.get(name)
        if isinstance(inner, Mapping):
            return inner
    return {}


def items(told: Told, name: str) -> list[object]:
    """A list of something for each layer; empty where there is none."""
    found = told.get(name)
    return list(found)[:MOST] if isinstance(found, list | tuple) else []
