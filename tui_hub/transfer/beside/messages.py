"""What the two processes say to each other: msgpack, each message behind its length."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from typing import Any

import msgspec

from tui_hub.domain import errors
from tui_hub.domain.errors import HubError, RateLimitedError
from tui_hub.transfer.request import (
    Destination,
    Options,
    Request,
    TransferProgress,
    Transferred,
)
from tui_hub.transfer.sharing import Use

Ranges = tuple[tuple[int, int], ...]

_LENGTH = struct.Struct(">I")


class State(msgspec.Struct, frozen=True):
    """How a destination stands."""

    size: int | None
    validator: str | None
    ranges: Ranges

    @classmethod
    def of(cls, destination: Destination) -> State:
        """How this one stands now."""
        return cls(destination.size, destination.validator, destination.ranges)


class Begin(msgspec.Struct, tag=True, frozen=True):
    """Transfer a file; its descriptor comes with this. The rest is what is known of it."""

    id: int
    pool: str
    """Files with the same name for it share connections."""
    request: Request
    options: Options
    state: State


class Stop(msgspec.Struct, tag=True, frozen=True):
    """Stop a transfer soon."""

    id: int


class Rate(msgspec.Struct, tag=True, frozen=True):
    """The limit for all transfers together, in bytes a second; 0 is none."""

    rate: int


class Leave(msgspec.Struct, tag=True, frozen=True):
    """Close the connections of a pool."""

    pool: str


class Done(msgspec.Struct, tag=True, frozen=True):
    """What was asked of the destination is done, or cannot be."""

    id: int
    error: int | None
    """The `errno` of the disk's error, if it was not done."""
    state: State
    """How it stands now."""


class Used(msgspec.Struct, tag=True, frozen=True):
    """What a process uses of what both share.

    The one that transfers says so several times a second, by which the other knows that it lives.
    """

    use: Use


class Logged(msgspec.Struct, tag=True, frozen=True):
    """Something for the log."""

    level: int
    name: str
    words: str


class Pause(msgspec.Struct, tag=True, frozen=True):
    """A host wants to be left alone. Either process learns of it and tells the other."""

    host: str
    until: float
    """On the monotonic clock, which all processes of a box share."""


class Moved(msgspec.Struct, tag=True, frozen=True):
    """Where a transfer stands."""

    id: int
    progress: TransferProgress


class Asked(msgspec.Struct, tag=True, frozen=True):
    """Do something with the destination, and say when it is done."""

    id: int
    what: str
    size: int = 0
    ranges: Ranges = ()
    validator: str | None = None


class Noted(msgspec.Struct, tag=True, frozen=True):
    """Write down what has arrived, and say nothing."""

    id: int
    ranges: Ranges
    validator: str | None


class Failure(msgspec.Struct, frozen=True):
    """An error that crosses over."""

    kind: str
    message: str
    hint: str | None = None
    wait: float = 0.0

    @classmethod
    def of(cls, error: HubError) -> Failure:
        """An error as a message."""
        wait = error.wait if isinstance(error, RateLimitedError) else 0.0
        return cls(type(error).__name__, error.message, error.hint, wait)

    def error(self) -> HubError:
        """The error that it was."""
        kind = getattr(errors, self.kind, None)
        if kind is RateLimitedError:
            return RateLimitedError(self.message, hint=self.hint, wait=self.wait)
        if not isinstance(kind, type) or not issubclass(kind, HubError):
            kind = HubError
        return kind(self.message, hint=self.hint)


class Ended(msgspec.Struct, tag=True, frozen=True):
    """A transfer is over, with its result or its error; one of them is there."""

    id: int
    progress: TransferProgress
    result: Transferred | None = None
    failure: Failure | None = None


Message = Begin | Stop | Rate | Leave | Done | Pause | Used | Moved | Asked | Noted | Ended | Logged

_encode = msgspec.msgpack.Encoder().encode
_decode: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Message)


class Line:
    """One end of the socket. Any thread may send; one receives."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._sending = threading.Lock()

    def send(self, message: Message, descriptor: int | None = None) -> None:
        """Say something, with an open file. Raises `OSError` when nobody listens any more."""
        words = _encode(message)
        frame = _LENGTH.pack(len(words)) + words
        with self._sending:
            if descriptor is not None:
                frame = frame[socket.send_fds(self._socket, [frame], [descriptor]) :]
            self._socket.sendall(frame)

    def receive(self) -> tuple[Message, int | None] | None:
        """The next message and the open file that came with it; `None` at the end."""
        head, descriptor = self._head()
        if head is None:
            return None
        words = self._exactly(_LENGTH.unpack(head)[0])
        return None if words is None else (_decode.decode(words), descriptor)

    def hang_up(self) -> None:
        """Wake whoever receives, here and at the other end."""
        with contextlib.suppress(OSError):  # the other end was faster
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back, once nobody receives any more."""
        with self._sending:
            self._socket.close()

    def _head(self) -> tuple[bytes | None, int | None]:
        try:
            head, descriptors, _, _ = socket.recv_fds(self._socket, _LENGTH.size, 1)
        except OSError:
            return None, None
        descriptor = descriptors[0] if descriptors else None
        if descriptor is not None:
            os.set_inheritable(descriptor, False)
        if len(head) < _LENGTH.size:
            rest = self._exactly(_LENGTH.size - len(head)) if head else None
            return (None, None) if rest is None else (head + rest, descriptor)
        return head, descriptor

    def _exactly(self, count: int) -> bytes | None:
        words = bytearray(count)
        view = memoryview(words)
        while view:
            try:
                received = self._socket.recv_into(view)
            except OSError:
                return None
            if not received:
                return None
            view = view[received:]
        return bytes(words)
