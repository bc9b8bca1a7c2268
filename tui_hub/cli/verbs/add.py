"""`tui-hub add`: take one model into the catalogue, from a source or from anywhere else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL_TYPE, SIZE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tui_hub.cli.console import Answer
    from tui_hub.domain.additions import Proposal
    from tui_hub.domain.errors import ConsentError
    from tui_hub.domain.models import Model
    from tui_hub.domain.types import ModelType
    from tui_hub.services import Services


class Facts(TypedDict):
    """What the person tells of the model."""

    name: str | None
    type: ModelType | None
    sha256: tuple[str, ...]
    md5: tuple[str, ...]
    license: str | None
    gpu_memory: int | None
    torch: str | None


@verb(
    "add",
    "tui-hub add org/name",
    "tui-hub add https://example.org/a.safetensors --name mine --type llm --sha256 HEX",
    "tui-hub add ~/models/mine --name mine --type image_gen",
)
@click.argument("places", metavar="MODEL|ADDRESS...|PATH", nargs=-1, required=True)
@click.option("--name", metavar="NAME", help="What to call it, if it comes from elsewhere.")
@click.option("--type", "type", type=MODEL_TYPE, help="What it is for.")
@click.option(
    "--sha256", metavar="[FILE=]HEX", multiple=True, help="What the SHA-256 of a file must be."
)
@click.option("--md5", metavar="[FILE=]HEX", multiple=True, help="What the MD5 of a file must be.")
@click.option("--license", metavar="NAME", help="Its licence.")
@click.option(
    "--requires-memory", "gpu_memory", metavar="SIZE", type=SIZE, help="GPU memory it needs: 8GiB."
)
@click.option("--requires-torch", "torch", metavar="VERSION", help="The oldest torch that will do.")
@click.option("--yes", is_flag=True, help="Trust the host, and replace a model of that name.")
@click.pass_obj
def command(options: Options, places: tuple[str, ...], yes: bool, **facts: Unpack[Facts]) -> int:
    """Add one model to the catalogue.

    A repository by its id or the address of its page; or a model of your own by the addresses of
    its files, or by the folder or file on this box that it lies in. `download` then fetches or
    takes in its files, verified. The definition stays until `delete --forget`."""
    from tui_hub.cli.running import run
    from tui_hub.domain.additions import Consent
    from tui_hub.domain.errors import ConsentError
    from tui_hub.services.models.references import is_place

    configuration = options.configuration()
    if not any(is_place(place, configuration) for place in places):
        model = _only(options, places, facts)
        return run(options, lambda services, _: _add(services, model, facts["type"]))
    proposal = _proposal(places, facts)
    consents: set[str] = set(Consent) if yes else set()
    while True:
        try:
            return run(options, lambda services, _: _add_own(services, proposal, consents))
        except ConsentError as needed:
            _ask(needed)
            consents.add(needed.about)


def _only(options: Options, places: Sequence[str], facts: Facts) -> str:
    """The one repository that is meant.

    Raises:
        UsageError: when there are several, or facts are told that its source knows better.
    """
    from tui_hub.cli.references import read_reference
    from tui_hub.domain.errors import UsageError
    from tui_hub.domain.identifiers import ModelId

    hint = "A path begins with ./, / or ~, an address with https://."
    if len(places) > 1:
        raise UsageError("several ids are given, and one model is added at a time", hint=hint)
    if any(value for name, value in facts.items() if name != "type"):
        raise UsageError(f"{places[0][:80]!r} has a source, which tells all but --type", hint=hint)
    return str(ModelId.parse(read_reference(options, places[0]).model))


def _proposal(places: Sequence[str], facts: Facts) -> Proposal:
    from tui_hub.domain.additions import Proposal

    return Proposal(places=tuple(places), **facts)


def _ask(needed: ConsentError) -> None:
    """Let the person say yes.

    Raises:
        ConsentError: when there is no one to ask.
        HubError: when the answer is no.
    """
    from tui_hub.cli.console import is_terminal
    from tui_hub.domain.errors import HubError

    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise needed
    if not click.confirm(needed.question, default=False, err=True):
        raise HubError("nothing was added")


async def _add(services: Services, model: str, kind: ModelType | None) -> Answer:
    from pathlib import Path

    from tui_hub.cli.references import naming_namesakes
    from tui_hub.domain.errors import NotFoundError, UnreachableError

    try:
        async with naming_namesakes(services, model):
            entry = await services.catalogue.get(model)
    except (NotFoundError, UnreachableError) as error:
        path = Path(model.partition(":")[2])
        if path.exists():
            error.hint = f"If the one on this box is meant: `tui-hub add ./{path}`."
        raise
    if kind is not None:
        entry = await services.catalogue.edit(entry.id, type=kind)
    return _answer(entry, f"{entry.id} is in the catalogue")


async def _add_own(services: Services, proposal: Proposal, consents: Collection[str]) -> Answer:
    from tui_hub import text

    entry = await services.adding.add(proposal, consents)
    addition = await services.adding.find(entry.id)
    count = len(addition.files) if addition is not None else 0
    files = "1 file" if count == 1 else f"{count} files"
    size = "of unknown size" if entry.size is None else text.size(entry.size)
    return _answer(
        entry,
        f"{entry.id} is in the catalogue: {files}, {size}",
        f"`tui-hub download {entry.id}` brings it into the store.",
    )


def _answer(entry: Model, *lines: str) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer

    return Answer(documents.model(entry), lines=lines, brief=[entry.id])
