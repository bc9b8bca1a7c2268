"""Lines of JSON over a socket to a child: questions, their progress and their answers.

`torch_child` describes what is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tui_hub.text import clean

_LINE_LIMIT = 1024 * 1024
PROTOCOL = 1


class FailureAnswer(Exception):
    """The child's answer that something cannot be done: `kind`, `message` and figures."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(str(answer.get("message", "")))
        self.answer = answer


@dataclass(slots=True)
class _Question:
    progress: Callable[[Any], None] | None
    answer: asyncio.Future[Any] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Conversation:
    """One connection to a child. Make it with `over`; whoever made it closes it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._questions: dict[int, _Question] = {}
        self._numbers = itertools.count(1)
        self._hello: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def over(cls, connection: socket.socket) -> Conversation:
        """Take over a connected socket."""
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=_LINE_LIMIT)
        return cls(reader, writer)

    async def hello(self) -> int:
        """The pid that the child tells.

        Raises:
            ConnectionError: when it went away, or speaks another protocol.
        """
        try:
            hello = await asyncio.shield(self._hello)
            if hello["protocol"] != PROTOCOL:
                raise ConnectionError("it speaks another protocol")
            return int(hello["pid"])
        except (KeyError, TypeError, ValueError):
            raise ConnectionError("it does not speak the protocol") from None

    async def ask(
        self, command: str, progress: Callable[[Any], None] | None = None, **arguments: Any
    ) -> Any:
        """Ask, and wait for the answer.

        Raises:
            FailureAnswer: when the child says so.
            ConnectionError: when it went away before it answered.
        """
        if self._ended.is_set():
            raise ConnectionResetError("it is gone")
        number, question = next(self._numbers), _Question(progress)
        self._questions[number] = question
        try:
            line = msgspec.json.encode({"id": number, "command": command, **arguments})
            self._writer.write(line + b"\n")
            await self._writer.drain()
            return await question.answer
        finally:
            self._questions.pop(number, None)
            question.answer.cancel()

    async def ended(self) -> None:
        """Wait until the child hung up."""
        await self._ended.wait()

    async def close(self) -> None:
        """Hang up."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._take(cleaned(msgspec.json.decode(line)))
        except (OSError, ValueError, AttributeError, TypeError):
            pass  # Whatever was said is not the protocol: the conversation is over.
        finally:
            self._ended.set()
            for future in (self._hello, *(one.answer for one in self._questions.values())):
                if not future.done():
                    future.set_exception(ConnectionResetError("it is gone"))
            if not self._hello.cancelled():
                self._hello.exception()  # Seen, even where nobody waits for it.

    def _take(self, message: Any) -> None:
        if "hello" in message:
            if not self._hello.done():
                self._hello.set_result(message["hello"])
            return
        question = self._questions.get(message.get("id"))
        if question is None or question.answer.done():
            return
        if "progress" in message:
            if question.progress is not None:
                try:
                    question.progress(message["progress"])
                except Exception as error:
                    question.answer.set_exception(error)
        elif "error" in message:
            question.answer.set_exception(FailureAnswer(message["error"]))
        else:
            question.answer.set_result(message.get("result"))


def cleaned(value: Any) -> Any:
    """What a child said with all its text made safe; names of tensors and errors are foreign."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(one) for one in value]
    if isinstance(value, dict):
        return {clean(key): cleaned(one) for key, one in value.items()}
    return value
