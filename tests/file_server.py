"""A server on loopback that hands out files the many ways that servers on the web do."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Served:
    """One file, and how it is handed out."""

    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = '"one"'
    ranges: bool = True
    refuse_ranges: int | None = None
    """The status with which a range is refused."""
    status: int | None = None
    """A status that is all there is to be had."""
    location: str | None = None
    whole_status: bool = False
    """Answer 200 to a range, and say in `Content-Range` that it is one."""
    length: bool = True
    """Tell how long it is; else it ends with its connection."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the tests."""


class FileServer:
    """Serves what a test puts at its paths, and remembers what it was asked."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.files: dict[str, Served] = {}
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        """Method, target and headers of each request."""
        self._server = _Server((host, 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://{host}:{self._server.server_port}"

    def put(self, path: str, body: bytes = b"", **how: object) -> str:
        """Serve a file, and give its address."""
        self.files[path] = Served(body, **how)  # type: ignore[arg-type]
        return self.url + path

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        files = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                files.seen.append((self.command, self.path, headers))
                served = files.files.get(urlsplit(self.path).path)
                if served is None:
                    self._send(404, b"nothing here", {})
                else:
                    self._serve(served, headers.get("range"))

            def do_HEAD(self) -> None:
                files.seen.append((self.command, self.path, {}))
                self._send(405, b"", {})

            def _serve(self, served: Served, asked: str | None) -> None:
                told = dict(served.headers)
                if served.location is not None:
                    self._send(302, b"", {"Location": served.location})
                    return
                if served.status is not None:
                    self._send(served.status, served.body, told)
                    return
                if served.etag is not None:
                    told["ETag"] = served.etag
                found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked or "")
                if found and served.refuse_ranges is not None:
                    self._send(served.refuse_ranges, b"no", {})
                    return
                if found is None or not served.ranges:
                    self._send(200, served.body, told, length=served.length)
                    return
                size, start = len(served.body), int(found[1])
                if start >= size:
                    self._send(416, b"", {"Content-Range": f"bytes */{size}"})
                    return
                end = min(int(found[2] or size - 1), size - 1)
                told["Content-Range"] = f"bytes {start}-{end}/{size}"
                status = 200 if served.whole_status else 206
                self._send(status, served.body[start : end + 1], told)

            def _send(
                self, status: int, body: bytes, headers: Mapping[str, str], *, length: bool = True
            ) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if length:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.close_connection = self.close_connection or not length
                if self.command == "GET":
                    self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        return Handler
