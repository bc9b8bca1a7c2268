"""The keys of the settings, `section.name` each, and the way out where a file has another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec

from tui_hub.domain.errors import NotFoundError
from tui_hub.settings.sections import Settings
from tui_hub.text import clean

OWN = ("feeds", "hooks", "keys")
"""Sections whose keys are names of the user's."""
_OWN_PARTS = ("runtime.commands",)
"""Tables within a section of which the same is true."""
_WAYS = {
    "feeds": "`tui-hub feeds edit` changes feeds.",
    "keys": 'Write it below [keys] in the settings file: quit = "ctrl+x", or "none" for no key.',
}
"""What to do about a key in such a table."""
_UNKNOWN = re.compile(r"Object contains unknown field `([\w-]+)`", re.ASCII)


def sections() -> tuple[str, ...]:
    """The names of all sections."""
    return tuple(section.name for section in msgspec.structs.fields(Settings))


def keys() -> tuple[str, ...]:
    """The keys of all settings."""
    return tuple(
        f"{section}.{one.name}"
        for section in sections()
        if section not in OWN
        for one in msgspec.structs.fields(getattr(Settings(), section))
        if f"{section}.{one.name}" not in _OWN_PARTS
    )


def section_and_name(key: str) -> tuple[str, str]:
    """The section and the name of a key.

    Raises:
        NotFoundError: when there is no such setting.
    """
    if key in keys():
        section, _, name = key.partition(".")
        return section, name
    section = key.partition(".")[0]
    if section in OWN or key.startswith(_OWN_PARTS):
        what = _WAYS.get(section, "The README tells.")
        raise NotFoundError(
            f"{clean(key, 80)!r} is no setting of its own but a part of a table",
            hint=f"{what} `tui-hub config` lists the settings.",
        )
    near = nearest(key, keys())
    meant = f"Did you mean {near}? " if near else ""
    raise NotFoundError(
        f"there is no setting {clean(key, 80)!r}", hint=f"{meant}`tui-hub config` lists them."
    )


def nearest(key: str, among: Sequence[str]) -> str | None:
    """The one that is most like this key, where any is."""
    near = get_close_matches(key, among, 1, 0.5)
    return near[0] if near else None


def stands_astray(document: Mapping[str, Any], key: str) -> bool:
    """Whether a settings file has this though it is no setting, nor a table of the user's own."""
    section, dot, name = key.partition(".")
    if not dot:
        found = section in document
        return found and not (section in sections() and isinstance(document[section], dict))
    table = document.get(section)
    there = isinstance(table, dict) and name in table
    return there and section not in OWN and key not in (*keys(), *_OWN_PARTS)


def unknown_key(error: str) -> str | None:
    """The key that is no setting, where msgspec's error is about one."""
    what, _, place = error.partition(" - at `$")
    unknown = _UNKNOWN.fullmatch(what)
    return f"{place.strip('.`')}.{unknown[1]}".lstrip(".") if unknown else None


def blamed(error: str) -> str | None:
    """The key that msgspec's error is about, where it can be taken out by itself."""
    what, _, place = error.partition(" - at `$")
    place = place.strip(".`")
    if unknown := unknown_key(error):
        return None if "[" in unknown else unknown
    if what.startswith("Expected") and place in sections():
        return place
    # Of values that only fit together the message names one first.
    for key in (place.partition("[")[0], f"{place}.{what.partition(' ')[0]}"):
        if key in keys():
            return key
    return None
