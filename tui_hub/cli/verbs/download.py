"""`tui-hub download`: bring a model, a variant or single files into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.downloads import Plan
    from tui_hub.domain.errors import HubError
    from tui_hub.services import Services
    from tui_hub.services.downloads.choices import Wishes


@verb(
    "download",
    "tui-hub download org/name",
    "tui-hub download org/name-GGUF --variant Q4_K_M --dry-run",
    "tui-hub download org/name --include '*.safetensors' --detach",
)
@click.argument("model", type=MODEL)
@click.argument("paths", metavar="[FILE]...", nargs=-1)
@click.option("--include", metavar="GLOB", multiple=True, help="Take only files that match.")
@click.option("--exclude", metavar="GLOB", multiple=True, help="Leave out files that match.")
@click.option("--variant", metavar="NAME", help="Take the files of one variant.")
@click.option("--revision", metavar="REV", help="A version, branch, tag or commit.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--detach", is_flag=True, help="Leave it to the agent, and return at once.")
@click.pass_obj
def command(
    options: Options, model: str, dry_run: bool, detach: bool, **wishes: Unpack[Wishes]
) -> int:
    """Download a model, or some of its files.

    Every byte is verified. An interrupted download goes on from the bytes that are here. Ctrl-C
    pauses it.
    """
    from tui_hub.cli.references import read_reference
    from tui_hub.cli.running import run

    if detach and options.demo:
        raise click.UsageError("--detach is not for the demo, whose hub ends with this command.")
    wanted = read_reference(options, model, wishes["revision"])
    wishes["revision"] = wanted.revision
    work = _show_plan if dry_run else _detach if detach else _download
    return run(options, lambda services, console: work(services, console, wanted.model, wishes))


async def _plan(services: Services, console: Console, model: str, wishes: Wishes) -> Plan:
    """The plan of a download, once the person has been told what to know of it."""
    from dataclasses import replace

    from tui_hub.cli.downloading import tell_plan
    from tui_hub.cli.references import naming_namesakes

    async with naming_namesakes(services, model):
        plan = await services.downloads.plan(model, **wishes)
    tell_plan(console, plan)
    advice = _advice(plan, wishes)
    if advice is None:
        return plan
    if not console.json:
        console.note(advice)
    return replace(plan, note="; ".join(filter(None, (plan.note, advice))))


def _advice(plan: Plan, wishes: Wishes) -> str | None:
    """That one variant may be enough, where all of several are about to come."""
    import shlex

    from tui_hub import text
    from tui_hub.domain.artifacts import preferred_variant, variants_of
    from tui_hub.services.downloads.choices import Choice

    chosen = Choice.of(wishes).narrows or plan.variant
    variants = variants_of(plan.files)
    offered = preferred_variant(variants)
    if chosen or offered is None or len(variants) < 2 or not plan.bytes_to_transfer:
        return None
    name = shlex.quote(text.clean(offered.name))
    return (
        f"{len(variants)} variants, together {text.size(plan.bytes_total)}; "
        f"`--variant {name}` takes one"
    )


async def _show_plan(services: Services, console: Console, model: str, wishes: Wishes) -> Answer:
    from tui_hub.cli import download_documents
    from tui_hub.cli.console import Answer

    plan = await _plan(services, console, model, wishes)
    return Answer(
        download_documents.dry_run(plan, plan.variant),
        lines=_plan_lines(console, plan),
        brief=[file.path for file in plan.files],
        error=_refusal(plan),
    )


def _refusal(plan: Plan) -> HubError | None:
    """The error with which the download itself would be refused."""
    from tui_hub.domain.errors import NoSpaceError
    from tui_hub.services.downloads.plans import refuse_if_full

    try:
        refuse_if_full(plan)
    except NoSpaceError as error:
        return error
    return None


def _plan_lines(console: Console, plan: Plan) -> list[str]:
    from tui_hub import text
    from tui_hub.cli.listings import file_table
    from tui_hub.cli.tables import fields

    figures: list[tuple[str, object]] = [
        ("files", f"{len(plan.files)}, {text.size(plan.bytes_total)}"),
        ("to transfer", text.size(plan.bytes_to_transfer)),
        ("already here", text.size(plan.bytes_deduplicated + plan.bytes_resumed)),
        ("disk free", text.size(plan.disk_free)),
        ("disk promised", text.size(plan.disk_reserved)),
        ("size unknown", f"{plan.unknown_sizes} files" if plan.unknown_sizes else None),
    ]
    return [*file_table(console, plan.files), "", *fields(figures)]


async def _download(services: Services, console: Console, model: str, wishes: Wishes) -> Answer:
    from tui_hub.cli import download_documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.downloading import follow_download
    from tui_hub.domain.errors import NoSpaceError

    plan = await _plan(services, console, model, wishes)
    try:
        job = await services.downloads.begin(plan)
    except NoSpaceError as error:
        return Answer(download_documents.refused(plan, plan.variant), error=error)
    return await follow_download(services, console, job, plan)


async def _detach(services: Services, console: Console, model: str, wishes: Wishes) -> Answer:
    from tui_hub.cli import download_documents
    from tui_hub.cli.console import Answer
    from tui_hub.domain.errors import NoSpaceError

    plan = await _plan(services, console, model, wishes)
    try:
        job = await services.downloads.begin(plan, detached=True)
    except NoSpaceError as error:
        return Answer(download_documents.refused(plan, plan.variant), error=error)
    agent = await services.agent.hand_over(job.id)
    picture = await services.downloads.require(job.id)
    details = await services.repositories.details(plan.model, revision=plan.revision)
    return Answer(
        {
            **download_documents.download(picture, details.files, plan),
            "agent": {"host": agent.host, "pid": agent.pid},
        },
        lines=[
            f"{plan.model} is left to process {agent.pid}.",
            f"`tui-hub jobs --follow {job.id}` shows how it goes.",
        ],
        brief=[job.id],
    )
