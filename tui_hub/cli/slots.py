"""What the verbs of activation share: reading a type's name, and telling how a change ended."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.cli import slot_documents
from tui_hub.cli.console import Answer
from tui_hub.cli.failures import failure
from tui_hub.domain.errors import HubError, NotFoundError

if TYPE_CHECKING:
    from tui_hub.domain.slots import ActivationResult, Slot
    from tui_hub.domain.types import ModelType
    from tui_hub.services import Services


async def change_slot(
    change: Awaitable[ActivationResult], slot: ModelType | None, model: str | None
) -> Answer:
    """Wait for a change of a slot; a refused one has the same document, with its error.

    Args:
        change: what a service does.
        slot: the type that was asked for, if one was.
        model: the model that was asked for, as it was typed.
    """
    try:
        result = await change
    except HubError as refusal:
        return Answer(slot_documents.unchanged(slot, model), error=refusal)
    error = None
    if result.status in ("error", "rolled_back"):
        error = failure("failed", result.error or f"the slot {result.slot.value} was not changed")
    return Answer(
        slot_documents.activation(result),
        lines=[text.clean(line, 4096) for line in _lines(result)],
        brief=[] if result.path is None else [text.clean(result.path, 4096)],
        error=error,
    )


def _lines(result: ActivationResult) -> list[str]:
    if result.status == "inactive":
        told = f"{result.previous or result.model} is no longer active"
    else:
        told = f"{result.model or 'no model'} is {result.status}"
        if result.previous not in (None, result.model):
            told += f", in place of {result.previous}"
    lines = (f"{result.slot.value}: {told}", result.path, result.note)
    return [line for line in lines if line]


def empty_slot(kind: ModelType) -> NotFoundError:
    """The error for a slot without a model."""
    return NotFoundError(
        f"no model is active for {kind.value}",
        hint=f"`tui-hub activate MODEL --type {kind.value}` makes one active.",
    )


async def active_slot(services: Services, kind: ModelType) -> Slot:
    """The slot of a type.

    Raises:
        NotFoundError: when it is empty.
    """
    slot = await services.activation.active(kind)
    if slot is None:
        raise empty_slot(kind)
    return slot
