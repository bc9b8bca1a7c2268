"""The filters of the catalogue with their counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from textual import on
from textual.message import Message

from tui_hub import text
from tui_hub.domain.catalogue import NEW_DAYS, SIZES, FacetCount, Facets, Search
from tui_hub.tui.command import bindings
from tui_hub.tui.commands import Toggle
from tui_hub.tui.drawing.draw import Line, spread
from tui_hub.tui.widgets.row_list import RowList

_GROUPS = (
    ("type", "Type", "types", 12),
    ("source", "Source", "sources", 6),
    ("task", "Task", "tasks", 8),
    ("library", "Library", "libraries", 6),
    ("license", "Licence", "licenses", 6),
    ("size", "Size", "sizes", len(SIZES)),
)
"""Facet, heading, field of the question, and how many values are listed."""
_FLAGS: tuple[tuple[str, str, object, str], ...] = (
    ("installed", "installed", True, "yes"),
    ("favourite", "favourites", True, "yes"),
    ("new", f"new in {NEW_DAYS} days", True, "yes"),
    ("gated", "open access", False, "no"),
    ("deprecated", "deprecated", True, "yes"),
)
"""Field of the question, words, the value that choosing it sets, and the facet's value for it."""
_UNSET = {"new": False}
"""What a flag of the question is while it is not chosen, where that is not nothing."""
_CLASSES = [name for name, _ in SIZES]


def alternatives(search: Search) -> dict[str, Search]:
    """For each facet with a chosen value, the question without it: what else could be chosen."""
    return {
        facet: replace(search, **{field: ()})  # type: ignore[arg-type]
        for facet, _, field, _ in _GROUPS
        if getattr(search, field)
    }


class FacetList(RowList):
    """Values to choose from; values of one facet are alternatives, facets add up."""

    BINDINGS = bindings(Toggle)
    BINDING_GROUP_TITLE = "Filters"
    DEFAULT_CSS = """
    FacetList { padding: 0 1; }
    FacetList > .drawn--cursor-blurred { background: $surface; }
    """

    @dataclass
    class Changed(Message):
        """A person chose or dropped a value."""

        search: Search

    def __init__(self) -> None:
        super().__init__(id="facets")
        self.search = Search()
        self.memory: int | None = None
        """What the box has for a model; `None` while nobody has looked."""
        self._rows: list[tuple[str, FacetCount | None]] = []

    def show(self, search: Search, facets: Facets | None) -> None:
        """Draw the counts for a question."""
        self.search = search
        before = self._rows[self.cursor][1] if self.cursor < len(self._rows) else None
        self._rows = []
        for field, words, _, value in self._flags():
            told = facets.of(field) if facets else ()
            none = FacetCount(facet=field, value=value, count=0)
            self._rows.append((words, next((one for one in told if one.value == value), none)))
        for facet, heading, field, limit in _GROUPS:
            counts = list(facets.of(facet))[:limit] if facets else []
            if facet == "size":
                counts.sort(key=lambda one: _CLASSES.index(one.value))
            listed = {one.value for one in counts}
            chosen = [value for value in getattr(search, field) if value not in listed]
            counts += [FacetCount(facet=facet, value=value, count=0) for value in chosen]
            if counts:
                self._rows += [("", None), (heading, None)]
                self._rows += [(one.value, one) for one in counts]
        self._follow(before)
        self.rows_changed()

    def _flags(self) -> tuple[tuple[str, str, object, str], ...]:
        """What a model is or is not, whether it fits this box first."""
        if self.memory is None:
            return _FLAGS
        return (("memory", "fits this box", self.memory, "yes"), *_FLAGS)

    def _follow(self, before: FacetCount | None) -> None:
        for row, (_, one) in enumerate(self._rows):
            if before and one and (one.facet, one.value) == (before.facet, before.value):
                self.set_reactive(RowList.cursor, row)

    def row_count(self) -> int:
        return len(self._rows)

    def selectable(self, row: int) -> bool:
        return 0 <= row < len(self._rows) and self._rows[row][1] is not None

    def draw(self, row: int, width: int) -> Line:
        words, one = self._rows[row]
        if one is None:
            return [(words, "head")]
        on = self._is_on(one)
        sign = self.glyphs.check_on if on else self.glyphs.check_off
        left = [(f"{sign} ", "accent" if on else "faint"), (words, "strong" if on else "")]
        about = "" if one.exact else "~"
        right = [(about + text.count(one.count) if one.count else "", "muted")]
        return spread(left, right, width, ellipsis=self.glyphs.ellipsis)

    def _is_on(self, one: FacetCount) -> bool:
        for field, _, value, _ in self._flags():
            if one.facet == field:
                return bool(getattr(self.search, field) == value)
        return one.value in self._values(one)

    def _values(self, one: FacetCount) -> tuple[str, ...]:
        field = next(field for facet, _, field, _ in _GROUPS if facet == one.facet)
        values: tuple[str, ...] = getattr(self.search, field)
        return values

    @on(RowList.Chosen)
    def _clicked_twice(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_choose()

    def action_choose(self) -> None:
        """Choose the value under the cursor, or drop it again."""
        if not self.row_count():
            return
        one = self._rows[self.cursor][1]
        if one is not None:
            self.search = self._toggled(one)
            self.refresh_line(self.cursor)
            self.post_message(self.Changed(self.search))

    def _toggled(self, one: FacetCount) -> Search:
        change: dict[str, Any] = {}
        for field, _, value, _ in self._flags():
            if one.facet == field:
                chosen = getattr(self.search, field) == value
                change[field] = _UNSET.get(field) if chosen else value
        for facet, _, field, _ in _GROUPS:
            if one.facet == facet:
                values = self._values(one)
                rest = tuple(value for value in values if value != one.value)
                change[field] = rest if one.value in values else (*values, one.value)
        return replace(self.search, **change)
