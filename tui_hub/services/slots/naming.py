"""The slot that a person means."""

from __future__ import annotations

from tui_hub import text
from tui_hub.domain.errors import NotFoundError, RefusedError
from tui_hub.domain.slots import Slot, empty_slot
from tui_hub.domain.types import ModelType
from tui_hub.services.context import Context, is_model_id
from tui_hub.services.slots.standing import read_slots
from tui_hub.services.sync.renames import name_here


async def named_slot(context: Context, target: str | ModelType) -> Slot:
    """The slot that is named by its type or by its model.

    Raises:
        NotFoundError: when it is empty, or the model is in none.
        RefusedError: when the model is in several.
    """
    wanted = str(target)
    by_type = {kind.value: slot for kind, slot in (await read_slots(context)).items()}
    if wanted in by_type:
        return by_type[wanted]
    if wanted in set(ModelType):
        raise empty_slot(ModelType(wanted))
    if is_model_id(wanted):
        wanted = await name_here(context, wanted)
        found = [kind for kind, slot in by_type.items() if slot.model == wanted]
        if len(found) > 1:
            raise RefusedError(
                f"{wanted} is active as {' and as '.join(sorted(found))}",
                hint="Name the slot that is meant, by its type.",
            )
        if found:
            return by_type[found[0]]
    raise NotFoundError(
        f"no slot holds {text.clean(wanted, 80)}", hint="`tui-hub active` lists the slots."
    )
