"""What a sync remembers of its walks over a feed. Pure rules: a state goes in, a state comes out.

A full walk takes in everything a feed lists. A differential one asks only for what changed since
the watermark: up to when an earlier walk has seen all changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tui_hub import text
from tui_hub.domain.feeds import Feed, FeedStatus, Reach, SyncMode, WalkState
from tui_hub.settings import SyncSettings
from tui_hub.sources.base import SourcePage


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
    interrupted = status.cursor is not None or status.walk.walked
    if interrupted and (status.walk.mode is SyncMode.FULL or not full):
        return status
    reaches = status.walk.reaches if differential else ()
    walk = WalkState(mode=mode, definition=feed.definition, full=status.walk.full, reaches=reaches)
    return replace(status, cursor=None, walk=walk)


def moved(status: FeedStatus, page: SourcePage) -> FeedStatus:
    """The state after another page."""
    walk = status.walk
    times = [model.last_modified for model in page.models if model.last_modified]
    times += [time for time in (page.newest, walk.newest) if time]
    walk = replace(
        walk,
        begun=walk.begun or page.at or text.now(),
        newest=max(times, default=None),
        listed=walk.listed + page.listed,
        reaches=walk.reaches if page.reach is None else _reached(walk.reaches, page),
        walked=page.cursor is None,
    )
    return replace(
        status,
        walk=walk,
        cursor=page.cursor,
        quota=page.quota,
        requests=status.requests + page.requests,
        bytes=status.bytes + page.bytes,
    )


def ended(status: FeedStatus) -> FeedStatus:
    """The state after the last page.

    The watermark never passes the walk's beginning: what changed meanwhile may have moved from a
    page that was yet to come to one that was seen already.
    """
    walk, watermark = status.walk, status.watermark
    if walk.newest is not None:
        seen = min(walk.newest, walk.begun or walk.newest)
        watermark = seen if walk.mode is SyncMode.FULL else max(seen, watermark or seen)
    full = text.now() if walk.mode is SyncMode.FULL else walk.full
    walk = replace(walk, full=full, walked=False)
    return replace(status, walk=walk, watermark=watermark, cursor=None)


def _reached(reaches: Sequence[Reach], page: SourcePage) -> tuple[Reach, ...]:
    """The reaches of the queries, with that of the one that a page ends."""
    known = [*reaches, *[Reach()] * (page.query + 1 - len(reaches))]
    known[page.query] = page.reach or Reach()
    return tuple(known)


def _is_due(status: FeedStatus, feed: Feed, settings: SyncSettings, now: datetime) -> bool:
    """Whether the feed has to be walked whole again."""
    last = text.parse_time(status.walk.full)
    interval = settings.sweep_interval if feed.limit is None else settings.refresh_interval
    return last is None or not timedelta(0) <= now - last < timedelta(seconds=interval)
