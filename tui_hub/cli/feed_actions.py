"""The actions of `tui-hub feeds`: adding, changing, switching and removing feeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from tui_hub.cli.feed_options import anything_given, feed_options, with_options
from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import FEED

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.feeds import Feed
    from tui_hub.services import Services


@verb(
    "add",
    "tui-hub feeds add hf:mine --author acme --only-license apache-2.0",
    "tui-hub feeds add hf:small --query 'tag:gguf search:robot' --max-size 10G",
)
@click.argument("name")
@feed_options
@click.pass_obj
def add(options: Options, /, name: str, **given: Any) -> int:
    """Add a feed, `hf:my-models` for example.

    It is synced at once where the schedule runs, and by the next `tui-hub sync`."""
    from tui_hub.cli.running import run

    return run(options, lambda services, console: _add(services, console, name, given), fill=False)


async def _add(services: Services, console: Console, name: str, given: dict[str, Any]) -> Answer:
    from tui_hub.domain.feeds import Feed

    source = name.partition(":")[0]
    feed = await services.feeds.add(with_options(Feed(name=name, source=source), given))
    _warn(services, console, feed)
    return await _answer(services, feed, "is added")


@verb(
    "edit",
    "tui-hub feeds edit hf:mine --limit 500 --schedule '30 6 * * 1'",
)
@click.argument("name")
@feed_options
@click.pass_obj
def edit(options: Options, /, name: str, **given: Any) -> int:
    """Change a feed; what no option names stays as it is."""
    from tui_hub.cli.running import run

    if not anything_given(given):
        raise click.UsageError("Say what is to change: --limit, --schedule or another option.")
    return run(options, lambda services, console: _edit(services, console, name, given), fill=False)


async def _edit(services: Services, console: Console, name: str, given: dict[str, Any]) -> Answer:
    before = services.feeds.get(name)
    after = await services.feeds.edit(before, with_options(before, given))
    if after != before and after.enabled:
        _warn(services, console, after)
    return await _answer(services, after, "is changed")


@verb(
    "enable",
    "tui-hub feeds enable hf:all",
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=FEED)
@click.pass_obj
def enable(options: Options, names: tuple[str, ...]) -> int:
    """Turn feeds on.

    `hf:all` takes in the whole Hub."""
    return _switch(options, names, True)


@verb(
    "disable",
    "tui-hub feeds disable hf:litert",
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=FEED)
@click.pass_obj
def disable(options: Options, names: tuple[str, ...]) -> int:
    """Turn feeds off.

    The models that they brought stay."""
    return _switch(options, names, False)


def _switch(options: Options, names: tuple[str, ...], on: bool) -> int:
    from tui_hub.cli.running import run

    return run(options, lambda services, console: _enable(services, console, names, on), fill=False)


async def _enable(services: Services, console: Console, names: tuple[str, ...], on: bool) -> Answer:
    from tui_hub.cli import feed_documents
    from tui_hub.cli.console import Answer

    before = {name: services.feeds.get(name).enabled for name in names}
    feeds = await services.feeds.enable(tuple(before), on)
    for feed in feeds:
        if feed.enabled and not before[feed.name]:
            _warn(services, console, feed)
    statuses = {status.feed: status for status in await services.sync.status()}
    return Answer(
        feed_documents.feeds(feeds, statuses, services.sync.turns.timetable),
        lines=[f"{feed.name} is {'on' if on else 'off'}" for feed in feeds],
        brief=[feed.name for feed in feeds],
    )


@verb(
    "remove",
    "tui-hub feeds remove hf:mine",
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=FEED)
@click.pass_obj
def remove(options: Options, names: tuple[str, ...]) -> int:
    """Remove feeds of your own.

    The models that they brought stay; a feed that ships with the program can be disabled."""
    from tui_hub.cli.running import run

    return run(options, lambda services, _: _remove(services, names), fill=False)


async def _remove(services: Services, names: tuple[str, ...]) -> Answer:
    from tui_hub.cli.console import Answer

    removed = tuple(dict.fromkeys(names))
    await services.feeds.remove(removed)
    return Answer(
        {"removed": list(removed)},
        lines=[f"{name} is removed; its models stay in the catalogue" for name in removed],
        brief=removed,
    )


def _warn(services: Services, console: Console, feed: Feed) -> None:
    """Say what a very large feed takes that is on from now."""
    from tui_hub.services.sync.feed_words import cost_words

    cost = services.feeds.cost(feed)
    if cost is not None:
        console.note(f"{feed.name}: {cost_words(cost)}")


async def _answer(services: Services, feed: Feed, done: str) -> Answer:
    from tui_hub.cli import feed_documents
    from tui_hub.cli.console import Answer

    timetable = services.sync.turns.timetable
    statuses = {status.feed: status for status in await services.sync.status()}
    return Answer(
        feed_documents.feed(feed, statuses.get(feed.name), timetable.expression(feed.name)),
        lines=[f"{feed.name} {done}", *_about(feed, timetable.words(feed.name))],
        brief=[feed.name],
    )


def _about(feed: Feed, schedule: str) -> Iterator[str]:
    from tui_hub.cli.tables import fields
    from tui_hub.domain.queries import query_words
    from tui_hub.services.sync.feed_words import limit_words, rule_words

    yield from fields(
        [
            ("asks for", query_words(feed.queries)),
            ("takes", limit_words(feed)),
            ("only", rule_words(feed.rules)),
            ("schedule", schedule),
            ("it is", None if feed.enabled else "off"),
        ]
    )
