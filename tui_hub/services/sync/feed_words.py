"""What feeds ask for, take in and cost, in words for people."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from tui_hub import text
from tui_hub.domain.cron import Cron
from tui_hub.domain.feed_trials import Cost, Trial
from tui_hub.domain.feeds import Feed, Quota, Rules

_TURNS = 3
"""Turns to come that are told."""


def limit_words(feed: Feed) -> str:
    """How many models a feed takes."""
    if feed.limit is None:
        return "all of it"
    each = " of each query" if len(feed.queries) > 1 else ""
    return f"the first {text.grouped(feed.limit)}{each}"


def quota_words(quota: Quota) -> str:
    """What the source's rate limit still allowed when a sync ended."""
    if quota.total is None:
        words = f"{text.grouped(quota.left)} more requests would have been answered"
    else:
        used = text.grouped(max(quota.total - quota.left, 0))
        words = f"{used} of the {text.grouped(quota.total)} requests that are allowed were used"
    anew = f"; counted anew {text.duration(quota.seconds)} later" if quota.seconds else ""
    return words + anew


def rule_words(rules: Rules) -> str:
    """What the rules of a feed take, empty where they take everything."""
    words = []
    for name, values in (
        ("library", rules.libraries),
        ("task", rules.tasks),
        ("licence", rules.licenses),
        ("author", rules.authors),
    ):
        if values:
            words.append(f"{name} {' or '.join(values)}")
    if rules.min_downloads:
        words.append(f"{text.grouped(rules.min_downloads)} downloads or more")
    if rules.max_size is not None:
        words.append(f"{text.size(rules.max_size)} at most")
    if rules.gated is not None:
        words.append("gated" if rules.gated else "not gated")
    return ", ".join(words)


def turn_words(schedule: str, interval: str, now: datetime) -> str:
    """When a feed with this schedule has its turns.

    Args:
        schedule: a cron expression; empty for the random interval.
        interval: that interval in words.
        now: the moment after which the turns are told.

    Raises:
        UsageError: when the schedule is no cron expression.
    """
    if not schedule:
        return f"{interval} after each sync"
    cron, moment, turns = Cron.parse(schedule), now, []
    for _ in range(_TURNS):
        moment = cron.after(moment)
        turns.append(text.clock(text.stamp(moment), at=now))
    return f"next {', '.join(turns)}"


def cost_words(cost: Cost) -> str:
    """What the first sync of a very large feed takes."""
    return (
        f"Its first sync asks for about {text.grouped(cost.models)} models in "
        f"{text.grouped(cost.requests)} requests. The Hub allows so many in about "
        f"{text.duration(cost.seconds)} without a login, in half of that with one. "
        "It can be cancelled, and goes on from there."
    )


def trial_words(trial: Trial) -> str:
    """How many models a feed would take in, and why not the others."""
    found = len(trial.taken) + len(trial.left_out)
    if not found and not trial.skipped:
        return "nothing found"
    where = "in all" if trial.whole else "on the first pages"
    words = f"{text.grouped(found)} found {where}: {text.grouped(len(trial.taken))} taken in"
    if trial.left_out:
        reasons = Counter(_kind(why) for one in trial.left_out for why in one.reasons)
        told = ", ".join(f"{kind} {text.grouped(count)}" for kind, count in reasons.most_common())
        words += f", {text.grouped(len(trial.left_out))} left out ({told})"
    if trial.skipped:
        words += f", {len(trial.skipped)} records that cannot be read"
    return words


def _kind(reason: str) -> str:
    """The rule behind a reason, without what differs from model to model."""
    words = reason.removeprefix("no ").split()
    if words[-1] in ("downloads", "large"):
        return {"downloads": "too few downloads", "large": "too large"}[words[-1]]
    return reason if reason in ("gated", "not gated") else words[0]
