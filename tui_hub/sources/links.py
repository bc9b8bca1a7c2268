"""The links by which a listing names its next page, in a `Link` header (RFC 8288) or elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from tui_hub.domain.errors import UnreachableError, UnsafeError
from tui_hub.sources.network import host_of, origin_of

_NEXT = re.compile(r'<([^<>]{1,16384})>(?:\s*;[^,<>]*)?;\s*rel="?next"?(?=[\s;,]|$)')


def next_link(headers: Mapping[str, str], url: str) -> str | None:
    """The next page of what `url` answered, always on the same origin; `None` on the last page.

    A mirror may pass on links to the Hub that it stands for: such a link is asked of the mirror, as
    long as it leads to the same path, below the one that the mirror stands at.

    Raises:
        UnreachableError: for a link to anywhere else.
    """
    match = _NEXT.search(headers.get("link", ""))
    return own_page(match[1], url) if match else None


def own_page(link: str, url: str) -> str:
    """Where a link on what `url` answered leads, on the same origin; see `next_link`.

    Raises:
        UnreachableError: for a link to anywhere else.
    """
    try:
        target = urljoin(url, link)
        same = origin_of(target) == origin_of(url)
    except (ValueError, UnsafeError):
        same, target = False, ""
    if same:
        return str(target)
    here, there = urlsplit(url), urlsplit(target)
    if target and len(there.path) > 1 and here.path.endswith(there.path):
        return str(here._replace(query=there.query, fragment="").geturl())
    raise UnreachableError(f"{host_of(url)} names a next page that is not its own")
