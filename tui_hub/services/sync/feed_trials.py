"""Trying a feed out: its first pages, and what its rules would make of them. Writes nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import cast

from tui_hub import text
from tui_hub.domain.errors import UnreachableError
from tui_hub.domain.feed_trials import LeftOut, Trial
from tui_hub.domain.feeds import Feed, Rules
from tui_hub.domain.models import Model
from tui_hub.services.context import Context
from tui_hub.sources.base import SourcePage


async def try_out(context: Context, feed: Feed, pages: int = 1) -> Trial:
    """Walk the first pages of each query of a feed.

    Raises:
        HubError: when the source cannot be asked, or refuses the query.
    """
    source = context.sources.get(feed.source)
    if source is None:
        raise UnreachableError(f"there is no source {text.clean(feed.source, 40)!r}")
    trial = Trial(feed=feed)
    found: dict[str, Model] = {}
    for query in feed.queries:
        # The rules are held against the models below, where the ones left out are still known.
        alone = replace(feed, queries=(query,), rules=Rules())
        walk = cast("AsyncGenerator[SourcePage, None]", source.pages(alone))
        async with aclosing(walk):
            trial = await _walked(trial, walk, found, pages)
    held = [(model, objections(feed.rules, model)) for model in found.values()]
    return replace(
        trial,
        taken=tuple(model for model, reasons in held if not reasons),
        left_out=tuple(LeftOut(model=model, reasons=why) for model, why in held if why),
    )


async def _walked(
    trial: Trial, walk: AsyncIterator[SourcePage], found: dict[str, Model], pages: int
) -> Trial:
    """Put what the first pages hold into `found`; the trial with what that cost."""
    number = 0
    async for page in walk:
        # Some sources have pages that tell only what they cost.
        number += bool(page.models)
        found |= {model.id: model for model in page.models}
        cut = number == pages and page.cursor is not None
        trial = replace(
            trial,
            skipped=(*trial.skipped, *page.skipped),
            requests=trial.requests + page.requests,
            bytes=trial.bytes + page.bytes,
            whole=trial.whole and not cut,
        )
        if cut:
            break
    return trial


def objections(rules: Rules, model: Model) -> tuple[str, ...]:
    """Why rules do not take a model, a few words each; nothing where `Rules.take` says yes."""
    found = []
    for name, allowed, value in (
        ("library", rules.libraries, model.library),
        ("task", rules.tasks, model.task),
        ("licence", rules.licenses, model.license),
        ("author", rules.authors, model.author),
    ):
        if allowed and value not in allowed:
            found.append(f"{name} {value}" if value else f"no {name}")
    if model.downloads < rules.min_downloads:
        found.append(f"{text.grouped(model.downloads)} downloads")
    if rules.max_size is not None and model.size is not None and model.size > rules.max_size:
        found.append(f"{text.size(model.size)} large")
    if rules.gated is not None and bool(model.gated) is not rules.gated:
        found.append("gated" if model.gated else "not gated")
    return tuple(found)
