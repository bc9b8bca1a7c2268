"""The order of an answer as SQL: in which parts it is walked, and where a page of it ended."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tui_hub.domain.catalogue import Sort
from tui_hub.domain.errors import UsageError
from tui_hub.domain.frozen import dataclass

_KEYS = {
    Sort.LIKES: "likes",
    Sort.TRENDING: "trending",
    Sort.UPDATED: "last_modified",
    Sort.SIZE: "size",
    Sort.PARAMS: "params",
    Sort.FIT: "size",
}
_NOTHING: dict[Sort, str | int] = {Sort.UPDATED: ""}
"""The value of a column that counts as none; 0 for all others."""
_RISING = (Sort.NAME, Sort.FIT)
_LAST = 2**63 - 1
"""The key of rows without a value where the least come first."""

Key = int | float | str

_Rank = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Part = Annotated[int, msgspec.Meta(ge=0, le=2)]
_read_part = msgspec.json.Decoder(tuple[_Part, _Rank]).decode
_read_text = msgspec.json.Decoder(tuple[str, _Rank]).decode
_read_number = msgspec.json.Decoder(tuple[_Rank | float, _Rank]).decode


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: its sort key, or the part of the answer it stood in, and its rank."""

    key: Key
    rank: int

    def __str__(self) -> str:
        return msgspec.json.encode((self.key, self.rank)).decode()

    @classmethod
    def parse(cls, text: str | None, sort: Sort) -> Cursor | None:
        """Read the `after` of a page in this order.

        Raises:
            UsageError: when it is none.
        """
        if text is None:
            return None
        try:
            if sort is Sort.DOWNLOADS:
                return cls(*_read_part(text))
            if sort in (Sort.NAME, Sort.UPDATED):
                return cls(*_read_text(text))
            return cls(*_read_number(text))
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            raise UsageError("this is not the key of a page") from None


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of an answer that a single query walks."""

    where: str
    arguments: tuple[object, ...] = ()
    order: str = "models.rank"
    key: str = "0"
    """The SQL of a row's sort key, for the cursor."""
    mark: str | None = None
    """A word under which the index finds all of it, in place of the words that were typed."""


def sorted_part(sort: Sort, cursor: Cursor | None) -> Part:
    """All hits of the index in the order of a column: they have to be sorted."""
    after, direction = _direction(sort)
    if sort is Sort.NAME:
        column = "models.name COLLATE NOCASE"
    else:
        name, nothing = f"models.{_KEYS[sort]}", _NOTHING.get(sort, 0)
        column = f"coalesce({name}, {nothing!r})"
        if sort in _RISING:
            column = f"iif({column} > {nothing!r}, {name}, {_LAST})"
    order = f"{column}{direction}, models.rank"
    if cursor is None:
        return Part("1", (), order, column)
    where = f"({column} {after} ? OR ({column} = ? AND models.rank > ?))"
    return Part(where, (cursor.key, cursor.key, cursor.rank), order, column)


def walked_parts(sort: Sort, cursor: Cursor | None) -> list[Part]:
    """The whole catalogue in the order of a column, along that column's index.

    The indexes leave out the rows without a value, which follow by rank.
    """
    if sort is Sort.DOWNLOADS:
        return [_by_rank("1", cursor)]
    if sort is Sort.NAME:
        return _walked(sort, "models.name COLLATE NOCASE", "1", cursor)
    column = f"models.{_KEYS[sort]}"
    nothing = _NOTHING.get(sort, 0)
    last = _LAST if sort in _RISING else nothing
    some = f"{column} > {nothing!r}"
    none = f"({column} IS NULL OR {column} <= {nothing!r})"
    if cursor is not None and cursor.key == last:
        return [_by_rank(none, cursor, repr(last))]
    return [*_walked(sort, column, some, cursor), _by_rank(none, None, repr(last))]


def _direction(sort: Sort) -> tuple[str, str]:
    """How a later key compares with an earlier one, and what SQL calls that order."""
    return (">", "") if sort in _RISING else ("<", " DESC")


def _walked(sort: Sort, column: str, some: str, cursor: Cursor | None) -> list[Part]:
    after, direction = _direction(sort)
    order = f"{column}{direction}, models.rank"
    if cursor is None:
        return [Part(some, (), order, column)]
    return [
        Part(
            f"{some} AND {column} = ? AND models.rank > ?",
            (cursor.key, cursor.rank),
            "models.rank",
            column,
        ),
        Part(f"{some} AND {column} {after} ?", (cursor.key,), order, column),
    ]


def _by_rank(where: str, cursor: Cursor | None, key: str = "0") -> Part:
    if cursor is None:
        return Part(where, key=key)
    return Part(f"{where} AND models.rank > ?", (cursor.rank,), key=key)
