"""`tui-hub show`: everything known of one model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.cli.references import Reference
    from tui_hub.domain.models import Details, Model
    from tui_hub.services import Services

_DESCRIPTION = 2000
_STAR = "★"
_GPU_MEMORY = "gpu_memory"
"""The requirement that is a number of bytes."""


@verb(
    "show",
    "tui-hub show org/name",
    "tui-hub show org/name --card | less",
)
@click.argument("model", type=MODEL)
@click.option("--revision", metavar="REV", help="A version, branch, tag or commit.")
@click.option("--refresh", is_flag=True, help="Ask the source even when the files are known.")
@click.option("--card", is_flag=True, help="Print the model's card instead, as Markdown.")
@click.pass_obj
def command(options: Options, model: str, revision: str | None, refresh: bool, card: bool) -> int:
    """Show everything known of a model."""
    from tui_hub.cli.references import read_reference
    from tui_hub.cli.running import run

    wanted = read_reference(options, model, revision)
    if card:
        return run(options, lambda services, _: _card(services, wanted.model))
    return run(options, lambda services, console: _show(services, console, wanted, refresh))


async def _card(services: Services, model: str) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.references import naming_namesakes
    from tui_hub.domain.errors import NotFoundError
    from tui_hub.text import clean

    async with naming_namesakes(services, model):
        details = await services.repositories.details(model)
    text = await services.repositories.card(model)
    if text is None:
        raise NotFoundError(f"{details.model.id} has no card")
    shown = clean(text, len(text), lines=True)
    return Answer({**documents.model(details.model), "card": text}, lines=[shown])


async def _show(services: Services, console: Console, wanted: Reference, refresh: bool) -> Answer:
    from dataclasses import replace

    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.references import naming_namesakes

    async with naming_namesakes(services, wanted.model):
        details = await services.repositories.details(
            wanted.model, revision=wanted.revision, refresh=refresh
        )
    if details.note:
        console.note(details.note)
    (model,) = await services.catalogue.with_fit([details.model])
    details = replace(details, model=model)
    return Answer(documents.show(details), lines=_lines(console, details), brief=[details.model.id])


def _lines(console: Console, details: Details) -> Iterator[str]:
    from tui_hub.cli.listings import file_table, is_downloading
    from tui_hub.cli.tables import fields
    from tui_hub.domain.published import benchmark_lines
    from tui_hub.text import clean

    star = f" {_STAR}" if details.edit and details.edit.favourite else ""
    yield console.heading(details.model.id + star)
    yield from fields(_facts(details))
    if details.model.description:
        yield ""
        yield clean(details.model.description, _DESCRIPTION, lines=True)
    results = [clean(line) for line in benchmark_lines(details.model)]
    if results:
        yield ""
        yield console.heading("BENCHMARKS")
        yield from results
    if details.variants:
        yield ""
        yield from _variants(console, details)
    if details.files:
        yield ""
        yield from file_table(console, details.files, running=is_downloading(details.model))
    for reason in details.unsafe:
        yield f"refused: {clean(reason)}"


def _facts(details: Details) -> list[tuple[str, object]]:
    from tui_hub import text
    from tui_hub.cli.listings import registration_pairs, status_words
    from tui_hub.domain.losses import lost_words
    from tui_hub.domain.published import published_pairs

    model = details.model
    return [
        ("maker", model.facts.get("maker")),
        ("type", model.type.value),
        ("task", model.task),
        ("library", model.library),
        ("licence", model.license),
        ("gated", model.gated or None),
        ("released", model.facts.get("released")),
        ("closed", "service only" if model.facts.get("closed") else None),
        ("hosted", "service only" if model.facts.get("hosted") else None),
        ("runs", _count(model.facts.get("runs"))),
        ("limits", model.facts.get("limits")),
        ("parameters", None if model.params is None else text.count(model.params)),
        ("quantised", model.facts.get("quantization")),
        ("context", _count(model.facts.get("context_length"))),
        ("can do", _words(model.facts.get("capabilities"))),
        ("size", text.size_words(model, details.installed_size)),
        *_popularity(model),
        ("updated", text.ago(model.last_modified) if model.last_modified else None),
        ("revision", details.revision),
        ("to download", details.pinned_revision and f"{details.pinned_revision}, as imported"),
        *_history(details),
        ("status", status_words(model.status)),
        ("lost", lost_words(details.files)),
        *published_pairs(model, text.now()[:10]),
        ("removed", "vanished upstream" if model.removed else None),
        ("taken from", model.facts.get("folder")),
        ("in Ollama as", model.facts.get("daemon")),
        ("path", details.path),
        ("note", details.edit.note if details.edit else None),
        *registration_pairs(details.registration),
        *details.links.items(),
        *_requirements(details.requirements),
    ]


def _count(value: object) -> str | None:
    from tui_hub import text

    return text.grouped(value) if isinstance(value, int) else None


def _words(value: object) -> str | None:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else None


def _history(details: Details) -> list[tuple[str, object]]:
    """What the newest revision changed, and the names that the user gave to revisions."""
    from tui_hub.cli.verbs.versions import name_words
    from tui_hub.services.models.revision_words import change_words

    names = [name_words(name) for one in details.versions for name in one.names]
    newest = next((one for one in details.versions if one.changes is not None), None)
    return [
        ("changed", change_words(newest) if newest is not None else None),
        ("versions", ", ".join(sorted(names))),
    ]


def _popularity(model: Model) -> list[tuple[str, object]]:
    """How much it is used, where somebody counts that: a hub does, a shipped list does not."""
    from tui_hub import text

    if model.origin == "curated" or model.source != "hf":
        return []
    return [
        ("downloads", f"{text.grouped(model.downloads)} in 30 days"),
        ("likes", text.grouped(model.likes)),
    ]


def _requirements(requirements: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    from tui_hub import text

    for name, value in requirements.items():
        if name == _GPU_MEMORY and isinstance(value, int):
            yield "needs GPU memory", text.size(value)
        else:
            yield f"needs {name}", str(value)


def _variants(console: Console, details: Details) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.tables import table

    rows = [
        (
            variant.name,
            variant.format,
            len(variant.paths),
            text.size(variant.size),
            "installed" if variant.name in details.installed_variants else "",
        )
        for variant in details.variants
    ]
    titles = ("VARIANT", "FORMAT", ">FILES", ">SIZE", "STATUS")
    heading, *lines = table(titles, rows, width=console.width)
    yield console.heading(heading)
    yield from lines
