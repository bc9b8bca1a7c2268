"""`tui-hub delete`: take a model out of the store."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import INSTALLED
from tui_hub.domain.frozen import dataclass

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer
    from tui_hub.domain.errors import HubError
    from tui_hub.domain.storage import Deletion
    from tui_hub.services import Services


class _Wanted(TypedDict):
    variant: str | None
    deactivate: bool
    forget: bool


@dataclass(frozen=True, slots=True)
class _Wish:
    """What to delete, and how."""

    model: str
    variant: str | None
    deactivate: bool
    forget: bool


@verb(
    "delete",
    "tui-hub delete org/name",
    "tui-hub delete org/name-GGUF --variant Q8_0 --yes",
)
@click.argument("model", type=INSTALLED)
@click.option("--variant", metavar="NAME", help="Delete one variant, and keep the others.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--deactivate", is_flag=True, help="Deactivate it first, if it is active.")
@click.option(
    "--forget", is_flag=True, help="Take a model that you added out of the catalogue too."
)
@click.option("--dry-run", is_flag=True, help="Show what would be freed, and do nothing.")
@click.pass_obj
def command(
    options: Options, model: str, yes: bool, dry_run: bool, **wanted: Unpack[_Wanted]
) -> int:
    """Delete a model's files, those of its named versions too.

    Bytes that another model shares stay. An active model is refused."""
    from tui_hub.cli.running import obtain, run

    wish = _Wish(model, **wanted)
    if wish.forget and wish.variant is not None:
        raise click.UsageError("--forget takes the whole model, not one variant.")
    if dry_run:
        return run(options, lambda services, _: _preview(services, wish))
    if not yes:
        _ask(wish, *obtain(options, lambda services, _: _look(services, wish)))
    return run(options, lambda services, _: _delete(services, wish))


async def _look(services: Services, wish: _Wish) -> tuple[Deletion, HubError | None]:
    """What would be deleted, and why that would be refused."""
    preview = await _measure(services, wish)
    return preview, None if wish.deactivate else await _refusal(services, preview.model, wish)


async def _measure(services: Services, wish: _Wish) -> Deletion:
    """What would go; a model that is to be forgotten need not be here.

    Raises:
        NotFoundError: when there is nothing to delete, or nothing to forget.
    """
    from tui_hub.domain.errors import NotFoundError
    from tui_hub.domain.storage import Deletion

    added = await services.adding.find(wish.model) if wish.forget else None
    if wish.forget and added is None:
        raise NotFoundError(
            f"{wish.model} was never added by hand",
            hint="What a sync brought into the catalogue stays there; leave out --forget.",
        )
    try:
        return await services.storage.preview_delete(wish.model, variant=wish.variant)
    except NotFoundError:
        if added is None:
            raise
        return Deletion(model=added.model, files=0, bytes_freed=0)


async def _refusal(services: Services, model: str, wish: _Wish) -> HubError | None:
    from tui_hub.domain.errors import RefusedError

    for slot in await services.activation.slots():
        if slot.model == model and wish.variant in (None, slot.variant):
            return RefusedError(
                f"{model} is active as {slot.type}",
                hint=f"`tui-hub deactivate {slot.type}` first, or add --deactivate.",
            )
    return None


async def _preview(services: Services, wish: _Wish) -> Answer:
    preview, refusal = await _look(services, wish)
    return _answer(preview, wish, "would be deleted", refusal)


async def _delete(services: Services, wish: _Wish) -> Answer:
    deletion = await _measure(services, wish)
    if deletion.files or not wish.forget:
        deletion = await services.storage.delete(
            wish.model, variant=wish.variant, deactivate=wish.deactivate
        )
    if wish.forget:
        await services.adding.forget(wish.model)
    return _answer(deletion, wish, "deleted")


def _ask(wish: _Wish, preview: Deletion, refusal: HubError | None) -> None:
    """Let the person confirm.

    Raises:
        UsageError: when there is no one to ask.
        HubError: when the answer is no, or the deletion would be refused.
    """
    from tui_hub import text
    from tui_hub.cli.console import is_terminal
    from tui_hub.domain.errors import HubError, UsageError
    from tui_hub.services.storage.deletion_words import files_words

    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise UsageError(
            f"deleting {preview.model} needs a yes, and there is no terminal to ask on",
            hint="Add --yes.",
        )
    if refusal is not None:
        raise refusal
    question = (
        f"Delete {_name(preview, wish.variant)}: {files_words(preview)}, "
        f"{text.size(preview.bytes_freed)} freed{', and forget it' if wish.forget else ''}?"
    )
    if not click.confirm(question, default=False, err=True):
        raise HubError("nothing was deleted")


def _answer(deletion: Deletion, wish: _Wish, done: str, error: HubError | None = None) -> Answer:
    from tui_hub import text
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer
    from tui_hub.services.storage.deletion_words import files_words

    line = (
        f"{_name(deletion, wish.variant)}: {files_words(deletion)} {done}, "
        f"{text.size(deletion.bytes_freed)} freed"
    )
    document = {**documents.deletion(deletion, wish.variant), "forgotten": wish.forget}
    return Answer(document, lines=[line], brief=[], error=error)


def _name(deletion: Deletion, variant: str | None) -> str:
    """The model, and the variant where only that is meant."""
    from tui_hub.text import clean

    return " ".join(clean(name) for name in (deletion.model, variant) if name)
