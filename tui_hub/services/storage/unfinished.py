"""What interrupted downloads left of a model's files."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub.domain.artifacts import Artifact, partial_key
from tui_hub.domain.frozen import dataclass
from tui_hub.services.context import Context
from tui_hub.services.downloads.awaited import awaited


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Files that nobody is at work on, and no download of another model is to go on with."""

    keys: frozenset[str]
    bytes: int
    """Disk that they take."""


async def unfinished(
    context: Context, model: str, among: Sequence[Artifact] | None = None
) -> Unfinished:
    """The unfinished files of a model, or those of them that are named."""
    files = await context.hub.artifacts.all_of(model) if among is None else among
    wanted = {partial_key(file) for file in files} - await awaited(context.hub, but=model)

    def look() -> Unfinished:
        found = [one for one in context.store.partials() if one.left and one.key in wanted]
        keys = frozenset(one.key for one in found)
        return Unfinished(keys, sum(one.allocated for one in found))

    return await context.on_disk(look)
