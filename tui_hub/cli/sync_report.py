"""How a sync went: its error and exit code, and the lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.cli.exit_codes import DONE, FAILED, PARTLY, UNREACHABLE
from tui_hub.cli.failures import failure
from tui_hub.cli.tables import table
from tui_hub.domain.feeds import FeedState

if TYPE_CHECKING:
    from tui_hub.cli.console import Console
    from tui_hub.domain.errors import HubError
    from tui_hub.domain.feeds import FeedReport, SyncReport

_SHORT = (FeedState.FAILED, FeedState.PARTIAL)
_CAUSES = 3
"""Different errors that one line names; more would be a table again."""
_SEARCHABLE = "What the catalogue has can be searched all the same."
_TITLES = (
    "FEED", "STATUS", ">FETCHED", ">NEW", ">UPDATED", ">SAME", ">GONE", ">SKIPPED", ">TIME",
)  # fmt: skip


def outcome(report: SyncReport) -> tuple[HubError | None, int]:
    """The error of a sync that did not bring all, and its exit code.

    Feeds that need no network and skipped ones count for nothing. Where no feed could be reached
    the source is unreachable; where only some failed, the sync is partly done.
    """
    tried = [
        feed for feed in report.feeds if feed.networked and feed.state is not FeedState.SKIPPED
    ]
    short = [feed for feed in tried if feed.state in _SHORT]
    if not short:
        return None, DONE
    total = sum(feed.state is not FeedState.SKIPPED for feed in report.feeds)
    message = f"{len(short)} of {total} feeds did not sync: {_causes(short)}"
    hint = next((feed.hint for feed in short if feed.hint), None)
    if len(short) == len(tried) and all(_unreachable(feed) for feed in short):
        return failure("unreachable", message, hint or _SEARCHABLE), UNREACHABLE
    code = short[0].error_code or "failed"
    return failure(code, message, hint), FAILED if report.status == "failed" else PARTLY


def _unreachable(feed: FeedReport) -> bool:
    return feed.error_code == "unreachable" and feed.counts.fetched == 0


def _causes(short: Sequence[FeedReport]) -> str:
    """Why they fell short: each reason once, with the feed where it concerns one alone."""
    by_reason = _by_reason(short)
    if len(by_reason) == 1:
        return next(iter(by_reason))
    named = [
        f"{feeds[0].feed if len(feeds) == 1 else f'{len(feeds)} feeds'}: {reason}"
        for reason, feeds in by_reason.items()
    ]
    return "; ".join(named[:_CAUSES]) + ("; …" if len(named) > _CAUSES else "")


def _by_reason(feeds: Sequence[FeedReport]) -> dict[str, list[FeedReport]]:
    grouped: dict[str, list[FeedReport]] = {}
    for feed in feeds:
        grouped.setdefault(feed.error or feed.state.value, []).append(feed)
    return grouped


def report_lines(console: Console, report: SyncReport) -> Iterator[str]:
    """The feeds as a table, without those that failed alike: their error says it for all.

    Below stands why others fell short or were skipped, where that error does not name them. Many
    that were skipped alike are one such line.
    """
    failed = [feed for feed in report.feeds if feed.state is FeedState.FAILED]
    alike = {feed.feed for feeds in _by_reason(failed).values() if len(feeds) > 1 for feed in feeds}
    skipped = [feed for feed in report.feeds if feed.state is FeedState.SKIPPED]
    many = [feeds for feeds in _by_reason(skipped).values() if len(feeds) > _CAUSES]
    folded = {feed.feed for feeds in many for feed in feeds}
    told = [feed for feed in report.feeds if feed.feed not in alike]
    shown = [feed for feed in told if feed.feed not in folded]
    if shown:
        heading, *lines = table(_TITLES, [_row(feed) for feed in shown], width=console.width)
        yield console.heading(heading)
        yield from lines
    short = [feed for feed in report.feeds if feed.state in _SHORT]
    said = _SHORT if len(_by_reason(short)) <= _CAUSES else ()
    unsaid = [feed for feed in told if feed.error and feed.state not in said]
    for reason, feeds in _by_reason(unsaid).items():
        names = ", ".join(feed.feed for feed in feeds)
        yield f"{f'{len(feeds)} feeds skipped' if feeds in many else names}: {reason}"


def _row(feed: FeedReport) -> tuple[object, ...]:
    counts = feed.counts
    return (
        feed.feed,
        feed.state.value,
        text.grouped(counts.fetched),
        text.grouped(counts.created),
        text.grouped(counts.updated),
        text.grouped(counts.unchanged),
        text.grouped(counts.removed),
        counts.skipped,
        text.duration(feed.seconds),
    )
