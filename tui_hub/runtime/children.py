"""A process that holds a model, as its parent sees it.

It is started from a script of this package, outlives this process once it is kept, and is found
again by its socket. What it holds and how is the affair of its kind: `torch_children`,
`server_children`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from tui_hub import processes, text
from tui_hub.domain.errors import HubError, RefusedError, UnsafeError
from tui_hub.domain.jobs import Owner
from tui_hub.runtime.conversation import Conversation, FailureAnswer
from tui_hub.runtime.refusals import refusal
from tui_hub.runtime.sockets import connect
from tui_hub.runtime.spawning import Process, spawn
from tui_hub.runtime.torch_child.process import peer

ANSWER_SECONDS = 10.0
"""Seconds for an answer that takes no work."""
_POLL_SECONDS = 0.02

_T = TypeVar("_T")


class Child:
    """A living child. `start` makes one, `attach` finds one; `end` or `close` when done with it."""

    def __init__(
        self,
        conversation: Conversation,
        owner: Owner,
        process: Process | None = None,
        *,
        visible: bool = True,
    ) -> None:
        self._conversation = conversation
        self._process = process
        self._visible = visible
        self.owner = owner
        """The child's identity, by which a later process with its pid is told apart."""

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self.owner.pid

    @classmethod
    async def _start(
        cls,
        python: Sequence[str],
        *,
        folder: Path,
        name: str,
        log: Path,
        environment: Mapping[str, str],
        timeout: float,
    ) -> Self:
        """Start a child that ends with this process, or with `close`, until it is kept.

        Args:
            python: the Python and its script.
            folder: where its socket lives; made for this user alone.
            name: the file name of the socket.
            log: a file for what it says; begun afresh.
            environment: passed on without secrets.
            timeout: seconds until it must have answered.

        Raises:
            HubError: when that Python cannot be run or does not answer.
            RefusedError: when a child of that name lives already.
        """
        living = await cls.attach(folder, name)
        if living is not None:
            await living.close()
            raise RefusedError(f"a process {name} runs already, with the pid {living.pid}")
        ours, theirs = socket.socketpair()

        command = [*python, name, str(theirs.fileno())]
        try:
            process = await asyncio.to_thread(
                spawn, command, folder=folder, log=log, environment=environment, inherited=theirs
            )
        except BaseException:
            ours.close()
            raise
        conversation = await Conversation.over(ours)
        try:
            pid = await _first_word(conversation, process, command[0], timeout)
        except BaseException:
            await conversation.close()
            raise
        return cls(conversation, processes.identity(pid), process)

    @classmethod
    async def attach(cls, folder: Path, name: str) -> Self | None:
        """The child of that name, if one lives; a socket that a dead one left is removed.

        Raises:
            UnsafeError: when another user's process answers there.
            HubError: when whatever lives there does not answer as a child does.
        """
        connection = await asyncio.to_thread(connect, folder, name)
        if connection is None:
            return None
        pid, user = peer(connection)
        conversation = await Conversation.over(connection)
        try:
            if user != os.getuid():
                raise UnsafeError(f"the process behind {folder / name} is another user's")
            async with asyncio.timeout(ANSWER_SECONDS):
                told = await conversation.hello()
            if pid is None:
                # It lives in another container: its number means another process here.
                return cls(conversation, processes.nobody(told), visible=False)
            return cls(conversation, processes.identity(pid))
        except BaseException as error:
            await conversation.close()
            if isinstance(error, ConnectionResetError):
                return None
            if isinstance(error, TimeoutError | ConnectionError):
                raise HubError(
                    f"the process {pid} behind {folder / name} does not answer",
                    hint=f"`kill -9 {pid}` ends it.",
                ) from None
            raise

    async def keep(self) -> None:
        """Tell the child that it is wanted: it outlives this process and this connection."""
        await self._ask(dict, "keep", timeout=ANSWER_SECONDS)

    async def died(self) -> str:
        """Wait until the child is gone, whoever ended it; tells how, as the end of a sentence."""
        await self._gone()
        if self._process is None:
            return "has ended"
        return await asyncio.to_thread(self._process.reason)

    async def end(self, grace: float = 5.0) -> None:
        """End the child and wait until it is gone, and with it all its memory.

        Asks; after so many seconds sends SIGTERM, and after as many again SIGKILL.

        Raises:
            HubError: when even that does not end it, as with a driver that hangs.
        """
        asking = asyncio.create_task(self._conversation.ask("end"))
        try:
            for number in (None, signal.SIGTERM, signal.SIGKILL):
                if number is not None and not self._visible:
                    break
                if number is not None and processes.known_alive(self.owner):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(self.pid, number)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(grace):
                        return await self._gone()
            if not self._visible:
                raise HubError(
                    "the process that holds the model does not end when asked",
                    hint="It runs in another container: end it there.",
                )
            raise HubError(
                f"the process {self.pid} does not end, not even by SIGKILL",
                hint="It waits inside the kernel, often for a GPU's driver; see `dmesg`.",
            )
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await self._conversation.close()

    async def close(self) -> None:
        """Let go of the child: it lives on if it was kept, and ends if this one started it."""
        await self._conversation.close()

    async def _gone(self) -> None:
        await self._conversation.ended()
        if self._process is not None:
            await asyncio.wrap_future(self._process.exit_status)
        while self._visible and processes.alive(self.owner):  # noqa: ASYNC110 - no event comes from there
            await asyncio.sleep(_POLL_SECONDS)

    async def _ask(
        self,
        kind: type[_T],
        command: str,
        progress: Callable[[Any], None] | None = None,
        *,
        timeout: float | None = None,
        **arguments: Any,
    ) -> _T:
        try:
            async with asyncio.timeout(timeout):
                answer = await self._conversation.ask(command, progress, **arguments)
            return msgspec.convert(answer, kind)
        except FailureAnswer as failure:
            raise refusal(failure.answer) from None
        except ConnectionError:
            raise HubError(f"the process that holds the model {await self._reason()}") from None
        except TimeoutError:
            raise HubError(
                f"the process {self.pid} did not answer {command!r} within {timeout:.0f} s"
            ) from None
        except msgspec.ValidationError as error:
            raise HubError(f"the process {self.pid} answers {command!r} wrongly: {error}") from None

    async def _reason(self) -> str:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self.died()
        except TimeoutError:
            return "hung up, and still runs"


async def _first_word(
    conversation: Conversation, process: Process, python: str, timeout: float
) -> int:
    """The pid that a new child tells, or why there is none."""
    try:
        async with asyncio.timeout(timeout):
            return await conversation.hello()
    except TimeoutError:
        process.kill()
        what = f"does not answer within {timeout:.0f} s"
    except ConnectionError:
        what = await asyncio.to_thread(process.reason, ANSWER_SECONDS)
    raise HubError(
        f"{text.clean(python)} {what}",
        hint="`runtime.python` names the Python that loads models; it must be 3.9 or newer.",
    )
