"""`tui-hub gc`: sweep what nothing in the store needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.garbage import Garbage
    from tui_hub.services import Services


@verb(
    "gc",
    "tui-hub gc --dry-run",
    "tui-hub gc --quarantined-before 30d",
)
@click.option("--dry-run", is_flag=True, help="Show what would go, and do nothing.")
@click.option(
    "--quarantined-before",
    metavar="WHEN",
    help="Delete damaged bytes too that were moved away before: 30d, or a date.",
)
@click.pass_obj
def command(options: Options, dry_run: bool, quarantined_before: str | None) -> int:
    """Sweep what nothing in the store needs.

    Blobs that belong to no installed model and no running process, of whichever home; unfinished
    files that nobody came back for in a week; folders, links and small files of models that are
    gone. It is safe beside everything else that uses the store.

    Damaged bytes that `verify` moved away go only with --quarantined-before.
    """
    from tui_hub.cli.moments import parse_moment
    from tui_hub.cli.running import run

    before = parse_moment(quarantined_before)
    return run(options, lambda services, console: _gc(services, console, before, dry_run))


async def _gc(services: Services, console: Console, before: str | None, dry_run: bool) -> Answer:
    from tui_hub.cli import store_documents
    from tui_hub.cli.console import Answer

    work = services.garbage.look if dry_run else services.garbage.sweep
    found = await work(quarantined_before=before)
    return Answer(
        store_documents.garbage(found),
        lines=_lines(console, found),
        brief=[piece.path for piece in found.pieces],
    )


def _lines(console: Console, found: Garbage) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.tables import table

    if found.pieces:
        rows = [(piece.kind.value, text.size(piece.bytes), piece.path) for piece in found.pieces]
        heading, *lines = table(("WHAT", ">SIZE", "PATH"), rows, width=console.width, flexible=2)
        yield console.heading(heading)
        yield from lines
        yield ""
    done = "would go" if found.dry_run else "are gone"
    freed = "would be free" if found.dry_run else "freed"
    yield f"{len(found.pieces)} pieces {done}, {text.size(found.bytes)} {freed}."
    if found.quarantined:
        yield (
            f"{text.size(found.quarantined)} of damaged bytes stay in quarantine; "
            "`tui-hub gc --quarantined-before 0m` deletes them."
        )
    if found.kept:
        yield f"{found.kept} blobs stay for downloads that wait to go on."
