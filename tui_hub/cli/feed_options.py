"""The options that say what a feed asks for and takes in, for every action that takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tui_hub.domain.feeds import Feed, Query, Rules

_F = TypeVar("_F", bound=Callable[..., object])

_QUERY = ("filter", "pipeline_tag", "author", "library", "search", "sort")
_LISTS = {
    "only_library": "libraries",
    "only_task": "tasks",
    "only_license": "licenses",
    "only_author": "authors",
}


def feed_options(function: _F) -> _F:
    """Add the options of a feed; what was given of them arrives as keyword arguments."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def _many(name: str, metavar: str, help: str) -> Callable[[_F], _F]:
    return click.option(name, metavar=metavar, multiple=True, help=help)


def _one(name: str, metavar: str, help: str) -> Callable[[_F], _F]:
    return click.option(name, metavar=metavar, help=help)


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    _many("--filter", "TAG", "Models with this tag; with all of them where several are given."),
    _one("--pipeline-tag", "TASK", "Models for this task, text-to-image for example."),
    _one("--author", "NAME", "Models of this user or organisation."),
    _one("--library", "NAME", "Models of this library."),
    _one("--search", "TEXT", "Models with this in their names."),
    _one("--sort", "ORDER", "The order: lastModified, downloads, likes, trending, created."),
    _many(
        "--query",
        "TEXT",
        'In place of the options above: "tag:gguf author:acme"; what any of several finds.',
    ),
    click.option(
        "--limit",
        type=click.IntRange(0),
        metavar="N",
        help="Take so many models of each query; 0 takes all.",
    ),
    _one("--schedule", "CRON|random", "Five fields in UTC, or random intervals."),
    _many("--only-library", "NAME", "Take in models of this library only."),
    _many("--only-task", "TASK", "Take in models for this task only."),
    _many("--only-license", "NAME", "Take in models under this licence only."),
    _many("--only-author", "NAME", "Take in models of this author only."),
    click.option(
        "--min-downloads",
        type=click.IntRange(0),
        metavar="N",
        help="Take in models with so many downloads a month.",
    ),
    _one("--max-size", "SIZE", "Take in models up to this size, 10G for example; 0 takes all."),
    click.option("--gated/--no-gated", default=None, help="Take in gated models only, or none."),
    click.option("--no-rules", is_flag=True, help="Drop all rules of before first."),
)


def anything_given(given: Mapping[str, Any]) -> bool:
    """Whether any of the options was given."""
    flags = {"no_rules": False}
    return any(
        value != flags.get(name) and value not in (None, ()) for name, value in given.items()
    )


def with_options(feed: Feed, given: Mapping[str, Any]) -> Feed:
    """A feed with what was given put in its place; an empty text takes something away.

    Raises:
        UsageError: when an option is wrong, or does not go with another.
    """
    feed = replace(feed, queries=_queries(feed, given), rules=_rules(feed.rules, given))
    if given["limit"] is not None:
        feed = replace(feed, limit=given["limit"] or None)
    if given["schedule"] is not None:
        words = given["schedule"].strip()
        feed = replace(feed, schedule="" if words == "random" else words)
    return feed


def _queries(feed: Feed, given: Mapping[str, Any]) -> tuple[Query, ...]:
    from tui_hub.domain.errors import UsageError
    from tui_hub.domain.queries import parse_queries

    parts = {name: given[name] for name in _QUERY if given[name] not in (None, ())}
    if given["query"]:
        if parts:
            raise UsageError("--query stands in place of the other options of a query")
        return tuple(query for text in given["query"] for query in parse_queries(text))
    if not parts:
        return feed.queries
    if len(feed.queries) > 1:
        raise UsageError(
            f"{feed.name} has {len(feed.queries)} queries, and these options make one",
            hint="--query replaces them all; give it once for each.",
        )
    # An empty text takes a part away, as does one empty tag.
    fresh: dict[str, Any] = {name: value or None for name, value in parts.items()}
    if "filter" in parts:
        fresh["filter"] = tuple(filter(None, parts["filter"]))
    if parts.get("sort") == "":
        fresh["sort"] = type(feed.queries[0])().sort
    return (replace(feed.queries[0], **fresh),)


def _rules(rules: Rules, given: Mapping[str, Any]) -> Rules:
    from tui_hub.text import parse_size

    if given["no_rules"]:
        rules = type(rules)()
    for option, name in _LISTS.items():
        if given[option]:
            values: Any = tuple(filter(None, given[option]))
            rules = replace(rules, **{name: values})
    if given["min_downloads"] is not None:
        rules = replace(rules, min_downloads=given["min_downloads"])
    if given["max_size"] is not None:
        rules = replace(rules, max_size=parse_size(given["max_size"] or "0") or None)
    if given["gated"] is not None:
        rules = replace(rules, gated=given["gated"])
    return rules
