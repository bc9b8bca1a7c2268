"""Whether a person is to be greeted: once in the life of a home."""

from __future__ import annotations

from tui_hub.services.context import Context

_MARK = "greeted"


class Greeting:
    """Remembers that a person has been greeted."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def due(self) -> bool:
        """Whether this home is new: nothing is in it, and nobody was greeted."""
        if await self._context.hub.marks.get(_MARK) is not None:
            return False
        return await self._context.catalogue.models.total() == 0

    async def done(self) -> None:
        """Greet nobody any more."""
        await self._context.hub.marks.put(_MARK, 1)
