"""The last step of an answer: what goes out is counted, and spoilt where a fault says so."""

from __future__ import annotations

import asyncio
import socket
import struct
import time

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Message, Receive, Send

from tui_hub.demo.faults import Fault, FaultKind, RequestLog, Seen

_PORTAL = "<!doctype html><html><body><h1>Sign in to this network</h1></body></html>"
_SLOW_DOWN = "<!doctype html><html><body><h1>429</h1><p>Too many requests</p></body></html>"


def reset(transport: asyncio.Transport) -> None:
    """Drop a connection so that the other side sees a reset, not an end."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def fault_response(fault: Fault) -> Response | None:
    """The answer that a fault gives in place of the right one, for those that do."""
    headers = dict(fault.headers)
    if fault.kind is FaultKind.STATUS:
        return PlainTextResponse(f"Error {fault.status}", fault.status, headers)
    if fault.kind is FaultKind.HTML:
        return HTMLResponse(_PORTAL, 200, headers)
    if fault.kind is FaultKind.RATE_LIMITED:
        return too_many(headers | {"RateLimit": f'"resolvers";r=0;t={fault.seconds:.0f}'})
    return None


def too_many(headers: dict[str, str]) -> Response:
    """429 with a page that nobody should parse."""
    return HTMLResponse(_SLOW_DOWN, 429, headers)


class Outlet:
    """Stands where the server's `send` stood."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        seen: Seen,
        log: RequestLog,
        transport: asyncio.Transport,
        fault: Fault | None,
    ) -> None:
        self._receive = receive
        self._send = send
        self._seen = seen
        self._log = log
        self._transport = transport
        self._fault = fault
        self._struck = False

    async def __call__(self, message: Message) -> None:
        """Pass a message on, or what a fault makes of it."""
        fault = self._fault
        if fault is not None and not self._struck:
            offset = self._place(fault, message)
            if offset is not None and not await self._spoil(fault, message, offset):
                return
        if message["type"] == "http.response.start":
            self._seen.status = message["status"]
            self._log.touch()
        await self._send(message)
        if self._seen.method != "HEAD":
            self._seen.sent += len(message.get("body", b""))

    def _place(self, fault: Fault, message: Message) -> int | None:
        """Where in the body of this message the fault strikes; `None` when it does not."""
        if message["type"] == "http.response.start":
            early = fault.after == 0 and fault.kind is not FaultKind.CORRUPT
            return 0 if early or fault.kind is FaultKind.HEADERS else None
        offset = fault.after - self._seen.sent
        return offset if 0 <= offset < len(message.get("body", b"")) else None

    async def _spoil(self, fault: Fault, message: Message, offset: int) -> bool:
        """Apply a fault; whether the message may still go out."""
        self._struck = True
        body: bytes = message.get("body", b"")
        if fault.kind is FaultKind.HEADERS:
            MutableHeaders(scope=message).update(dict(fault.headers))
        if fault.kind is FaultKind.CORRUPT:
            message["body"] = body[:offset] + bytes([body[offset] ^ 1]) + body[offset + 1 :]
        if fault.kind in (FaultKind.STALL, FaultKind.TRUNCATE, FaultKind.RESET):
            await self._partly(body[:offset])
            if fault.kind is not FaultKind.STALL:
                await self._drop(fault)
                return False
            await self._stall(fault)
            if body:
                message["body"] = body[offset:]
        return True

    async def _partly(self, body: bytes) -> None:
        if body:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            self._seen.sent += len(body)

    async def _stall(self, fault: Fault) -> None:
        self._log.touch()
        end = time.monotonic() + fault.seconds
        while not (fault.released or self._gone() or time.monotonic() > end):  # noqa: ASYNC110 - released by another thread
            await asyncio.sleep(0.02)

    def _gone(self) -> bool:
        return self._transport.is_closing()

    async def _drop(self, fault: Fault) -> None:
        if fault.kind is FaultKind.RESET:
            reset(self._transport)
        else:
            self._transport.close()
        while (await self._receive())["type"] != "http.disconnect":
            pass
