"""What to call a file that comes from an address, safe to join to a folder."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

from tui_hub.domain.errors import UnsafeError
from tui_hub.domain.identifiers import repository_path

_EXTENDED = re.compile(r"filename\*\s*=\s*([\w-]*)'[^']*'([^;\s]+)", re.IGNORECASE)
_QUOTED = re.compile(r'filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_BARE = re.compile(r"filename\s*=\s*([^;\"\s]+)", re.IGNORECASE)
_DISPOSITIONS = ("response-content-disposition", "rscd")
"""Where signed addresses of S3 and of Azure say what they will answer."""


def name_of_answer(url: str, final: str, disposition: str) -> str | None:
    """The name of a file, by the first of those who tell one that can be used.

    Args:
        url: the address as it was given.
        final: the one that answered, after all redirects.
        disposition: the answer's `Content-Disposition` header, or nothing.
    """
    query = parse_qs(urlsplit(final).query)
    told = [disposition, *(value for name in _DISPOSITIONS for value in query.get(name, ()))]
    names = [_named(text) for text in told if text]
    names.append(unquote(urlsplit(url).path.rpartition("/")[2]))
    return next((safe for name in names if (safe := _safe(name))), None)


def _named(disposition: str) -> str:
    """The file name of a `Content-Disposition` (RFC 6266), `filename*` before `filename`."""
    if found := _EXTENDED.search(disposition):
        try:
            return unquote(found[2], encoding=found[1] or "utf-8", errors="strict")
        except (LookupError, UnicodeDecodeError):
            pass
    if found := _QUOTED.search(disposition):
        return re.sub(r"\\(.)", r"\1", found[1])
    found = _BARE.search(disposition)
    return found[1] if found else ""


def _safe(name: str) -> str | None:
    """The name without any folder; `None` where nothing usable is left of it."""
    base = re.split(r"[/\\]", name)[-1].strip().lstrip(".")
    try:
        return repository_path(base)
    except UnsafeError:
        return None
