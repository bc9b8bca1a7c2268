"""Which entry of a table of the user's own an error is about: msgspec tells no names of entries."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tui_hub.text import clean

ENTRY = "[...]"
"""What msgspec writes in the place of a name."""
_AT = " - at `$"
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

Document = Mapping[str, Any]
"""What a settings file holds."""


def naming_entries(error: str, document: Document, why: Callable[[Document], str | None]) -> str:
    """An error with the names of the entries that it is about, as the file writes them.

    Args:
        error: msgspec's words about the document.
        document: the document.
        why: its words about another document; `None` where nothing is wrong with that.
    """
    what, _, place = error.partition(_AT)
    before, *others = place.split(ENTRY)
    way: list[str] = []
    named = before
    for after in others:
        way += [part for part in before.strip("`").split(".") if part]
        for name in _names(document, way):
            alone = _with_one(document, way, name)
            if why(alone) == error:
                break
        else:
            return error
        document = alone
        way.append(name)
        named += f".{_written(name)}{after}"
        before = after
    return f"{what}{_AT}{named}" if others else error


def _names(document: Document, way: Sequence[str]) -> tuple[str, ...]:
    table: Any = document
    for name in way:
        table = table.get(name) if isinstance(table, Mapping) else None
    return tuple(table) if isinstance(table, Mapping) else ()


def _with_one(document: Document, way: Sequence[str], name: str) -> Document:
    """The document with no other entry in the table at the end of a way."""
    if not way:
        return {name: document[name]}
    return {**document, way[0]: _with_one(document[way[0]], way[1:], name)}


def _written(name: str) -> str:
    """A name as TOML has it."""
    name = clean(name, 80)
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
