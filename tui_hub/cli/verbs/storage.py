"""`tui-hub storage`: what the store takes, and what it saves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.storage import ModelUsage, StorageUsage
    from tui_hub.services import Services


@verb(
    "storage",
    "tui-hub storage",
    "tui-hub storage --json | jq .bytes_saved",
)
@click.pass_obj
def command(options: Options) -> int:
    """Show what the store takes, and what deleting each model would really free.

    USED says when this home last activated a model or handed it out; what opens its folder by
    itself is not seen.
    """
    from tui_hub.cli.running import run

    return run(options, _storage)


async def _storage(services: Services, console: Console) -> Answer:
    from tui_hub.cli import store_documents
    from tui_hub.cli.console import Answer
    from tui_hub.services.storage.quota import over_quota

    usage = await services.storage.usage()
    warning = over_quota(usage.used, usage.quota)
    if warning is not None:
        console.note(f"warning: {warning}")
    return Answer(store_documents.storage(usage), lines=_lines(console, usage), brief=[usage.path])


def _lines(console: Console, usage: StorageUsage) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.tables import fields

    quota = f"{text.size(usage.used)} of {text.size(usage.quota)}" if usage.quota else None
    unused = sum(one.bytes_freed for one in usage.never_used)
    yield from fields(
        [
            ("store", usage.path),
            ("blobs", text.grouped(usage.blobs)),
            ("size", text.size(usage.bytes)),
            ("shared", f"{text.size(usage.bytes_saved)} saved"),
            ("elsewhere", text.size(usage.referenced_bytes) if usage.referenced_bytes else None),
            ("unfinished", _unfinished(usage)),
            ("quarantine", text.size(usage.quarantined_bytes) if usage.quarantined_bytes else None),
            ("never used", f"{text.size(unused)} would be free" if usage.never_used else None),
            ("quota", quota),
            ("disk", f"{text.size(usage.disk_free)} free of {text.size(usage.disk_total)}"),
        ]
    )
    yield from _largest_first(console, "TYPE", usage.by_type)
    yield from _largest_first(console, "SOURCE", usage.by_source)
    yield from _models(console, usage)


def _unfinished(usage: StorageUsage) -> str | None:
    """The disk that unfinished downloads take, and how much of that has arrived."""
    from tui_hub import text

    if not usage.partial_bytes:
        return None
    return f"{text.size(usage.partial_bytes)} on disk, {text.size(usage.partial_arrived)} arrived"


def _models(console: Console, usage: StorageUsage) -> Iterator[str]:
    from tui_hub import text

    rows = [
        (
            one.model,
            text.size(one.bytes),
            text.size(one.bytes_freed),
            text.ago(one.installed_at) if one.installed_at else None,
            "active" if one.active else text.ago(one.last_used) if one.last_used else "never",
            _loss(one),
        )
        for one in usage.models
    ]
    if rows:
        yield ""
        yield from _table(console, ("MODEL", ">SIZE", ">FREES", "INSTALLED", "USED", ""), rows)


def _loss(one: ModelUsage) -> str:
    """What to do about a model that is not whole any more."""
    if not one.lost:
        return ""
    files = "1 file is" if one.lost == 1 else f"{one.lost} files are"
    return f"{files} lost; `tui-hub download {one.model}` brings it back"


def _largest_first(console: Console, title: str, sizes: dict[str, int]) -> Iterator[str]:
    from tui_hub import text

    if sizes:
        rows = [
            (name, text.size(size))
            for name, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
        ]
        yield ""
        yield from _table(console, (title, ">SIZE"), rows)


def _table(
    console: Console, titles: Sequence[str], rows: Sequence[Sequence[object]]
) -> Iterator[str]:
    from tui_hub.cli.tables import table

    heading, *lines = table(titles, rows, width=console.width)
    yield console.heading(heading)
    yield from lines
