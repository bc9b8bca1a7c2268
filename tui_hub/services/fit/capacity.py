"""How large this box was when last looked at: reading its cards takes longer than a search."""

from __future__ import annotations

from dataclasses import asdict, fields

from tui_hub.domain.stored_need import Capacity
from tui_hub.services.context import Context

_MARK = "capacity "


async def stored_capacity(context: Context) -> Capacity | None:
    """The memory of this box as it was last seen; `None` where nobody has looked yet."""
    marks = context.hub.marks
    found: dict[str, int] = {}
    for field in fields(Capacity):
        value = await marks.get(_MARK + field.name)
        if value is None:
            return None
        found[field.name] = value
    return Capacity(**found)


async def keep_capacity(context: Context, capacity: Capacity) -> None:
    """Remember it, where it is another one."""
    if await stored_capacity(context) != capacity:
        for name, value in asdict(capacity).items():
            await context.hub.marks.put(_MARK + name, value)
