"""Going offline while the program runs, and online again."""

from __future__ import annotations

from tui_hub.events import ScheduleChanged
from tui_hub.services.context import Context
from tui_hub.services.downloads.service import Downloads


class Network:
    """Whether this process opens connections."""

    def __init__(self, context: Context, downloads: Downloads) -> None:
        self._context = context
        self._downloads = downloads

    @property
    def offline(self) -> bool:
        """Whether it opens none now."""
        return self._context.configuration.offline

    async def go_offline(self) -> int:
        """Open no connection from now on; how many downloads rest until it is online again."""
        self._context.configuration.line.offline = True
        self._context.bus.publish(ScheduleChanged())
        return await self._downloads.interrupt("the program went offline")

    def go_online(self) -> None:
        """Open connections again; `agent.tend` goes on with the downloads that rest."""
        self._context.configuration.line.offline = False
        self._context.bus.publish(ScheduleChanged())
