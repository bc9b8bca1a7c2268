"""An HTTP server on raw sockets that misbehaves in every way a real one was seen to.

The end of the path names the behaviour: `GET /truncate` is answered by `Hostile.truncate`. What a
behaviour needs to remember it keeps in `hits`, per path; what the client sent is in `requests`.
"""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

COMMIT = "c0ffee" + "0" * 34


@dataclass(frozen=True)
class Seen:
    """One request as it came in."""

    target: str
    headers: dict[str, str]
    port: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def range(self) -> tuple[int, int] | None:
        value = self.headers.get("range", "")
        if not value.startswith("bytes="):
            return None
        start, _, end = value.removeprefix("bytes=").partition("-")
        return int(start), int(end) + 1


@dataclass
class Reply:
    """An answer that a behaviour may bend before it is sent."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    extra: bytes = b""
    """Sent after the body, beyond what the headers promise."""
    drop: bool = False
    """Close the connection afterwards."""
    reset: bool = False
    stall: bool = False
    """Say nothing more, with the connection open."""
    trickle: bool = False
    """One byte every 30 ms."""
    raw_head: bytes | None = None


@dataclass
class Hostile:
    """Serves `content` under every path, each in its own way."""

    content: bytes
    etag: str = '"strong-1"'
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    pace: float = 0.0
    """Seconds between two blocks of 64 KiB."""
    other: Hostile | None = None
    """Where redirects lead."""
    location: str = ""
    """An address that `/elsewhere` redirects to."""
    sha256: str = ""
    flips: dict[int, tuple[int, ...]] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)
    requests: list[Seen] = field(default_factory=list)
    accepted: int = 0
    """Connections so far."""
    concurrent: int = 0
    most_concurrent: int = 0

    def __enter__(self) -> Hostile:
        self._lock = threading.Lock()
        self._random = random.Random(7)
        self._closing = threading.Event()
        self._clients: set[socket.socket] = set()
        self._listener = socket.create_server((self.host, 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.close()
        for client in list(self._clients):
            with contextlib.suppress(OSError):
                client.close()

    def url(self, behaviour: str) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{self.host}:{self.port}/{behaviour}"

    # -- the machinery ---------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                client = self.tls.wrap_socket(client, server_side=True)
            self._clients.add(client)
            file = client.makefile("rb")
            while (seen := self._read(file)) is not None:
                with self._lock:
                    self.requests.append(seen)
                    self.hits[seen.path] += 1
                    self.concurrent += 1
                    self.most_concurrent = max(self.most_concurrent, self.concurrent)
                try:
                    behaviour = seen.path.rpartition("/")[2].replace("-", "_")
                    reply = getattr(self, behaviour)(seen)
                    if not self._send(client, reply):
                        return
                finally:
                    with self._lock:
                        self.concurrent -= 1
        except (OSError, ValueError):
            pass
        finally:
            self._clients.discard(client)
            with contextlib.suppress(OSError):
                client.close()

    def _read(self, file) -> Seen | None:
        line = file.readline(65536).decode("latin-1").split()
        if len(line) != 3:
            return None
        headers = {}
        while (header := file.readline(65536).decode("latin-1").strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        return Seen(line[1], headers, self.port)

    def _send(self, client: socket.socket, reply: Reply) -> bool:
        """Send an answer; whether the connection lives on."""
        head = reply.raw_head
        if head is None:
            lines = [f"HTTP/1.1 {reply.status} Status"]
            lines += [f"{name}: {value}" for name, value in reply.headers.items()]
            head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        client.sendall(head)
        step = 1 if reply.trickle else 65536
        for offset in range(0, len(reply.body), step):
            client.sendall(reply.body[offset : offset + step])
            if reply.trickle and self._closing.wait(0.03):
                return False
            if self.pace:
                time.sleep(self.pace)
        if reply.extra:
            client.sendall(reply.extra)
        if reply.stall:
            self._closing.wait(30)
        if reply.reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        return not (reply.drop or reply.reset or reply.stall)

    def _random_below(self, limit: int) -> int:
        with self._lock:
            return self._random.randrange(limit)

    # -- well-behaved ----------------------------------------------------------------------

    def honest(self, seen: Seen) -> Reply:
        """Ranges, If-Range and all, as RFC 9110 wants it."""
        size = len(self.content)
        asked = seen.range
        if asked is not None and seen.headers.get("if-range", self.etag) != self.etag:
            asked = None
        headers = {"ETag": self.etag, "Accept-Ranges": "bytes"}
        if asked is None:
            return Reply(200, {**headers, "Content-Length": str(size)}, self.content)
        start, end = asked[0], min(asked[1], size)
        if start >= size:
            return Reply(416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        headers["Content-Length"] = str(end - start)
        return Reply(206, headers, self.content[start:end])

    def weak_etag(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        reply.headers["ETag"] = 'W/"weak"'
        return reply

    def no_ranges(self, seen: Seen) -> Reply:
        headers = {"ETag": self.etag, "Content-Length": str(len(self.content))}
        return Reply(200, headers, self.content)

    def no_length(self, seen: Seen) -> Reply:
        return Reply(200, {"Connection": "close"}, self.content, drop=True)

    def chunked(self, seen: Seen) -> Reply:
        return Reply(200, {"Transfer-Encoding": "chunked"}, _chunks(self.content) + b"0\r\n\r\n")

    def chunked_without_end(self, seen: Seen) -> Reply:
        """All chunks, and then nothing, with the connection open."""
        return Reply(200, {"Transfer-Encoding": "chunked"}, _chunks(self.content), stall=True)

    def chunked_ranges(self, seen: Seen) -> Reply:
        """Ranges without a length of their own."""
        reply = self.honest(seen)
        if reply.status in (200, 206):
            reply.headers.pop("Content-Length")
            reply.headers["Transfer-Encoding"] = "chunked"
            reply.body = _chunks(reply.body) + b"0\r\n\r\n"
        return reply

    def chunked_ranges_longer(self, seen: Seen) -> Reply:
        """Each range brings more than it says."""
        if seen.range is None:
            return self.honest(seen)
        reply = self.chunked_ranges(seen)
        reply.body = reply.body.removesuffix(b"0\r\n\r\n") + b"3\r\nmor\r\n0\r\n\r\n"
        return reply

    def empty_with_a_page(self, seen: Seen) -> Reply:
        page = {"Content-Range": "bytes */0", "Transfer-Encoding": "chunked"}
        return Reply(416, page, b"4\r\nnone\r\n0\r\n\r\n")

    def ok_with_content_range(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        reply.status = 200
        return reply

    def hub(self, seen: Seen) -> Reply:
        """A redirect to a storage with a signature, as the Hub answers."""
        assert self.other is not None
        query = f"sig={self.hits[seen.path]}"
        return Reply(
            302,
            {
                "Location": self.other.url("signed") + "?" + query,
                "X-Linked-ETag": f'"{self.sha256}"',
                "X-Linked-Size": str(len(self.content)),
                "X-Repo-Commit": COMMIT,
                "Content-Length": "5",
            },
            b"moved",
        )

    def signed(self, seen: Seen) -> Reply:
        """A storage whose signatures hold for three requests each."""
        self.hits[seen.target] += 1
        if self.hits[seen.target] > 3:
            body = b"<Error><Code>AccessDenied</Code></Error>"
            headers = {"Content-Length": str(len(body)), "Content-Type": "application/xml"}
            return Reply(403, headers, body)
        self.etag = '"' + "e" * 64 + '"'
        return self.honest(seen)

    def shut(self, seen: Seen) -> Reply:
        """A storage that lets nobody in any more after the third request."""
        if self.hits[seen.path] > 3:
            return Reply(403, {"Content-Length": "0"})
        return self.honest(seen)

    def small(self, seen: Seen) -> Reply:
        """A relative redirect on the same host, as the Hub answers for small files."""
        return Reply(307, {"Location": "/honest?cached=1", "Content-Length": "0"})

    def forgetful(self, seen: Seen) -> Reply:
        """Hangs up on every second request, as a server does whose keep-alive time is over."""
        if self.hits[seen.path] % 2 == 0:
            return Reply(0, {}, raw_head=b"", drop=True)
        return self.honest(seen)

    # -- bent ------------------------------------------------------------------------------

    def truncate(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        if len(reply.body) > 100_000:
            reply.body, reply.drop = reply.body[: len(reply.body) * 6 // 10], True
        return reply

    def truncate_whole(self, seen: Seen) -> Reply:
        reply = self.no_ranges(seen)
        reply.body, reply.drop = reply.body[: len(reply.body) // 2], True
        return reply

    def truncate_chunked(self, seen: Seen) -> Reply:
        reply = self.chunked(seen)
        reply.body, reply.drop = reply.body[: len(reply.body) // 2], True
        return reply

    def stream_then_ranges(self, seen: Seen) -> Reply:
        """A stream of unknown length that breaks, on a server that knows ranges after all."""
        if self.hits[seen.path] > 1:
            return self.honest(seen)
        reply = self.chunked(seen)
        reply.headers["ETag"] = self.etag
        reply.body, reply.drop = reply.body[: len(reply.body) // 2], True
        return reply

    def reset(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        if len(reply.body) > 100_000:
            reply.body = reply.body[: 70_000 + self._random_below(len(reply.body) - 70_000)]
            reply.reset = True
        return reply

    def stall(self, seen: Seen) -> Reply:
        """Every third answer stops in its middle, with the connection open."""
        reply = self.honest(seen)
        if self.hits[seen.path] % 3 == 1 and len(reply.body) > 100_000:
            reply.body, reply.stall = reply.body[:80_000], True
        return reply

    def silent(self, seen: Seen) -> Reply:
        return Reply(0, {}, raw_head=b"", stall=True)

    def ignores_if_range(self, seen: Seen) -> Reply:
        return self.honest(Seen(seen.target, {**seen.headers, "if-range": self.etag}, self.port))

    def etag_flip(self, seen: Seen) -> Reply:
        reply = self.honest(Seen(seen.target, {**seen.headers, "if-range": self.etag}, self.port))
        reply.headers["ETag"] = f'"{self.hits[seen.path]}"'
        return reply

    def rate_limited(self, seen: Seen) -> Reply:
        if self.hits[seen.path] <= 2:
            headers = {"RateLimit": '"resolvers";r=0;t=55', "Content-Length": "4"}
            return Reply(429, headers, b"slow")
        return self.honest(seen)

    def unavailable(self, seen: Seen) -> Reply:
        if self.hits[seen.path] <= 2:
            return Reply(503, {"Retry-After": "7", "Content-Length": "4"}, b"busy")
        return self.honest(seen)

    def long_pause(self, seen: Seen) -> Reply:
        return Reply(429, {"Retry-After": "1000000000000", "Content-Length": "0"})

    def rate_limited_always(self, seen: Seen) -> Reply:
        return Reply(429, {"Retry-After": "-3", "Content-Length": "0"})

    def broken(self, seen: Seen) -> Reply:
        return Reply(500, {"Content-Length": "9"}, b"traceback")

    def wrong_range(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        if reply.status == 206:
            start, end = seen.range or (0, 0)
            size = len(self.content)
            reply.headers["Content-Range"] = f"bytes {start + 1}-{min(end, size - 1)}/{size}"
        return reply

    def range_beyond(self, seen: Seen) -> Reply:
        """More than was asked for, with a header that says so."""
        if seen.range is None:
            return self.honest(seen)
        start, size = seen.range[0], len(self.content)
        headers = {
            "Content-Range": f"bytes {start}-{size - 1}/{size}",
            "Content-Length": str(size - start),
        }
        return Reply(206, headers, self.content[start:])

    def no_content_range(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        reply.headers.pop("Content-Range", None)
        return reply

    def wrong_total(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        told = reply.headers.get("Content-Range", "")
        reply.headers["Content-Range"] = told.rpartition("/")[0] + "/999999999"
        return reply

    def unknown_total(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        if reply.status == 206:
            told = reply.headers["Content-Range"]
            reply.headers["Content-Range"] = told.rpartition("/")[0] + "/*"
        return reply

    def multipart(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        if reply.status == 206:
            reply.headers["Content-Type"] = "multipart/byteranges; boundary=x"
            reply.headers.pop("Content-Range")
        return reply

    def unsatisfied(self, seen: Seen) -> Reply:
        size = len(self.content)
        return Reply(416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})

    def html(self, seen: Seen) -> Reply:
        page = b"<html>please log in</html>"
        return Reply(200, {"Content-Type": "text/html", "Content-Length": str(len(page))}, page)

    def html_of_right_size(self, seen: Seen) -> Reply:
        page = b"<html>".ljust(len(self.content))
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(page))}
        return Reply(200, headers, page)

    def gzip(self, seen: Seen) -> Reply:
        reply = self.no_ranges(seen)
        reply.headers["Content-Encoding"] = "gzip"
        return reply

    def identity(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        reply.headers["Content-Encoding"] = "identity"
        return reply

    def bit_flip(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        middle = len(reply.body) // 2
        flipped = bytes([reply.body[middle] ^ 1])
        reply.body = reply.body[:middle] + flipped + reply.body[middle + 1 :]
        return reply

    def bit_flip_once(self, seen: Seen) -> Reply:
        return self.bit_flip(seen) if self.hits[seen.path] == 1 else self.honest(seen)

    def bit_flip_now_and_then(self, seen: Seen) -> Reply:
        """As over a bad cable: `flips` says which bytes are wrong, and when they come how often."""
        reply = self.honest(seen)
        start = seen.range[0] if reply.status == 206 and seen.range else 0
        body = bytearray(reply.body)
        for position, times in self.flips.items():
            if start <= position < start + len(body):
                self.hits[f"byte {position}"] += 1
                if self.hits[f"byte {position}"] in times:
                    body[position - start] ^= 1
        reply.body = bytes(body)
        return reply

    def bit_flip_anywhere(self, seen: Seen) -> Reply:
        """Another bit each time."""
        reply = self.honest(seen)
        if reply.body:
            where = self._random_below(len(reply.body))
            flipped = bytes([reply.body[where] ^ 1])
            reply.body = reply.body[:where] + flipped + reply.body[where + 1 :]
        return reply

    def longer(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        reply.extra = b"surplus" * 100
        return reply

    def two_lengths(self, seen: Seen) -> Reply:
        size = len(self.content)
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nContent-Length: {size + 9}\r\n\r\n"
        return Reply(200, {}, self.content, raw_head=head.encode())

    def negative_length(self, seen: Seen) -> Reply:
        return Reply(200, {"Content-Length": "-5", "Connection": "close"}, self.content, drop=True)

    def huge_header(self, seen: Seen) -> Reply:
        return Reply(200, {"X-Padding": "x" * 200_000, "Content-Length": "0"})

    def http09(self, seen: Seen) -> Reply:
        return Reply(0, {}, self.content, raw_head=b"", drop=True)

    def bad_chunks(self, seen: Seen) -> Reply:
        return Reply(200, {"Transfer-Encoding": "chunked"}, b"zz\r\nnonsense\r\n", drop=True)

    def no_length_short(self, seen: Seen) -> Reply:
        return Reply(
            200, {"Connection": "close"}, self.content[: len(self.content) // 2], drop=True
        )

    def zeros(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        reply.body = bytes(len(reply.body))
        return reply

    def brotli(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        reply.headers["Content-Encoding"] = "br"
        return reply

    def gzip_twice(self, seen: Seen) -> Reply:
        reply = self.honest(seen)
        reply.headers["Content-Encoding"] = "gzip, gzip"
        return reply

    def trailers(self, seen: Seen) -> Reply:
        reply = self.chunked(seen)
        reply.body = reply.body.removesuffix(b"\r\n") + b"Digest: x\r\nETag: other\r\n\r\n"
        return reply

    def interim(self, seen: Seen) -> Reply:
        """A few answers before the answer, as servers and CDNs may send them."""
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\nETag: no\r\n\r\n"
        return self._after(seen, 5 * (b"HTTP/1.1 100 Continue\r\n\r\n" + hints))

    def interim_for_ever(self, seen: Seen) -> Reply:
        return self._after(seen, 1000 * b"HTTP/1.1 100 Continue\r\n\r\n")

    def _after(self, seen: Seen, before: bytes) -> Reply:
        reply = self.honest(seen)
        lines = [f"{name}: {value}" for name, value in reply.headers.items()]
        head = "\r\n".join([f"HTTP/1.1 {reply.status} Status", *lines]) + "\r\n\r\n"
        reply.raw_head = before + head.encode()
        return reply

    def odd_etag(self, seen: Seen) -> Reply:
        """An ETag that would smuggle a header into the next request, if it were sent back as is."""
        reply = self.honest(seen)
        reply.headers["ETag"] = '"a\rX-Smuggled: 1\x00\xff"'
        return reply

    def drip(self, seen: Seen) -> Reply:
        """Byte by byte at first, then the rest."""
        reply = self.honest(seen)
        reply.extra, reply.body = reply.body[1:], reply.body[:1]
        time.sleep(0.02)
        return reply

    def trickle(self, seen: Seen) -> Reply:
        """One byte at a time, for ever."""
        reply = self.honest(seen)
        reply.trickle = True
        return reply

    def trickling_head(self, seen: Seen) -> Reply:
        """Not even the head of the answer comes to its end."""
        return Reply(
            0, {}, b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 60_000, b"", trickle=True, raw_head=b""
        )

    def trickling_chunks(self, seen: Seen) -> Reply:
        reply = self.chunked(seen)
        reply.trickle = True
        return reply

    def trickling_trouble(self, seen: Seen) -> Reply:
        """An error page that nobody wants, and that does not end."""
        return Reply(503, {"Content-Length": "60000"}, b"x" * 60_000, trickle=True)

    def first_crawls(self, seen: Seen) -> Reply:
        """The first answer comes a byte at a time, as from a storage server that is worn out."""
        reply = self.honest(seen)
        reply.trickle = self.hits[seen.path] == 1
        return reply

    # -- redirects and refusals ------------------------------------------------------------

    def relocating(self, seen: Seen) -> Reply:
        """Redirects to a storage that fails after its first answer, then to one that does not."""
        assert self.other is not None
        storage = "dying" if self.hits[seen.path] == 1 else "honest"
        return Reply(302, {"Location": self.other.url(storage), "Content-Length": "0"})

    def dying(self, seen: Seen) -> Reply:
        return self.honest(seen) if self.hits[seen.path] == 1 else self.broken(seen)

    def bomb_on_the_way(self, seen: Seen) -> Reply:
        """A redirect with a body that nobody should read."""
        assert self.other is not None
        headers = {"Location": self.other.url("honest"), "Content-Length": str(1 << 50)}
        return Reply(302, headers, bytes(1 << 20), stall=True)

    def other_linked_size(self, seen: Seen) -> Reply:
        reply = self.hub(seen)
        reply.headers["X-Linked-Size"] = "12"
        return reply

    def circle(self, seen: Seen) -> Reply:
        return Reply(302, {"Location": "/circle", "Content-Length": "0"})

    def elsewhere(self, seen: Seen) -> Reply:
        return Reply(302, {"Location": self.location, "Content-Length": "0"})

    def nowhere(self, seen: Seen) -> Reply:
        return Reply(302, {"Content-Length": "0"})

    def missing(self, seen: Seen) -> Reply:
        return Reply(404, {"X-Error-Message": "Entry not found\x1b[2J", "Content-Length": "0"})

    def unauthorized(self, seen: Seen) -> Reply:
        body = b"Invalid username or password."
        return Reply(401, {"Content-Length": str(len(body))}, body)

    def gated(self, seen: Seen) -> Reply:
        headers = {"X-Error-Code": "GatedRepo", "X-Error-Message": "ask", "Content-Length": "0"}
        return Reply(403, headers)

    def gated_anonymous(self, seen: Seen) -> Reply:
        return Reply(401, {"X-Error-Code": "GatedRepo", "Content-Length": "0"})

    def forbidden(self, seen: Seen) -> Reply:
        return Reply(403, {"X-Error-Message": "no scope", "Content-Length": "0"})

    def repeating(self, seen: Seen) -> Reply:
        """Says again what it was told in confidence."""
        said = f"no {seen.headers.get('authorization', 'token')}"
        return Reply(403, {"X-Error-Message": said, "Content-Length": "0"})


def _chunks(content: bytes) -> bytes:
    """Content in chunks, but for the one that ends them."""
    blocks = (content[i : i + 50000] for i in range(0, len(content), 50000))
    return b"".join(b"%x\r\n%s\r\n" % (len(block), block) for block in blocks)
