"""The last step of an answer: what goes out is counted, and spoilt where a fault says so."""

from __future__ import annotations

import asyncio
import socket
import struct
import time

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Message, Receive, Send

from tui_hub.demo.faults import Fault, FaultKind, Seen

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
        transport: asyncio.Transport,
        fault: Fault | None,
    ) -> None:
        self._receive = receive
        self._send = send
        self._seen = seen
        self._transport = transport
        self._fault = fault

    async def __call__(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self._seen.status = message["status"]
            if self._fault is not None and self._fault.kind is FaultKind.HEADERS:
                MutableHeaders(scope=message).update(dict(self._fault.headers))
        elif self._fault is not None and not await self._spoil(self._fault, message):
            return
        await self._send(message)
        if self._seen.method != "HEAD":
            self._seen.sent += len(message.get("body", b""))

    async def _spoil(self, fault: Fault, message: Message) -> bool:
        """Apply a fault to a piece of the body; whether the piece may still go out."""
        body: bytes = message.get("body", b"")
        offset = fault.after - self._seen.sent
        if not 0 <= offset <= len(body):
            return True
        if fault.kind is FaultKind.CORRUPT and offset < len(body):
            spoilt = bytes([body[offset] ^ 1])
            message["body"] = body[:offset] + spoilt + body[offset + 1 :]
        if fault.kind is FaultKind.STALL and not fault.released:
            await self._partly(body[:offset])
            message["body"] = body[offset:]
            await self._stall(fault)
        if fault.kind in (FaultKind.TRUNCATE, FaultKind.RESET):
            await self._partly(body[:offset])
            await self._drop(fault)
            return False
        return True

    async def _partly(self, body: bytes) -> None:
        if body:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            self._seen.sent += len(body)

    async def _stall(self, fault: Fault) -> None:
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
