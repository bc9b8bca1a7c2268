"""The fields of an answer's head.

http.client takes them for those of a mail, and its parser for mails costs more than all else that
a small answer does. It is left what is not plain: folded lines, bare carriage returns, odd names.
"""

from __future__ import annotations

import http.client
import io
import re
from typing import Any, BinaryIO

_LONGEST = 65536
"""Bytes of a line."""
_MOST = 100
"""Lines of a head."""
_PLAIN = re.compile(r"([!-9;-~]+):[ \t]*([^\r\n]*)\r?\n")


class Head(http.client.HTTPMessage):
    """Fields by their names, in whatever case."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        super().__init__()
        self._headers = fields
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            self._values.setdefault(name.lower(), []).append(value)

    def get(self, name: str, failobj: Any = None) -> Any:
        """The first field of a name."""
        found = self._values.get(name.lower())
        return found[0] if found else failobj

    def get_all(self, name: str, failobj: Any = None) -> Any:
        """All fields of a name."""
        return self._values.get(name.lower()) or failobj


def read_head(file: BinaryIO) -> http.client.HTTPMessage:
    """Read fields up to the empty line.

    Raises:
        HTTPException: when there is no end of them.
    """
    lines = []
    while (line := file.readline(_LONGEST + 1)) not in (b"\r\n", b"\n", b""):
        if len(line) > _LONGEST:
            raise http.client.LineTooLong("header line")
        lines.append(line)
        if len(lines) > _MOST:
            raise http.client.HTTPException(f"got more than {_MOST} headers")
    found = [_PLAIN.fullmatch(line.decode("latin-1")) for line in lines]
    fields = [(one[1], one[2]) for one in found if one is not None]
    if len(fields) < len(lines):
        return http.client.parse_headers(io.BytesIO(b"".join(lines)))
    return Head(fields)


def length_from(head: http.client.HTTPMessage) -> int | None:
    """The bytes of a body by its head; `None` where that says nothing of use."""
    told = (head.get("Content-Length") or "").strip()
    return int(told) if told.isascii() and told.isdigit() else None
