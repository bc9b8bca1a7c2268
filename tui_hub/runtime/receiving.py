"""Asking the process that holds weights for them; what it hands over, and how.

`torch_child/sharing.py` describes what is said.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from tui_hub.domain.errors import HubError
from tui_hub.domain.frozen import dataclass
from tui_hub.runtime.conversation import cleaned
from tui_hub.runtime.refusals import refusal

_T = TypeVar("_T")

_READ_BYTES = 64 * 1024
_MOST_DESCRIPTORS = 253
"""In one message: unix(7), `SCM_RIGHTS`."""
_LINE_LIMIT = 1024 * 1024


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a tensor lies: in which region of memory, from which byte, as what."""

    region: int
    offset: int
    dtype: str
    shape: list[int]


class Handle(msgspec.Struct, frozen=True):
    """What CUDA opens the memory of a GPU by."""

    uuid: str
    words: list[Any]


class _Table(msgspec.Struct, frozen=True):
    tensors: dict[str, Place]


class _Result(msgspec.Struct, frozen=True):
    descriptors: int
    handle: Handle | None = None


class _Answer(msgspec.Struct, frozen=True):
    id: int = 0
    result: _Result | None = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Received(Generic[_T]):
    """What was handed over."""

    places: dict[str, Place]
    memory: tuple[_T, ...]
    """What was made of the descriptors of memory."""
    handle: Handle | None


def receive(connection: socket.socket, take: Callable[[int], _T]) -> Received[_T]:
    """Ask for the weights. Blocks.

    Args:
        connection: to the process that holds them.
        take: makes something of each descriptor of memory, which is closed after that: there may
            be more of them than this process may have open at the same time.

    Raises:
        HubError: when there is no answer, or none that can be understood.
        RefusedError: when the process has no weights, or gives none away.
    """
    request = {"id": 1, "command": "attach", "pid": os.getpid(), "program": sys.argv[0]}
    tables: list[bytes] = []
    memory: list[_T] = []

    def take_next(descriptor: int) -> None:
        if tables:
            memory.append(take(descriptor))
        else:
            tables.append(os.pread(descriptor, os.fstat(descriptor).st_size, 0))

    try:
        connection.sendall(msgspec.json.encode(request) + b"\n")
        answer = _answer(connection, take_next)
        if answer.error is not None:
            raise refusal(cleaned(answer.error))
        if answer.result is None or len(tables) + len(memory) != answer.result.descriptors:
            raise HubError("the process that holds the model did not hand it over")
        places = msgspec.json.decode(b"".join(tables), type=_Table).tensors
        return Received(places, tuple(memory), answer.result.handle)
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        raise HubError(
            f"the process that holds the model does not hand it over: {error or 'it hung up'}",
            hint="`tui-hub reload` starts it afresh.",
        ) from None


def _answer(connection: socket.socket, take: Callable[[int], None]) -> _Answer:
    """The answer to the request, behind all that is said before."""
    waiting = b""
    while len(waiting) < _LINE_LIMIT:
        data, found, flags, _ = socket.recv_fds(
            connection, _READ_BYTES, _MOST_DESCRIPTORS, getattr(socket, "MSG_CMSG_CLOEXEC", 0)
        )
        _take_all(found, take)
        if flags & socket.MSG_CTRUNC:
            raise OSError(errno.EMFILE, "this program may open no more files: `ulimit -n`")
        if not data:
            raise EOFError
        *lines, waiting = (waiting + data).split(b"\n")
        for line in lines:
            answer = msgspec.json.decode(line, type=_Answer)
            if answer.id == 1:
                return answer
    raise EOFError


def _take_all(descriptors: Sequence[int], take: Callable[[int], None]) -> None:
    with contextlib.ExitStack() as stack:
        for descriptor in descriptors:
            stack.callback(os.close, descriptor)
        for descriptor in descriptors:
            take(descriptor)
