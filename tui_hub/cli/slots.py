"""What the verbs of activation share: reading a type's name, and telling how a change ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.cli import documents
from tui_hub.cli.console import Answer
from tui_hub.cli.failures import failure
from tui_hub.domain.errors import NotFoundError

if TYPE_CHECKING:
    from tui_hub.domain.slots import ActivationResult, Slot
    from tui_hub.domain.types import ModelType
    from tui_hub.services import Services


def activation_answer(result: ActivationResult) -> Answer:
    """The answer for a change of a slot."""
    lines = [f"{result.slot.value}: {result.model or 'no model'} is {result.status}"]
    lines += [part for part in (result.path, result.note) if part]
    error = None
    if result.status in ("error", "rolled_back"):
        error = failure("failed", result.error or f"the slot {result.slot.value} was not changed")
    return Answer(
        documents.activation(result),
        lines=[text.clean(line, 4096) for line in lines],
        brief=[] if result.path is None else [text.clean(result.path, 4096)],
        error=error,
    )


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
