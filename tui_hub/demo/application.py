"""Both origins of the hub as one ASGI application."""

from __future__ import annotations

import asyncio
import secrets
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from tui_hub.demo.access import Access, Moved
from tui_hub.demo.api import Api, json_response
from tui_hub.demo.cdn import Cdn
from tui_hub.demo.faults import FaultKind, Faults, RequestLog, Seen
from tui_hub.demo.limits import RateLimits
from tui_hub.demo.ollama import OllamaRegistry
from tui_hub.demo.outlet import Outlet, fault_response, reset, too_many
from tui_hub.demo.problems import Problem
from tui_hub.demo.resolve import Resolver

_EXPOSED = (
    "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,"
    "Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash"
)


class Application:
    """Takes every request of both ports, and tells them apart by the port."""

    def __init__(
        self, access: Access, cdn: Cdn, cdn_port: int, limits: RateLimits, log: RequestLog,
        faults: Faults, page_size: int,
    ) -> None:  # fmt: skip
        self._access = access
        self._cdn = cdn
        self._cdn_port = cdn_port
        self._limits = limits
        self._log = log
        self._faults = faults
        self._api = Api(access, page_size)
        self._resolver = Resolver(access, cdn)
        self._ollama = OllamaRegistry(access, cdn)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = Request(scope, receive)
        transport: asyncio.Transport = scope["state"]["transport"]
        seen = self._see(request, scope)
        fault = self._faults.strike(seen.origin, seen.method, seen.path)
        if self._faults.offline:
            reset(transport)
            return
        if fault is not None and fault.kind is FaultKind.IGNORE_RANGE:
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"range"]
            request = Request(scope, receive)
        response = fault_response(fault) if fault is not None else None
        if response is None:
            response = await self._answer(request, seen.origin)
        outlet = Outlet(receive, send, seen, self._log, transport, fault)
        await response(scope, receive, outlet)
        self._log.touch()

    def _see(self, request: Request, scope: Scope) -> Seen:
        client = request.client
        seen = Seen(
            method=request.method,
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=dict(request.headers),
            origin="cdn" if scope["server"][1] == self._cdn_port else "hub",
            client=(client.host, client.port) if client else ("", 0),
        )
        self._log.add(seen)
        return seen

    async def _answer(self, request: Request, origin: str) -> Response:
        if origin == "cdn":
            return self._cdn.answer(request)
        segments = [unquote(part) for part in _raw_path(request).split("/") if part]
        kind = _kind(segments)
        caller = self._access.caller(request.headers.get("authorization", ""))
        granted, headers = self._limits.take(kind, caller)
        if not granted:
            return too_many(headers)
        response = await self._routed(request, segments)
        for name, value in headers.items():
            response.headers[name] = value
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
        response.headers["X-Request-Id"] = f"Root=1-{secrets.token_hex(4)}-{secrets.token_hex(12)}"
        response.headers.setdefault("Vary", "Origin")
        return response

    async def _routed(self, request: Request, segments: list[str]) -> Response:
        in_api = segments[:1] == ["api"] and segments[1:2] != ["resolve-cache"]
        try:
            if in_api:
                return await self._api.answer(request, segments[1:])
            if segments[:1] == ["v2"]:
                return await self._ollama.answer(request, segments[1:])
            if segments[:1] == ["library"]:
                return self._ollama.page()
            if len(segments) >= 4:
                return await self._resolver.answer(request, segments)
            return self._page(request, segments)
        except Moved as moved:
            return _redirect(request, segments, moved.id)
        except Problem as problem:
            if in_api:
                return json_response({"error": problem.message}, problem.status, problem.headers)
            return PlainTextResponse(problem.message, problem.status, problem.headers)

    def _page(self, request: Request, segments: list[str]) -> Response:
        """The web site, which has nothing to look at."""
        if len(segments) == 2:
            caller = self._access.caller(request.headers.get("authorization", ""))
            self._access.entry("/".join(segments), caller)
        return HTMLResponse("<!doctype html><title>Demo hub</title><p>A hub for one afternoon.")


def _raw_path(request: Request) -> str:
    """The path before decoding, so that an encoded slash stays part of its segment."""
    raw: bytes = request.scope["raw_path"]
    return raw.partition(b"?")[0].decode("ascii", "replace")


def _kind(segments: list[str]) -> str:
    if segments[:2] == ["api", "resolve-cache"] or segments[2:3] in (["resolve"], ["raw"]):
        return "resolvers"
    return "api" if segments[:1] == ["api"] else "pages"


def _redirect(request: Request, segments: list[str], new: str) -> Response:
    """307 to the same thing under the repository's own id, relative as on the Hub."""
    path = _raw_path(request)
    old = "/".join(segments[2:4] if segments[0] == "api" else segments[:2])
    location = path.replace(old, new, 1)
    query = request.url.query
    return PlainTextResponse(
        f"Temporary Redirect. Redirecting to {location}",
        307,
        {"Location": f"{location}?{query}" if query else location},
    )
