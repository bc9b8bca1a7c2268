"""The one place that speaks HTTP to APIs: retries, rate limits, redirects, size limits.

Bulk bytes go another way; see `transfer`.
"""

from __future__ import annotations

import asyncio
import logging
import platform
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import tui_hub
from tui_hub.domain.errors import HubError, UnreachableError, UnsafeError
from tui_hub.settings import NetworkSettings
from tui_hub.sources.exchange import Answer, Ask, TooLargeError
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

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 10
_TRANSIENT = (408, 500, 502, 503, 504)
_CONNECT_ATTEMPTS = 3
"""A host that refuses connections or has no address is given up sooner than one that stumbles."""
_ANY_NUMBER = 1000
"""No fewer attempts than the settings allow."""
_LONGEST_BACKOFF = 8.0
_LONGEST_PAUSE = 60.0
"""Seconds to wait after a server error at most."""
_BODY_TIMEOUTS = 15
"""A body may take this many timeouts: a byte now and then does not hold a request open."""

_log = logging.getLogger(__name__)


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
        failures = requests = transferred = 0
        patience = ask.patience
        while True:
            patience -= await gate.enter(patience)
            requests += 1
            try:
                answer = await self._once(url, ask)
            except _FailedAttempt as failed:
                failures += 1
                if failures >= min(failed.attempts, self._network.retries):
                    raise failed.error from failed.__cause__
                pause = backoff(failures - 1, self._clock, most=_LONGEST_BACKOFF)
                await self._clock.sleep(max(failed.pause, pause))
                continue
            transferred += answer.transferred
            gate.observe(answer.headers, refused=answer.status == 429)
            if answer.status != 429:
                return replace(answer, requests=requests, transferred=transferred)
            _log.info("%s limits the rate of requests", host_of(url))

    async def _once(self, url: str, ask: Ask) -> Answer:
        """One request, one answer.

        Raises:
            _FailedAttempt: no answer, or a server error that may pass.
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
            raise _broken(url, error, self._network.timeout) from error
        answer = Answer(
            url=url,
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=body,
            requests=1,
            transferred=response.num_bytes_downloaded,
        )
        if answer.status in _TRANSIENT:
            raise _troubled(answer, self._clock.wall())
        return answer

    async def _client(self, url: str) -> httpx.AsyncClient:
        """The connections to one origin: its proxy is its own, and so are cookies."""
        origin = origin_of(url)
        async with self._opening:
            if origin not in self._clients:
                self._clients[origin] = await asyncio.to_thread(self._open, url)
            return self._clients[origin]

    def _open(self, url: str) -> httpx.AsyncClient:
        """Make a client; takes a tenth of a second the first time."""
        import httpx

        for name in ("httpx", "httpcore"):
            # At INFO it writes whole addresses, with the signatures that some of them carry.
            logging.getLogger(name).setLevel(logging.WARNING)
        proxy = proxy_for(url, self._environment)
        through_tls = proxy is not None and proxy.startswith("https:")
        encrypted = through_tls or url.startswith("https:")
        context = self._trust() if encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx.AsyncClient(
            verify=context,
            trust_env=False,
            proxy=httpx.Proxy(proxy, ssl_context=context if through_tls else None)
            if proxy
            else None,
            timeout=self._network.timeout,
            follow_redirects=False,
        )

    def _trust(self) -> ssl.SSLContext:
        """Whom to believe; read once, and only when something is encrypted."""
        if self._context is None:
            self._context = certificates(self._environment)
        return self._context


class _FailedAttempt(Exception):
    """A request that got no usable answer, and may get one when it is made again."""

    def __init__(self, error: HubError, attempts: int, pause: float = 0.0) -> None:
        super().__init__()
        self.error = error
        """For people, once all attempts have failed."""
        self.attempts = attempts
        """How many are worth making."""
        self.pause = pause
        """Seconds that the server asks for."""


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


def _troubled(answer: Answer, wall: float) -> _FailedAttempt:
    asked = retry_after(answer.headers.get("retry-after"), wall) or 0.0
    return _FailedAttempt(
        UnreachableError(
            f"{host_of(answer.url)} answers {answer.status} again and again",
            hint="Its servers have trouble; try again later.",
        ),
        attempts=_ANY_NUMBER,
        pause=min(asked, _LONGEST_PAUSE),
    )


def _broken(url: str, error: BaseException, timeout: float) -> _FailedAttempt:
    """What a transport error means, without the address or headers that it may quote."""
    reason, hint, attempts = _reason(error, timeout)
    return _FailedAttempt(
        UnreachableError(f"{host_of(url)} cannot be reached: {reason}", hint=hint), attempts
    )


def _reason(error: BaseException, timeout: float) -> tuple[str, str, int]:
    """What happened, what to do about it, and how many attempts it is worth."""
    import httpx

    causes = tuple(_chain(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        hint = "Behind a proxy that inspects TLS, name its certificate in SSL_CERT_FILE."
        return "its certificate is not trusted, or TLS failed", hint, 1
    hint = "Check the network, the proxy and the endpoint."
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "its name has no address", hint, _CONNECT_ATTEMPTS
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "the connection was refused", hint, _CONNECT_ATTEMPTS
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return f"no answer within {duration(timeout)}", hint, _CONNECT_ATTEMPTS
    if isinstance(error, httpx.ProxyError):
        return "the proxy refuses", hint, 1
    if isinstance(error, httpx.ConnectError):
        return "no connection could be made", hint, _CONNECT_ATTEMPTS
    return "the connection broke, or its answer is no proper HTTP", hint, _ANY_NUMBER


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and everything that led to it."""
    current: BaseException | None = error
    for _ in range(10):
        if current is None:
            return
        yield current
        current = current.__cause__ or current.__context__
