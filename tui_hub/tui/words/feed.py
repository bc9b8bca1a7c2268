"""Feeds as the Sync screen shows them: the columns of the table, and the words about one."""

from __future__ import annotations

from textual.content import Content

from tui_hub import text
from tui_hub.domain.feed_trials import Cost
from tui_hub.domain.feeds import Feed, FeedState, FeedStatus, SyncMode
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.queries import query_words
from tui_hub.services.sync.feed_words import cost_words, limit_words, quota_words, rule_words
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import Piece, safe, wrap
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.screens.confirm import Confirm

_MUTED = "$foreground 62%"
_WORD = 12
"""Cells of the words before the values."""
_TONES = {
    FeedState.RUNNING: "info",
    FeedState.COMPLETED: "good",
    FeedState.PARTIAL: "warn",
    FeedState.FAILED: "bad",
}


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A feed and what is known of it."""

    feed: Feed
    status: FeedStatus
    schedule: str
    """In words; empty for one that has no turns."""
    problem: bool = False
    """Whether its schedule cannot be read."""


def _sign(row: FeedRow, glyphs: Glyphs) -> Piece:
    signs = {
        FeedState.RUNNING: glyphs.syncing,
        FeedState.COMPLETED: glyphs.installed,
        FeedState.PARTIAL: glyphs.half,
        FeedState.FAILED: glyphs.failed,
        FeedState.SKIPPED: glyphs.cancelled,
        FeedState.NEVER: glyphs.waiting,
    }
    if not row.feed.enabled:
        return (glyphs.dash, "faint")
    return (signs[row.status.state], _TONES.get(row.status.state, "muted"))


def _state(row: FeedRow) -> Piece:
    if not row.feed.enabled:
        return ("off", "faint")
    return (row.status.state.value, _TONES.get(row.status.state, "muted"))


def _number(value: int, tone: str = "muted") -> list[Piece]:
    return [(text.count(value) if value else "", tone)]


def feed_columns(glyphs: Glyphs) -> list[Column[FeedRow]]:
    """The columns of a feed."""
    right = "right"
    return [
        Column("", 1, lambda row: [_sign(row, glyphs)]),
        Column("Feed", 0, lambda row: [(row.feed.name, "strong")]),
        Column("Status", 9, lambda row: [_state(row)]),
        Column(
            "Last success", 12, lambda row: [(text.ago(row.status.last_success), "muted")], rank=3
        ),
        Column("Schedule", 12, lambda row: [_schedule(row)], rank=2),
        Column("Next", 10, lambda row: [(_next(row), "muted")], rank=1),
        Column("Fetched", 7, lambda row: _number(row.status.counts.fetched, ""), right, 4),
        Column("New", 5, lambda row: _number(row.status.counts.created, "accent"), right, 5),
        Column("Changed", 7, lambda row: _number(row.status.counts.updated), right, 6),
        Column("Same", 5, lambda row: _number(row.status.counts.unchanged, "faint"), right, 8),
        Column("Gone", 5, lambda row: _number(row.status.counts.removed, "warn"), right, 9),
        Column("Skipped", 7, lambda row: _number(row.status.counts.skipped, "warn"), right, 7),
        Column("Took", 9, lambda row: [(_took(row), "faint")], right, 10),
    ]


def _took(row: FeedRow) -> str:
    return text.duration(row.status.seconds) if row.status.seconds else ""


def _schedule(row: FeedRow) -> Piece:
    return ("wrong", "bad") if row.problem else (row.schedule, "faint")


def _next(row: FeedRow) -> str:
    """When its turn is, by the clock: a time that stands still."""
    if not row.schedule:
        return ""
    return text.clock(row.status.next_run) if row.status.next_run else "due"


def about(row: FeedRow, retries: int, width: int) -> Content:
    """What a feed asks for and takes in, when, and how that went.

    Args:
        row: the feed.
        retries: how often one that failed is tried again.
        width: cells of a line; what is longer goes on below its first word.
    """
    status, rules = row.status, rule_words(row.feed.rules)
    pairs = [
        ("queries", query_words(row.feed.queries)),
        ("takes", limit_words(row.feed) + (f", only {rules}" if rules else "")),
        ("schedule", _turn(row, retries) if row.schedule else "none"),
        ("last sync", _last(status)),
        ("cost", f"{text.grouped(status.requests)} requests, {text.size(status.bytes)}"),
    ]
    if status.quota is not None:
        pairs.append(("rate limit", quota_words(status.quota)))
    lines = [line for pair in pairs for line in _broken(*pair, "", width)]
    if status.error:
        # First, as a low pane has no room for the last lines.
        lines = [*_broken("error", status.error, "$error", width), *lines]
    return Content("\n").join(lines)


def _broken(word: str, value: str, style: str, width: int) -> list[Content]:
    """A word and its value, in as many lines as that takes."""
    pieces = [(word.ljust(_WORD), _MUTED), (value, style)]
    return [
        Content.assemble(*((safe(part), tone) for part, tone in line))
        for line in wrap(pieces, max(width, 2 * _WORD), _WORD)
    ]


def _last(status: FeedStatus) -> str:
    """When the feed was synced, and when it was walked whole."""
    if status.last_sync is None:
        return "never"
    words = text.ago(status.last_sync)
    if status.state is not FeedState.COMPLETED:
        return f"{words}, {status.state}"
    if status.walk.mode is SyncMode.FULL:
        return f"{words}, everything"
    return f"{words}, what changed; everything {text.ago(status.walk.full)}"


def _turn(row: FeedRow, retries: int) -> str:
    retry = f", retry {row.status.retries} of {retries}" if row.status.retries else ""
    when = _next(row)
    return f"{row.schedule}, {'due now' if when == 'due' else f'next {when}'}{retry}"


def removal_question(feed: Feed) -> Confirm:
    """Whether to take a feed of the user's own out of the settings."""
    body = Content.assemble(
        (safe(feed.name), "bold"),
        "\nis taken out of the settings file. Its models stay in the catalogue.",
    )
    return Confirm("Remove?", body, yes="Remove", danger=True)


def cost_question(feed: Feed, cost: Cost) -> Confirm:
    """Whether to turn a very large feed on."""
    body = Content.assemble((safe(feed.name), "bold"), f"\n{cost_words(cost)}")
    return Confirm("Turn on?", body, yes="Turn on", no="Leave off", danger=True)
