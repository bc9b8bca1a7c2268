"""`tui-hub check`: whether a model fits this box, before it is downloaded."""

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
    "check",
    "tui-hub check org/name",
    "tui-hub check org/name-GGUF --variant Q4_K_M --json",
    "tui-hub check org/name --context 32768 --batch 4",
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
    """Say whether a model fits this box.

    It reads the headers of the weights files and downloads no weights. Without --variant it is
    about what is installed, else about what a download would offer first. Whatever the verdict,
    the exit code is 0.
    """
    from tui_hub.cli.fits import Question
    from tui_hub.cli.references import read_reference
    from tui_hub.cli.running import run

    wanted = read_reference(options, model, revision)
    asked = Question(wanted, variant, context, batch)
    return run(options, lambda services, console: _check(services, console, asked))


async def _check(services: Services, console: Console, asked: Question) -> Answer:
    from tui_hub.cli import fit_documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.fits import ask

    report = await ask(services, asked)
    return Answer(
        fit_documents.check(report),
        lines=_lines(console, report),
        brief=[report.judgement.verdict.value],
    )


def _lines(console: Console, report: FitReport) -> Iterator[str]:
    from tui_hub.cli.fits import device_table, disk_words, need_table, types_words
    from tui_hub.cli.tables import fields
    from tui_hub.services.fit.words import verdict_words
    from tui_hub.text import clean

    name = f"{report.model.id} {report.variant}" if report.variant else report.model.id
    yield console.heading(clean(f"{name}: {verdict_words(report)}"))
    yield ""
    yield from need_table(console, report)
    if report.judgement.need:
        yield ""
    yield from device_table(console, report)
    yield ""
    yield from fields(
        [
            ("types", types_words(report)),
            ("disk", disk_words(report)),
            ("torch", report.torch or report.torch_trouble),
            *(("warning", warning) for warning in report.warnings),
        ]
    )
