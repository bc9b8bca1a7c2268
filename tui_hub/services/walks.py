"""What a sync remembers of its walks over a feed. Pure rules: a state goes in, a state comes out.

A full walk takes in everything a feed lists. A differential one asks only for what changed since
the watermark: up to when an earlier walk has seen all changes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tui_hub import text
from tui_hub.domain.feeds import Feed, FeedStatus, SyncMode, WalkState
from tui_hub.settings import SyncSettings
from tui_hub.sources import SourcePage

NOTHING = 2**62
"""More downloads than any model has."""


def begun(
    status: FeedStatus, feed: Feed, settings: SyncSettings, now: datetime, *, full: bool
) -> FeedStatus:
    """The state at the beginning of a sync: an interrupted walk goes on, or another one begins.

    Args:
        status: what is known of the feed.
        feed: what it takes in now.
        settings: how often a feed is walked whole.
        now: the wall clock.
        full: whether a full walk is asked for.
    """
    if status.walk.definition != feed.definition:
        status = replace(
            status, cursor=None, watermark=None, walk=WalkState(definition=feed.definition)
        )
    differential = (
        not full and status.watermark is not None and not _is_due(status, feed, settings, now)
    )
    mode = SyncMode.DIFFERENTIAL if differential else SyncMode.FULL
    if status.cursor is not None and (status.walk.mode is SyncMode.FULL or not full):
        return status
    walk = replace(status.walk, mode=mode, begun=None, newest=None, lowest=None, listed=0)
    return replace(status, cursor=None, walk=walk)


def moved(status: FeedStatus, page: SourcePage) -> FeedStatus:
    """The state after another page."""
    walk = status.walk
    times = [model.last_modified for model in page.models if model.last_modified]
    downloads = [model.downloads for model in page.models]
    lowest = min(downloads, default=NOTHING)
    walk = replace(
        walk,
        begun=walk.begun or page.at or text.now(),
        newest=max([*times, *([walk.newest] if walk.newest else [])], default=None),
        lowest=lowest if walk.lowest is None else min(lowest, walk.lowest),
        listed=walk.listed + page.listed,
    )
    return replace(
        status,
        walk=walk,
        cursor=page.cursor,
        quota=page.quota,
        requests=status.requests + page.requests,
        bytes=status.bytes + page.bytes,
    )


def ended(status: FeedStatus, feed: Feed) -> FeedStatus:
    """The state after the last page.

    The watermark never passes the walk's beginning: what changed meanwhile may have moved from a
    page that was yet to come to one that was seen already.
    """
    walk, watermark = status.walk, status.watermark
    if walk.newest is not None:
        seen = min(walk.newest, walk.begun or walk.newest)
        watermark = seen if walk.mode is SyncMode.FULL else max(seen, watermark or seen)
    if walk.mode is SyncMode.FULL:
        walk = replace(walk, full=text.now(), floor=_floor(walk, feed))
    return replace(status, walk=walk, watermark=watermark, cursor=None)


def expected_from(walk: WalkState, feed: Feed) -> int:
    """Downloads from which on a full walk that has ended must have listed a model.

    Near the place where a limit cut it, models come and go as their downloads do.
    """
    floor = _floor(walk, feed)
    return 2 * floor + 1 if floor else 0


def _floor(walk: WalkState, feed: Feed) -> int:
    """Downloads below which a walk came to nothing."""
    if feed.limit is None or walk.listed < feed.limit:
        return 0
    by_downloads = all(query.sort == "downloads" for query in feed.queries)
    return (walk.lowest or 0) if by_downloads else NOTHING


def _is_due(status: FeedStatus, feed: Feed, settings: SyncSettings, now: datetime) -> bool:
    """Whether the feed has to be walked whole again."""
    last = text.parse_time(status.walk.full)
    interval = settings.sweep_interval if feed.limit is None else settings.refresh_interval
    return last is None or not timedelta(0) <= now - last < timedelta(seconds=interval)
