"""The library's page for people, of which only the links are read: all else changes too often."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

_MOST_NAMES = 5000
_CHUNK = 32 * 1024
_LONGEST_TAG = 16 * 1024
_LINK = re.compile(r"/library/([a-z0-9][a-z0-9._-]{0,79})(?::[A-Za-z0-9._-]{1,80})?/?(?:[?#].*)?")


def names_in(body: bytes) -> tuple[str, ...]:
    """The models that the links of a page lead to, each once, in its order."""
    parser = _Links()
    for start in range(0, len(body), _CHUNK):
        try:
            parser.feed(body[start : start + _CHUNK].decode("utf-8", "replace"))
        except (AssertionError, ValueError, RecursionError):
            # What it cannot make out ends the page; what came before it stands.
            break
        # A tag that is longer than this is none, and looking for its end takes ever longer.
        if len(parser.rawdata) > _LONGEST_TAG or len(parser.names) >= _MOST_NAMES:
            break
    return tuple(parser.names)[:_MOST_NAMES]


class _Links(HTMLParser):
    """Takes the names out of `<a href="/library/...">` and heeds nothing else."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.names: dict[str, None] = {}

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        if tag != "a":
            return
        for key, value in attrs:
            found = _LINK.fullmatch(value or "") if key == "href" else None
            if found is not None:
                self.names[found[1]] = None
