"""The process that keeps a server of the user's running, started from `server_child.py`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tui_hub.domain.runtime import ServerOrder, ServerStatus
from tui_hub.runtime.children import ANSWER_SECONDS, Child

_SCRIPT = Path(__file__).with_name("server_child.py")
_START_SECONDS = 30.0
MARK = "TUI_HUB_SERVER"
"""Names the child to the server and to all that it starts, so that they are known to be ours."""


class ServerChild(Child):
    """A living child with a server. `start` makes one, `attach` finds one."""

    @classmethod
    async def start(
        cls, *, folder: Path, name: str, log: Path, environment: Mapping[str, str]
    ) -> ServerChild:
        """Start a child that ends with this process, or with `close`, until it is kept.

        Args:
            folder: where its socket lives; made for this user alone.
            name: the file name of the socket.
            log: a file for what it says; begun afresh.
            environment: passed on without secrets.

        Raises:
            HubError: when it does not come up.
            RefusedError: when a child of that name lives already.
        """
        return await cls._start(
            # Without the script's own folder on the path: its neighbours are no modules.
            [sys.executable, "-P", str(_SCRIPT)],
            folder=folder,
            name=name,
            log=log,
            environment={**environment, MARK: name},
            timeout=_START_SECONDS,
        )

    async def serve(self, order: ServerOrder) -> None:
        """Start the server, and wait until it is ready.

        Raises:
            ServerFailedError: when it does not get ready, with its last words.
        """
        await self._ask(dict, "serve", order=msgspec.to_builtins(order))

    async def status(self) -> ServerStatus:
        """What the child says of the server.

        Raises:
            HubError: when it does not answer, or is gone.
        """
        return await self._ask(ServerStatus, "status", timeout=ANSWER_SECONDS)
