"""Asking the process that holds weights for them; what it hands over, and how.

`torch_child/sharing.py` describes what is said.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from tui_hub.domain.errors import HubError
from tui_hub.runtime.conversation import cleaned
from tui_hub.runtime.refusals import refusal

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
class Received:
    """What was handed over."""

    places: dict[str, Place]
    memory: tuple[int, ...]
    """Descriptors of memory to map, open only inside `receiving`."""
    handle: Handle | None


@contextlib.contextmanager
def receiving(connection: socket.socket) -> Iterator[Received]:
    """Ask for the weights; their descriptors are closed at the end of the block. Blocks.

    Raises:
        HubError: when there is no answer, or none that can be understood.
        RefusedError: when the process has no weights, or gives none away.
    """
    request = {"id": 1, "command": "attach", "pid": os.getpid(), "program": sys.argv[0]}
    descriptors: list[int] = []
    try:
        connection.sendall(msgspec.json.encode(request) + b"\n")
        answer = _answer(connection, descriptors)
        if answer.error is not None:
            raise refusal(cleaned(answer.error))
        if answer.result is None or len(descriptors) != answer.result.descriptors:
            raise HubError("the process that holds the model did not hand it over")
        table, *memory = descriptors
        content = os.pread(table, os.fstat(table).st_size, 0)
        places = msgspec.json.decode(content, type=_Table).tensors
        yield Received(places, tuple(memory), answer.result.handle)
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        raise HubError(
            f"the process that holds the model does not hand it over: {error or 'it hung up'}",
            hint="`tui-hub reload` starts it afresh.",
        ) from None
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _answer(connection: socket.socket, descriptors: list[int]) -> _Answer:
    """The answer to the request, behind all that is said before."""
    waiting = b""
    while len(waiting) < _LINE_LIMIT:
        data, found, *_ = socket.recv_fds(
            connection, _READ_BYTES, _MOST_DESCRIPTORS, getattr(socket, "MSG_CMSG_CLOEXEC", 0)
        )
        descriptors += found
        if not data:
            raise EOFError
        *lines, waiting = (waiting + data).split(b"\n")
        for line in lines:
            answer = msgspec.json.decode(line, type=_Answer)
            if answer.id == 1:
                return answer
    raise EOFError
