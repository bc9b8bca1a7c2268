"""The dataclasses of the program beside Python's own."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from typing import Any

import pytest

from tui_hub.domain import frozen

Maker = Callable[..., Callable[[type[Any]], type[Any]]]
BOTH = pytest.mark.parametrize("maker", [dataclasses.dataclass, frozen.dataclass])


def made(maker: Maker) -> type[Any]:
    """A class of every kind of field, that inherits one."""

    @maker(frozen=True, slots=True)
    class Base:
        """What comes first."""

        name: str

    @maker(frozen=True, slots=True, kw_only=True)
    class Record(Base):
        """What has all kinds of fields."""

        size: int = 0
        tags: dict[str, int] = field(default_factory=dict)
        secret: str = field(default="", repr=False)
        rank: float = field(default=0.0, compare=False)

        @property
        def twice(self) -> int:
            """Something worked out."""
            return self.size * 2

    return Record


@BOTH
def test_they_are_made_and_compared(maker: Maker) -> None:
    record = made(maker)
    one = record("a", size=3, secret="s")
    assert (one.name, one.size, one.tags, one.rank, one.twice) == ("a", 3, {}, 0.0, 6)
    assert one == record("a", size=3, secret="s", rank=9.0) != record("b", size=3, secret="s")
    assert one != ("a", 3, {}, "s")
    assert one.tags is not record("a").tags
    assert repr(one).endswith("Record(name='a', size=3, tags={}, rank=0.0)")
    assert list(inspect.signature(record).parameters) == ["name", "size", "tags", "secret", "rank"]


@BOTH
def test_they_are_hashed_by_what_they_are_compared_by(maker: Maker) -> None:
    @maker(frozen=True, slots=True)
    class Pair:
        """Two things."""

        left: str
        right: tuple[int, ...] = ()
        note: str = field(default="", compare=False)

    @maker(frozen=True, slots=True)
    class Empty:
        """Nothing."""

    assert len({Pair("a"), Pair("a", note="b"), Pair("a", (1,)), Empty(), Empty()}) == 3
    assert Empty() == Empty()


@BOTH
def test_nobody_changes_them(maker: Maker) -> None:
    one = made(maker)("a")
    with pytest.raises(FrozenInstanceError):
        one.size = 4
    with pytest.raises(FrozenInstanceError):
        del one.size
    with pytest.raises((FrozenInstanceError, TypeError, AttributeError)):
        one.other = 4
    assert not hasattr(one, "__dict__")


@BOTH
def test_missing_and_unknown_fields_are_refused(maker: Maker) -> None:
    record = made(maker)
    for arguments, named in (((), {}), (("a", 3), {}), (("a",), {"other": 1})):
        with pytest.raises(TypeError, match="argument"):
            record(*arguments, **named)


@BOTH
def test_the_tools_of_dataclasses_take_them(maker: Maker) -> None:
    one = made(maker)("a", tags={"b": 1})
    assert dataclasses.is_dataclass(one)
    assert dataclasses.replace(one, size=5).size == 5
    assert dataclasses.asdict(one)["tags"] == {"b": 1}
    match one:
        case object(name="a", size=size):
            assert size == 0
    other = copy.deepcopy(one)
    assert other == one and other.tags is not one.tags and copy.copy(one) == one


@frozen.dataclass(frozen=True, slots=True)
class Kept:
    """What goes to another process."""

    name: str
    places: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("it needs a name")


def test_they_go_to_another_process_and_look_at_themselves() -> None:
    one = Kept("a", (1, 2))
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(ValueError, match="a name"):
        Kept("")
