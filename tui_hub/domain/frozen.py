"""Frozen dataclasses that are made in a third of the time.

Python's own writes six methods of each as source and compiles them, and every start of the program
makes a hundred of them. Here all share what need not be compiled; only `__init__` is.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass
else:
    _T = TypeVar("_T")

    def dataclass(
        *, frozen: Literal[True], slots: Literal[True], kw_only: bool = False
    ) -> Callable[[type[_T]], type[_T]]:
        """Make a class a dataclass that is frozen and has slots."""

        def make(cls: type[_T]) -> type[_T]:
            bare = dataclasses.dataclass(
                init=False, repr=False, eq=False, slots=True, kw_only=kw_only
            )
            made = bare(cls)
            methods = {"__init__": _init(made), **_comparing(made), **_SHARED}
            for name in methods.keys() - vars(cls).keys():
                setattr(made, name, methods[name])
            return made

        return make


def _init(cls: type[Any]) -> Any:
    """What sets the fields of a new object, each by its slot."""
    known: dict[str, Any] = {"MISSING": MISSING}
    places: list[str] = []
    named: list[str] = []
    lines: list[str] = []
    for one in dataclasses.fields(cls):
        name = one.name
        known[f"set_{name}"] = getattr(cls, name).__set__
        told, value = name, name
        if one.default is not MISSING:
            known[f"default_{name}"] = one.default
            told = f"{name}=default_{name}"
        elif one.default_factory is not MISSING:
            known[f"make_{name}"] = one.default_factory
            told = f"{name}=MISSING"
            value = f"make_{name}() if {name} is MISSING else {name}"
        (named if one.kw_only else places).append(told)
        lines.append(f"set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    arguments = ", ".join(["self", *places, *(["*", *named] if named else [])])
    body = "\n ".join(lines or ["pass"])
    exec(f"def __init__({arguments}):\n {body}", known)  # noqa: S102 - our own names alone
    return known["__init__"]


def _comparing(cls: type[Any]) -> dict[str, Any]:
    """How two objects of a class are compared, and one is hashed."""
    names = [one.name for one in dataclasses.fields(cls) if one.compare]
    values: Callable[[Any], Any] = attrgetter(*names) if names else type

    def equal(self: Any, other: object) -> bool:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    def hashed(self: Any) -> int:
        return hash(values(self))

    return {"__eq__": equal, "__hash__": hashed}


def _repr(self: Any) -> str:
    shown = (one.name for one in dataclasses.fields(self) if one.repr)
    inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
    return f"{type(self).__qualname__}({inside})"


def _set(self: Any, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in dataclasses.fields(self)]


def _take_state(self: Any, state: list[Any]) -> None:
    for one, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)


_SHARED = {
    "__repr__": _repr,
    "__setattr__": _set,
    "__delattr__": _delete,
    "__getstate__": _state,
    "__setstate__": _take_state,
}
