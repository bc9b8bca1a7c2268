"""The bytes of files: whole, in ranges, compressed, at the pace of the throttle."""

from __future__ import annotations

import gzip
import mimetypes
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tui_hub.demo.content import Content
from tui_hub.demo.limits import Throttle

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_COMPRESSED_FROM = 1000
_TEXT = (".md", ".txt", ".json", ".py", ".yaml", ".yml", ".csv", ".jinja", ".gitattributes")


def deliver(
    request: Request, content: Content, etag: str, headers: dict[str, str], throttle: Throttle
) -> Response:
    """Answer a GET or HEAD for these bytes: 200, 206, 304 or 416 (RFC 9110).

    A request that accepts gzip gets text compressed and its range ignored, as on the Hub.
    """
    quoted = f'"{etag}"'
    headers = {**headers, "ETag": quoted, "Accept-Ranges": "bytes"}
    if quoted in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if request.method == "GET" and _compressible(request, content, headers):
        body = gzip.compress(content.read(0, content.size), 1)
        headers |= {"Content-Encoding": "gzip", "ETag": f"W/{quoted}", "Vary": "Accept-Encoding"}
        return StreamingResponse(_once(body), headers=headers)
    wanted = request.headers.get("range")
    if wanted is None or request.headers.get("if-range", quoted) != quoted:
        return _body(request, 200, content, (0, content.size), headers, throttle)
    span = _span(wanted, content.size)
    if span is None:
        return _body(request, 200, content, (0, content.size), headers, throttle)
    start, end = span
    if start >= end:
        headers["Content-Range"] = f"bytes */{content.size}"
        return Response("Range Not Satisfiable", 416, headers)
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.size}"
    return _body(request, 206, content, span, headers, throttle)


def file_headers(path: str) -> dict[str, str]:
    """Type and name of a file, safe for whatever the name holds."""
    name = path.rpartition("/")[2]
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return {
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}; filename=\"{plain}\";",
        "Content-Type": _content_type(name),
    }


def _content_type(name: str) -> str:
    if name.lower().endswith(_TEXT):
        return "text/plain; charset=utf-8"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _compressible(request: Request, content: Content, headers: dict[str, str]) -> bool:
    return (
        "gzip" in request.headers.get("accept-encoding", "")
        and headers.get("Content-Type", "").startswith("text/")
        and content.size > _COMPRESSED_FROM
    )


def _span(header: str, size: int) -> tuple[int, int] | None:
    """The half-open range that a header asks for; `None` when it is not one simple range."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        return max(size - int(last), 0), size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size


def _body(
    request: Request,
    status: int,
    content: Content,
    span: tuple[int, int],
    headers: dict[str, str],
    throttle: Throttle,
) -> Response:
    headers = {**headers, "Content-Length": str(span[1] - span[0])}
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_paced(content, span, throttle), status, headers)


async def _paced(
    content: Content, span: tuple[int, int], throttle: Throttle
) -> AsyncIterator[bytes]:
    pace = throttle.pace()
    position, end = span
    while position < end:
        chunk = content.read(position, min(throttle.chunk, end - position))
        await pace.wait(len(chunk))
        yield chunk
        position += len(chunk)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
