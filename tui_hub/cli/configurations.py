"""A model's configuration as a document, and for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.cli.documents import Document
from tui_hub.cli.tables import table

if TYPE_CHECKING:
    from tui_hub.cli.console import Console
    from tui_hub.domain.configuration import ConfigurationReport, ModelConfiguration


def document(report: ConfigurationReport) -> Document:
    """What is set, what counts and why, and what was set before."""
    return {
        "model": report.model,
        "version": report.version,
        "configuration": report.configuration.values,
        "effective": {
            key: {"value": one.value, "origin": one.origin.value}
            for key, one in report.effective.items()
        },
        "versions": [
            {"version": one.version, "at": one.at, "configuration": one.configuration.values}
            for one in report.versions
        ],
        "consents": [asdict(one) for one in report.consents],
        "active": bool(report.active),
        "reload_needed": bool(report.stale),
        "notes": list(report.notes),
    }


def lines(console: Console, report: ConfigurationReport, *, reload: bool) -> Iterator[str]:
    """The same for a person; one who has asked for the reload is not told of it."""
    rows = [(key, one.value, one.origin.value) for key, one in report.effective.items()]
    heading, *values = table(("KEY", "VALUE", "FROM"), rows, width=console.width, flexible=1)
    yield console.heading(heading)
    yield from values
    for one in report.consents:
        yield ""
        yield (
            f"{text.clean(one.path)} is a pickle; {text.clean(one.by)} agreed {text.ago(one.at)} "
            "that torch takes nothing but weights from it. `--refuse-pickle` takes that back."
        )
    if report.versions:
        yield ""
        changes = [
            (one.version, text.ago(one.at), _words(one.configuration)) for one in report.versions
        ]
        titles = (">VERSION", "SET", "VALUES")
        heading, *older = table(titles, changes, width=console.width, flexible=2)
        yield console.heading(heading)
        yield from older
    for note in report.notes:
        yield ""
        yield f"note: {note}"
    for kind in () if reload else report.stale:
        yield ""
        yield (
            f"{text.clean(report.model)} is active as {kind.value}, loaded in another way: "
            f"`tui-hub reload {kind.value}` takes this over."
        )


def brief(report: ConfigurationReport) -> list[str]:
    """What is set, as it would be typed."""
    return [f"{key}={text.clean(str(one))}" for key, one in report.configuration.values.items()]


def _words(configuration: ModelConfiguration) -> str:
    return " ".join(f"{key}={value}" for key, value in configuration.values.items()) or "nothing"
