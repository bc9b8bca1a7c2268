"""`tui-hub versions`: the revisions of a model with what each changed, and names for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.models import Details
    from tui_hub.domain.revisions import Revision, Version
    from tui_hub.services import Services

    Change = Callable[[Services], Awaitable[str]]
    """Names something, and says in words what it did."""

_SHORT = 12


@verb(
    "versions",
    "tui-hub versions org/name --refresh",
    "tui-hub versions org/name --name good",
    "tui-hub download org/name@good",
)
@click.argument("model", type=MODEL)
@click.option("--name", metavar="NAME", help="Name a revision: what is installed, else the newest.")
@click.option("--revision", metavar="REV", help="Name this one: a version, branch, tag or commit.")
@click.option("--variant", metavar="VARIANT", help="Mean one variant by the name.")
@click.option("--rename", nargs=2, metavar="OLD NEW", help="Give a version another name.")
@click.option("--remove", metavar="NAME", help="Take a name back, and files that only it kept.")
@click.option("--refresh", is_flag=True, help="Ask the source for a newer revision first.")
@click.pass_obj
def command(
    options: Options,
    model: str,
    name: str | None,
    revision: str | None,
    variant: str | None,
    rename: tuple[str, str] | None,
    remove: str | None,
    refresh: bool,
) -> int:
    """List a model's revisions and what each changed; or name one.

    A name stands for its revision in `download MODEL@NAME` and `--revision NAME`. No sync takes it
    away. Ollama, addresses and folders give only what they have now: of their models the files
    that are here of a named revision stay when a newer one comes."""
    from tui_hub.cli.references import read_reference
    from tui_hub.cli.running import run

    if sum(bool(one) for one in (name, rename, remove)) > 1:
        raise click.UsageError("Give one of --name, --rename and --remove.")
    wanted = read_reference(options, model, revision)
    if (wanted.revision or variant) and name is None:
        raise click.UsageError("--revision and --variant belong to --name.")
    change = None
    if name is not None:
        change = _naming(wanted.model, name, wanted.revision, variant)
    elif rename is not None:
        change = _renaming(wanted.model, *rename)
    elif remove is not None:
        change = _removing(wanted.model, remove)
    return run(
        options, lambda services, console: _show(services, console, wanted.model, change, refresh)
    )


def name_words(version: Version) -> str:
    """A version in a few words: its name, its revision, its variant."""
    variant = f", {version.variant}" if version.variant else ""
    return f"{version.name} ({version.revision[:_SHORT]}{variant})"


def _removal_words(name: str, freed: int) -> str:
    """What taking a name back did."""
    from tui_hub import text

    return f"{name} is no version any more" + (f"; {text.size(freed)} freed" if freed else "")


def _naming(model: str, name: str, revision: str | None, variant: str | None) -> Change:
    async def work(services: Services) -> str:
        version = await services.versions.name(model, name, revision=revision, variant=variant)
        return f"named: {name_words(version)}"

    return work


def _renaming(model: str, old: str, new: str) -> Change:
    async def work(services: Services) -> str:
        return f"renamed: {name_words(await services.versions.rename(model, old, new))}"

    return work


def _removing(model: str, name: str) -> Change:
    async def work(services: Services) -> str:
        return _removal_words(name, await services.versions.remove(model, name))

    return work


async def _show(
    services: Services, console: Console, model: str, change: Change | None, refresh: bool
) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.references import naming_namesakes
    from tui_hub.text import clean

    async with naming_namesakes(services, model):
        told = None if change is None else clean(await change(services))
        details = await services.repositories.details(model, refresh=refresh and change is None)
    if details.note:
        console.note(details.note)
    return Answer(
        documents.versions(details),
        lines=[told] if told else _lines(console, details),
        brief=[name.name for one in details.versions for name in one.names],
    )


def _lines(console: Console, details: Details) -> Iterator[str]:
    from tui_hub.cli.tables import table

    if not details.versions:
        yield f"No revision of {details.model.id} was seen yet."
        return
    rows = [_row(one, details.installed_revision) for one in details.versions]
    titles = ("REVISION", "MADE", "SEEN", "VERSIONS", "STATUS", "CHANGES")
    heading, *lines = table(titles, rows, width=console.width, flexible=len(titles) - 1)
    yield console.heading(heading)
    yield from lines


def _row(one: Revision, installed: str | None) -> tuple[object, ...]:
    from tui_hub import text
    from tui_hub.services.models.revision_words import change_words

    made = one.facts.committed_at if one.facts is not None else None
    names = [f"{name.name} {name.variant or ''}".strip() for name in one.names]
    return (
        one.revision[:_SHORT],
        text.ago(made) if made else None,
        text.ago(one.seen_at),
        ", ".join(names),
        "installed" if one.revision == installed else "",
        change_words(one),
    )
