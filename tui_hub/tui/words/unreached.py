"""What the screen says while nothing comes over the network."""

from __future__ import annotations

from collections.abc import Iterable

from tui_hub.domain.feeds import Feed, FeedState, FeedStatus

_UNREACHED = (
    "What comes with the program is here. `tui-hub doctor` looks at network, proxy and token; "
    "`tui-hub --offline` works without asking anybody."
)
"""What one can do while a source cannot be asked."""


def unreached(feeds: Iterable[Feed], statuses: Iterable[FeedStatus]) -> str | None:
    """Why nothing ever came from a source and what to do about it; `None` where something did."""
    known = {status.feed: status for status in statuses}
    by_source: dict[str, list[FeedStatus]] = {}
    for feed in feeds:
        if feed.name in known:
            by_source.setdefault(feed.source, []).append(known[feed.name])
    for told in by_source.values():
        error = next((one.error for one in told if one.state is FeedState.FAILED), None)
        if error and not any(one.last_success for one in told):
            return f"{error}. {_UNREACHED}"
    return None
