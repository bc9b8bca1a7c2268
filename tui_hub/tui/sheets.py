"""The style sheets of the screen, each read once for every set of colours."""

from __future__ import annotations

from textual.cache import LRUCache
from textual.css.styles import RenderStyles
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

_MOST = 512
"""Sheets that are kept as they were read; there is one for each kind of widget."""


class Sheets(Stylesheet):
    """Reads what is new, where Textual's own reads all sheets again for each screen that opens."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(_MOST)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the colours; the sheets are read again where one of them is another."""
        if variables != self._variables:
            super().set_variables(variables)
            self._require_parse = True

    def component(self, node: DOMNode, name: str) -> RenderStyles:
        """How a part of a widget looks that is drawn, and is no widget of its own."""
        part = DOMNode(classes=name)
        part._attach(node)
        self.apply(part)
        return part.styles

    def reparse(self) -> None:
        """Read what has not been read with these colours."""
        if self._require_parse:
            self.parse()
