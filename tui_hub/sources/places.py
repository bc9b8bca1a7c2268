"""Where a walk over pages of a listing stands, as its cursor holds it from one sync to the next."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import msgspec

from tui_hub.domain.errors import UnsafeError
from tui_hub.domain.feeds import Feed
from tui_hub.sources.network import origin_of
from tui_hub.text import parse_time, stamp

_OVERLAP = timedelta(minutes=10)
"""A walk goes on this far behind the watermark: the listing may lag, and times have ties."""


class Place(msgspec.Struct, frozen=True):
    """Where a walk stands: what a cursor holds."""

    feed: str
    """A digest of the feed's queries: a cursor of other queries says nothing."""
    query: int = 0
    next: str | None = None
    """The address of the page to fetch; `None` for a query's first."""
    taken: int = 0
    """Records that this query has brought so far."""
    wide: bool = False
    """Whether a glance was not enough, and the query is walked in whole pages."""


_PLACE = msgspec.json.Decoder(Place)


def digest_of(feed: Feed, limit: int | None, since: str | None) -> str:
    """What a walk's places are known by: its queries, its limit and its watermark."""
    return hashlib.sha256(repr((feed.queries, limit, since)).encode()).hexdigest()[:16]


def write_place(place: Place | None) -> str | None:
    """A place as a cursor; none behind the last page."""
    return msgspec.json.encode(place).decode() if place else None


def read_place(cursor: str | None, feed: Feed, digest: str, endpoint: str) -> Place | None:
    """A stored place, if it belongs to this walk and leads to the endpoint's own origin."""
    try:
        place = _PLACE.decode(cursor or "null")
        own = place.next is None or origin_of(place.next) == origin_of(endpoint)
    except (msgspec.DecodeError, UnsafeError):
        return None
    if not own or place.feed != digest or place.query >= len(feed.queries):
        return None
    return place if place.query >= 0 <= place.taken else None


def cut_of(since: str | None) -> str | None:
    """The time before which a walk takes models for known; `None` for one that walks everything."""
    moment = parse_time(since)
    return stamp(moment - _OVERLAP) if moment else None
