"""`tui-hub requirements`: what a model takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL, workload

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.cli.fits import Question
    from tui_hub.domain.fit import FitReport
    from tui_hub.services import Services


@verb(
    "requirements",
    "tui-hub requirements org/name",
    "tui-hub requirements org/name-GGUF --variant Q4_K_M",
)
@click.argument("model", type=MODEL)
@click.option("--variant", metavar="NAME", help="The variant that is meant.")
@click.option("--revision", metavar="REV", help="A version, branch, tag or commit.")
@workload
@click.pass_obj
def command(
    options: Options,
    model: str,
    variant: str | None,
    revision: str | None,
    context: int | None,
    batch: int,
) -> int:
    """Show what a model takes of this box.

    Memory, disk, torch, access, and what its maker asks for.
    """
    from tui_hub.cli.fits import Question
    from tui_hub.cli.references import read_reference
    from tui_hub.cli.running import run

    wanted = read_reference(options, model, revision)
    asked = Question(wanted, variant, context, batch)
    return run(options, lambda services, console: _requirements(services, console, asked))


async def _requirements(services: Services, console: Console, asked: Question) -> Answer:
    from tui_hub.cli import fit_documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.fits import ask

    report = await ask(services, asked)
    return Answer(fit_documents.requirements(report), lines=_lines(console, report))


def _lines(console: Console, report: FitReport) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.fits import disk_words, need_table, types_words
    from tui_hub.cli.tables import fields

    model, asked = report.model, report.requires.get("gpu_memory")
    yield console.heading(model.id)
    yield from fields(
        [
            ("variant", report.variant),
            ("format", report.format),
            ("library", model.library),
            ("licence", model.license),
            ("gated", model.gated or None),
            ("memory", text.size(report.judgement.bytes) if report.judgement.need else "not known"),
            ("types", types_words(report)),
            ("disk", disk_words(report)),
            ("maker asks", f"{text.size(asked)} of GPU memory" if isinstance(asked, int) else None),
            ("torch", report.torch or report.torch_trouble),
            *(("warning", warning) for warning in report.warnings),
        ]
    )
    if report.judgement.need:
        yield ""
    yield from need_table(console, report)
