"""`tui-hub storage`: what the store takes, and what it saves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.storage import StorageUsage
    from tui_hub.services import Services


@verb("storage")
@click.pass_obj
def command(options: Options) -> int:
    """Show what the store takes."""
    from tui_hub.cli.running import run

    return run(options, _storage)


async def _storage(services: Services, console: Console) -> Answer:
    from tui_hub.cli import store_documents
    from tui_hub.cli.console import Answer

    usage = await services.storage.usage()
    return Answer(store_documents.storage(usage), lines=_lines(console, usage), brief=[usage.path])


def _lines(console: Console, usage: StorageUsage) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.tables import fields

    yield from fields(
        [
            ("store", usage.path),
            ("blobs", text.grouped(usage.blobs)),
            ("size", text.size(usage.bytes)),
            ("shared", f"{text.size(usage.bytes_saved)} saved"),
            ("unfinished", text.size(usage.partial_bytes) if usage.partial_bytes else None),
            ("disk", f"{text.size(usage.disk_free)} free of {text.size(usage.disk_total)}"),
        ]
    )
    yield from _largest_first(console, "TYPE", usage.by_type)
    yield from _largest_first(console, "MODEL", usage.by_model)


def _largest_first(console: Console, title: str, sizes: dict[str, int]) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.tables import table

    if sizes:
        rows = [
            (name, text.size(size))
            for name, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
        ]
        heading, *lines = table((title, ">SIZE"), rows, width=console.width)
        yield ""
        yield console.heading(heading)
        yield from lines
