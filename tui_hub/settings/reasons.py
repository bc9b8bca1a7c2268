"""What msgspec finds wrong with a value, in the words of a person who writes settings."""

from __future__ import annotations

import re
from typing import Literal, get_args, get_origin

import msgspec

from tui_hub.settings.keys import keys
from tui_hub.settings.sections import Settings

_BOUND = re.compile(r"Expected `(?:int|float)` ([<>]=?) (\S+?)(?:\.0)?")
"""What it says of a number that is too small or too large."""
_BOUNDS = {"<=": "at most", ">=": "at least", ">": "more than", "<": "less than"}
_KIND = re.compile(r"Expected `([a-z |]+)`(?:, got `([a-z]+)`)?")
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "array": "a list",
    "object": "a table",
}
_CHOICE = re.compile(r"Invalid enum value (.+)")


def kind_of(key: str) -> object:
    """The type of a setting by its key; `None` for what is no setting of its own."""
    if key not in keys():
        return None
    section, _, name = key.partition(".")
    fields = msgspec.structs.fields(getattr(Settings(), section))
    return next(one.type for one in fields if one.name == name)


def reason(error: str, kind: object = None) -> str:
    """Why a value is none: what msgspec says, without the place.

    Args:
        error: its words.
        kind: the type of the setting, where that is known.
    """
    if get_origin(kind) is Literal:
        return f"it is one of {', '.join(map(str, get_args(kind)))}"
    if bound := _BOUND.fullmatch(error):
        return f"it is {_BOUNDS[bound[1]]} {bound[2]}"
    if wanted := _KIND.fullmatch(error):
        names = " or ".join(_KINDS.get(one, one) for one in wanted[1].split(" | "))
        got = f", not {_KINDS.get(wanted[2], wanted[2])}" if wanted[2] else ""
        return f"{names} is wanted{got}"
    if choice := _CHOICE.fullmatch(error):
        return f"there is no {choice[1]} to choose"
    return error.replace("`", "")
