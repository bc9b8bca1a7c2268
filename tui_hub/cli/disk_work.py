"""Long work on the disk, drawn on a terminal while it is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from tui_hub.cli.progress import work_line
from tui_hub.events import WorkMoved

if TYPE_CHECKING:
    from tui_hub.cli.console import Console
    from tui_hub.services import Services

_T = TypeVar("_T")


async def drawn(services: Services, console: Console, work: Awaitable[_T]) -> _T:
    """What the work brings; meanwhile one line on stderr shows how it goes on."""
    picture = asyncio.create_task(_draw(services, console))
    try:
        return await work
    finally:
        picture.cancel()
        await asyncio.gather(picture, return_exceptions=True)
        console.progress("")


async def _draw(services: Services, console: Console) -> None:
    with services.bus.subscribe() as events:
        async for event in events:
            if isinstance(event, WorkMoved):
                for one in services.works.pictures():
                    if one.job == event.job:
                        console.progress(work_line(one))
