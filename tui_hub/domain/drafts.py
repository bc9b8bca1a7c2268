"""Frozen records made at the price of open ones, for lists of millions."""

from __future__ import annotations

from dataclasses import field, fields, make_dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_T = TypeVar("_T", bound="DataclassInstance")


def draft_of(frozen: type[_T]) -> type[_T]:
    """A twin of a frozen dataclass with slots: the same fields and defaults, but open.

    A frozen class sets each of its fields by a call, which costs three times as much as all the
    rest of making it. What the twin makes is filled at once, and is frozen from the moment that
    its `__class__` is set to the frozen class.
    """
    twins = [
        (
            each.name,
            each.type,
            field(default=each.default, default_factory=each.default_factory, kw_only=each.kw_only),
        )
        for each in fields(frozen)
    ]
    return make_dataclass(frozen.__name__, twins, slots=True, eq=False, repr=False)
