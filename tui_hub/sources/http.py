"""The one place that speaks HTTP to APIs: retries, rate limits, redirects, size limits.

Bulk bytes go another way; see `transfer`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import platform
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import tui_hub
from tui_hub.domain.errors import HubError, UnreachableError, UnsafeError
from tui_hub.settings import NetworkSettings
from tui_hub.sources.limits import Clock, Gate, backoff, retry_after
from tui_hub.sources.network import (
    certificates,
    host_of,
    is_private,
    origin_of,
    proxy_for,
    redirect_target,
)
from tui_hub.text import duration

if TYPE_CHECKING:
    import httpx

JSON_LIMIT = 64 * 1024**2
"""Bytes of a listing's page, unpacked; a page of 1000 entries has about 3 MB."""

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 10
_TRANSIENT = (408, 500, 502, 503, 504)
_CONNECT_ATTEMPTS = 3
"""A host that refuses connections or has no address is given up sooner than one that stumbles."""
_BODY_TIMEOUTS = 15
"""A body may take this many timeouts: a byte now and then does not hold a request open."""

_log = logging.getLogger(__name__)


class TooLargeError(UnreachableError):
    """An answer is longer than it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """How to fetch one URL."""

    private: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers for the origin of the URL, and for no other."""
    limit: int = JSON_LIMIT
    """Bytes that the unpacked body may have."""
    patience: float = math.inf
    """Seconds that rate limits may cost in all before the request is given up."""
    foreign: bool = False
    """Whether redirects to another origin are followed."""
    packed: bool = True
    """Whether the body may come compressed; not where its exact bytes count."""
    method: str = "GET"
    content: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said, whatever its status."""

    url: str
    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes = field(repr=False)
    requests: int
    """How many it took, retries and redirects included."""
    transferred: int
    """Bytes of bodies that came over the network."""

    @property
    def message(self) -> str:
        """What the server says of an error. Not clean."""
        return self.headers.get("x-error-message") or self.body[:500].decode(errors="replace")

    def is_page(self) -> bool:
        """Whether this is a web page: a login page, a proxy's, a captive portal's."""
        kind = self.headers.get("content-type", "")
        return kind.startswith("text/html") or self.body.lstrip()[:1] == b"<"

    def json_body(self) -> bytes:
        """The body, where JSON was promised.

        Raises:
            UnreachableError: when it is a web page instead.
        """
        if self.is_page():
            raise UnreachableError(
                f"{host_of(self.url)} answers with a web page instead of data",
                hint="Is there a login page or a proxy between here and there?",
            )
        return self.body


class Api:
    """HTTP to any number of origins, each with its own connections and its own pace."""

    def __init__(
        self,
        network: NetworkSettings,
        environment: Mapping[str, str],
        *,
        clock: Clock | None = None,
    ) -> None:
        self._network = network
        self._environment = environment
        self._clock = clock or Clock()
        self._gates: dict[str, Gate] = {}
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._opening = asyncio.Lock()
        self._context: ssl.SSLContext | None = None

    async def fetch(self, url: str, ask: Ask | None = None) -> Answer:
        """One answer of any status but 429 and passing server errors, redirects followed.

        Raises:
            UnreachableError: no answer, or no usable one, after all retries.
            RateLimitedError: the server asks for more patience than `ask` grants.
            UnsafeError: a redirect that must not be followed.
        """
        ask = ask or Ask()
        if self._network.offline:
            raise UnreachableError(
                f"offline: {host_of(url)} was not asked",
                hint="Leave out --offline, or unset HF_HUB_OFFLINE, to use the network.",
            )
        requests = transferred = 0
        current = url
        for _ in range(_MOST_REDIRECTS + 1):
            own = origin_of(current) == origin_of(url)
            answer = await self._persist(current, ask if own else replace(ask, private={}))
            requests += answer.requests
            transferred += answer.transferred
            if answer.status not in _REDIRECTS:
                return replace(answer, requests=requests, transferred=transferred)
            current = await self._follow(url, answer, ask)
        raise UnreachableError(f"{host_of(url)} redirects without end")

    async def close(self) -> None:
        """Close every connection."""
        clients = list(self._clients.values())
        self._clients.clear()
        for client in clients:
            await client.aclose()

    async def _follow(self, url: str, answer: Answer, ask: Ask) -> str:
        """The next address, once it is sure that the program may go there."""
        target = redirect_target(answer.url, answer.headers.get("location", ""))
        if origin_of(target) == origin_of(answer.url):
            return target
        if not ask.foreign:
            raise UnreachableError(
                f"{host_of(url)} sends this request on to {host_of(target)}",
                hint="Is there a login page between here and there, or has the endpoint moved?",
            )
        proxied = proxy_for(target, self._environment) is not None
        if not proxied and await is_private(target) and not await is_private(url):
            raise UnsafeError(f"{host_of(url)} redirects into a private network")
        return target

    async def _persist(self, url: str, ask: Ask) -> Answer:
        """One URL, asked again until it answers or the attempts or the patience are used up."""
        gate = self._gates.setdefault(origin_of(url), Gate(host_of(url), self._clock))
        failures = requests = 0
        transferred = 0
        patience = ask.patience
        while True:
            patience -= await gate.enter(patience)
            requests += 1
            try:
                answer = await self._once(url, ask)
            except _Failure as failure:
                failures += 1
                if failures >= min(failure.attempts, self._network.retries):
                    raise failure.error from failure.__cause__
                await self._clock.sleep(backoff(failures - 1, self._clock, most=8.0))
                continue
            transferred += answer.transferred
            gate.observe(answer.headers, refused=answer.status == 429)
            if answer.status == 429:
                _log.info("%s limits the rate of requests", host_of(url))
                continue
            if answer.status in _TRANSIENT:
                failures += 1
                if failures >= self._network.retries:
                    raise UnreachableError(
                        f"{host_of(url)} answers {answer.status}, {failures} times in a row",
                        hint="Its servers have trouble; try again later.",
                    )
                await self._clock.sleep(self._pause(answer, failures))
                continue
            return replace(answer, requests=requests, transferred=transferred)

    def _pause(self, answer: Answer, failures: int) -> float:
        asked = retry_after(answer.headers.get("retry-after"), self._clock.wall()) or 0.0
        return max(min(asked, 60.0), backoff(failures - 1, self._clock, most=8.0))

    async def _once(self, url: str, ask: Ask) -> Answer:
        """One request, one answer.

        Raises:
            _Failure: with the error for people, and how often it is worth trying.
        """
        import httpx

        client = await self._client(url)
        headers = {**_standard_headers(packed=ask.packed), **ask.private}
        try:
            async with (
                asyncio.timeout(self._network.timeout * _BODY_TIMEOUTS),
                client.stream(ask.method, url, headers=headers, content=ask.content) as response,
            ):
                body = await _read(response, ask)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            raise _failure(url, error, self._network.timeout) from error
        return Answer(
            url=url,
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=body,
            requests=1,
            transferred=response.num_bytes_downloaded,
        )

    async def _client(self, url: str) -> httpx.AsyncClient:
        """The connections to one origin: its proxy is its own, and so are cookies."""
        origin = origin_of(url)
        async with self._opening:
            if origin not in self._clients:
                self._clients[origin] = await asyncio.to_thread(self._open, url)
            return self._clients[origin]

    def _open(self, url: str) -> httpx.AsyncClient:
        """Make a client; takes some hundred milliseconds the first time."""
        import httpx

        for name in ("httpx", "httpcore"):
            # At INFO it writes whole addresses, with the signatures that some of them carry.
            logging.getLogger(name).setLevel(logging.WARNING)
        if self._context is None:
            self._context = certificates(self._environment)
        proxy = proxy_for(url, self._environment)
        return httpx.AsyncClient(
            verify=self._context,
            trust_env=False,
            proxy=proxy,
            timeout=self._network.timeout,
            follow_redirects=False,
        )


class _Failure(Exception):
    """A request that got no answer."""

    def __init__(self, error: HubError, attempts: int) -> None:
        super().__init__()
        self.error = error
        self.attempts = attempts


def _standard_headers(*, packed: bool) -> dict[str, str]:
    return {
        "user-agent": f"tui-hub/{tui_hub.__version__}; python/{platform.python_version()}",
        "accept": "application/json" if packed else "*/*",
        "accept-encoding": "gzip" if packed else "identity",
    }


async def _read(response: httpx.Response, ask: Ask) -> bytes:
    """The unpacked body, up to the limit."""
    coding = response.headers.get("content-encoding", "identity").lower()
    if coding not in (("identity", "gzip") if ask.packed else ("identity",)):
        raise UnreachableError(f"{host_of(str(response.url))} packs its answer in an unknown way")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > ask.limit:
            raise TooLargeError(
                f"{host_of(str(response.url))} answers with more than {ask.limit} bytes"
            )
    return bytes(body)


def _failure(url: str, error: BaseException, timeout: float) -> _Failure:
    """What a transport error means, without the address or headers that it may quote."""
    import httpx

    host = host_of(url)
    causes = tuple(_chain(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return _Failure(
            UnreachableError(
                f"{host} cannot be reached: its certificate is not trusted, or TLS failed",
                hint="Behind a proxy that inspects TLS, name its certificate in SSL_CERT_FILE.",
            ),
            attempts=1,
        )
    reason, attempts = "the connection broke", 1000
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        reason, attempts = "its name has no address", _CONNECT_ATTEMPTS
    elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        reason, attempts = "the connection was refused", _CONNECT_ATTEMPTS
    elif isinstance(error, (httpx.TimeoutException, TimeoutError)):
        reason, attempts = f"no answer within {duration(timeout)}", _CONNECT_ATTEMPTS
    elif isinstance(error, httpx.ProxyError):
        reason, attempts = "the proxy refuses", 1
    elif isinstance(error, httpx.ConnectError):
        reason, attempts = "no connection could be made", _CONNECT_ATTEMPTS
    elif isinstance(error, (httpx.RemoteProtocolError, httpx.DecodingError)):
        reason = "its answer was cut short or is no proper HTTP"
    return _Failure(
        UnreachableError(
            f"{host} cannot be reached: {reason}", hint="Check the network, proxy and endpoint."
        ),
        attempts,
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and everything that led to it."""
    current: BaseException | None = error
    for _ in range(10):
        if current is None:
            return
        yield current
        current = current.__cause__ or current.__context__
