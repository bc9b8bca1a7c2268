"""Changing feeds while the program runs: every change is one of the settings file."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from tui_hub import text
from tui_hub.domain.errors import HubError, NotFoundError, RefusedError, UsageError
from tui_hub.domain.feed_trials import Cost, Trial
from tui_hub.domain.feeds import Feed, Query
from tui_hub.services.context import Context
from tui_hub.services.sync.feed_list import FeedList
from tui_hub.services.sync.feed_trials import try_out
from tui_hub.services.sync.service import Sync
from tui_hub.settings import FeedSettings, Settings, parse
from tui_hub.settings import file as settings_file
from tui_hub.settings.file import Document
from tui_hub.sources.feeds import check_feed, feeds_from, settings_of, shipped_feed

_WHOLE_HUB = 2_500_000
"""Models that the Hub lists, about."""
_ALLOWED = 500 / 300
"""Requests a second that the Hub allows those who are not logged in."""
_LISTS_NOTHING = ("url", "local")
"""Sources of models that somebody added one by one."""
_DEFAULTS: dict[str, Any] = msgspec.to_builtins(FeedSettings())


class Feeds:
    """Adds, changes, tries and removes feeds. What is on disk is what counts, at once."""

    def __init__(self, context: Context, known: FeedList, sync: Sync) -> None:
        self._context = context
        self._known = known
        self._sync = sync

    @property
    def problem(self) -> HubError | None:
        """Why the settings file as it is now does not count, and the feeds are as they were."""
        return self._known.problem

    def list(self) -> tuple[Feed, ...]:
        """All feeds, shipped and the user's own."""
        return self._known.all

    def get(self, name: str) -> Feed:
        """A feed by its name.

        Raises:
            NotFoundError: when there is none.
        """
        return self._known.get(name)

    @staticmethod
    def ships(name: str) -> bool:
        """Whether a feed ships with the program, so that it can be turned off, but not removed."""
        return shipped_feed(name) is not None

    def check(self, feed: Feed) -> None:
        """Make sure that there can be such a feed.

        Raises:
            UsageError: saying what is wrong with it.
        """
        check_feed(feed)
        if feed.source not in self._context.sources or feed.source in _LISTS_NOTHING:
            raise UsageError(f"{feed.source} has nothing that a feed could list")

    async def add(self, feed: Feed) -> Feed:
        """Write a new feed into the settings file.

        Raises:
            RefusedError: there is one of that name, or the file cannot be written.
            UsageError: the feed or the file is wrong.
        """
        self.check(feed)

        def edit(document: Document) -> None:
            feeds = document.setdefault("feeds", {})
            if feed.name in feeds or self.ships(feed.name):
                raise RefusedError(
                    f"there is a feed {feed.name} already",
                    hint=f"`tui-hub feeds edit {feed.name}` changes it.",
                )
            feeds[feed.name] = _written(feed)

        await self._change(edit)
        return self.get(feed.name)

    async def edit(self, before: Feed, after: Feed) -> Feed:
        """Change a feed in the settings file; what is not another stays as the user wrote it.

        Raises:
            RefusedError: it is not `before` any more, or the file cannot be written.
            UsageError: the feed or the file is wrong.
        """
        self.check(after)
        await self._look()
        if self.get(before.name) != before:
            raise RefusedError(
                f"the feed {before.name} was changed meanwhile",
                hint="Look at it again, then make your change.",
            )
        await self._change(lambda document: _put(document, before, after))
        return self.get(after.name)

    async def enable(self, names: Sequence[str], enabled: bool = True) -> tuple[Feed, ...]:
        """Turn feeds on, or off; an off one keeps its models and waits.

        Raises:
            NotFoundError: when there is none of a name.
            RefusedError: the file cannot be written.
        """
        await self._look()
        found = [self.get(name) for name in names]

        def edit(document: Document) -> None:
            feeds = document.setdefault("feeds", {})
            for feed in found:
                feeds.setdefault(feed.name, {})["enabled"] = enabled

        await self._change(edit)
        return tuple(self.get(name) for name in names)

    async def remove(self, names: Sequence[str]) -> None:
        """Take feeds of the user's own out of the settings file; their models stay.

        Raises:
            NotFoundError: when there is none of a name.
            RefusedError: one ships with the program, or the file cannot be written.
        """
        await self._look()
        for name in names:
            self.get(name)
            if self.ships(name):
                raise RefusedError(
                    f"the feed {name} ships with the program",
                    hint=f"`tui-hub feeds disable {name}` turns it off.",
                )

        def edit(document: Document) -> None:
            for name in names:
                if document.get("feeds", {}).pop(name, None) is None:
                    raise NotFoundError(f"the settings file has no feed {text.clean(name, 80)!r}")

        await self._change(edit)

    def written(self) -> dict[str, FeedSettings]:
        """The entries of the settings that make feeds, or change shipped ones."""
        return dict(self._known.settings.feeds)

    async def put(self, name: str, entry: FeedSettings) -> None:
        """Write the entry of a feed into the settings file, in place of one that is there.

        Raises:
            RefusedError: the file cannot be written.
            UsageError: the entry or the file is wrong.
        """
        feed = next(one for one in feeds_from(Settings(feeds={name: entry})) if one.name == name)
        self.check(feed)
        shipped = {"enabled": entry.enabled} if self.ships(name) else {}

        def edit(document: Document) -> None:
            plain = _reduced(msgspec.to_builtins(entry), _DEFAULTS)
            document.setdefault("feeds", {})[name] = {**shipped, **plain}

        await self._change(edit)

    async def try_out(self, feed: Feed, pages: int = 1) -> Trial:
        """What a feed would take in and leave out of its first pages. Writes nothing.

        Raises:
            HubError: when the feed is wrong, or its source cannot be asked.
        """
        self.check(feed)
        return await try_out(self._context, feed, pages)

    def cost(self, feed: Feed) -> Cost | None:
        """What the first sync takes of a feed that is the whole Hub, or may come near to it."""
        everything = any(replace(query, sort="") == Query(sort="") for query in feed.queries)
        if feed.source != "hf" or not everything or feed.limit is not None:
            return None
        requests = math.ceil(_WHOLE_HUB / self._known.settings.huggingface.page_size)
        return Cost(models=_WHOLE_HUB, requests=requests, seconds=requests / _ALLOWED)

    async def _change(self, edit: Callable[[Document], None]) -> None:
        path = self._context.configuration.paths.config_file
        await asyncio.to_thread(settings_file.change, path, edit, _check)
        await self._look()
        if self._known.problem is not None:
            raise self._known.problem

    async def _look(self) -> None:
        """Know the feeds as the file tells them in this moment."""
        await self._sync.bring_forward(await self._known.look())


def _check(document: Mapping[str, Any]) -> None:
    feeds_from(parse(document, "the changed settings"))


def _put(document: Document, before: Feed, after: Feed) -> None:
    """Write into a document what of a feed is another."""
    feeds = document.setdefault("feeds", {})
    if after.name in feeds:
        _settle(feeds[after.name], _builtins(before), _builtins(after), _DEFAULTS)
    else:
        feeds[after.name] = _written(after)


def _settle(
    entry: Document,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> None:
    for key, value in after.items():
        if value == before[key]:
            continue
        if isinstance(value, Mapping) and key in entry:
            _settle(entry[key], before[key], value, defaults[key])
        elif value == defaults[key] and key != "enabled":
            entry.pop(key, None)
        else:
            entry[key] = _reduced(value, defaults[key]) if isinstance(value, Mapping) else value


def _written(feed: Feed) -> dict[str, Any]:
    """The entry of a feed that has none yet."""
    entry = _reduced(_builtins(feed), _DEFAULTS)
    # An entry of a feed turns it on, so one that rests as it ships has to say so either way.
    return {"enabled": feed.enabled, **entry} if shipped_feed(feed.name) else entry


def _reduced(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What of some values is not so anyway."""
    return {
        key: _reduced(value, defaults[key]) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if value != defaults[key]
    }


def _builtins(feed: Feed) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(settings_of(feed))
    return built
