"""The one place that speaks HTTP to APIs: retries, rate limits, redirects, size limits.

Bulk bytes go another way; see `transfer`.
"""

from __future__ import annotations

import asyncio
import logging
import platform
import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from tui_hub.domain.errors import NoConnectionError, UnreachableError, UnsafeError
from tui_hub.proxies import Proxy, ProxyKind
from tui_hub.settings import NetworkSettings
from tui_hub.sources.exchange import Answer, Ask, TooLargeError
from tui_hub.sources.failures import FailedAttempt, broken, refused_by_proxy, troubled
from tui_hub.sources.limits import Clock, Gate, backoff
from tui_hub.sources.network import (
    host_of,
    is_private,
    origin_of,
    proxy_for,
    redirect_target,
    trust,
)
from tui_hub.version import __version__

if TYPE_CHECKING:
    import httpx

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 10
_TRANSIENT = (408, 500, 502, 503, 504)
_LONGEST_BACKOFF = 8.0
_BODY_TIMEOUTS = 15
"""A body may take this many timeouts: a byte now and then does not hold a request open."""


class Api:
    """HTTP to any number of origins, each with its own connections and its own pace."""

    def __init__(
        self,
        network: NetworkSettings,
        environment: Mapping[str, str],
        *,
        clock: Clock | None = None,
        offline: Callable[[], bool] | None = None,
    ) -> None:
        """Made for a run.

        Args:
            network: how patient it is.
            environment: with the proxies.
            clock: the clocks to go by.
            offline: whether nothing may be asked now; without it, as the settings say.
        """
        self._network = network
        self._offline = offline or (lambda: network.offline)
        self._environment = environment
        self._clock = clock or Clock()
        self._gates: dict[str, Gate] = {}
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._opening = asyncio.Lock()
        self._context: ssl.SSLContext | None = None

    async def fetch(self, url: str, ask: Ask | None = None) -> Answer:
        """One answer of any status but 429 and passing server errors, redirects followed.

        Raises:
            NoConnectionError: nothing answers, after all retries, or the program is offline.
            UnreachableError: what answers is of no use, after all retries.
            RateLimitedError: the server asks for more patience than `ask` grants.
            UnsafeError: a redirect that must not be followed.
        """
        ask = ask or Ask()
        self._refuse_offline(url)  # before any wait for a server's leave
        requests = transferred = 0
        current, linked = url, None
        for _ in range(_MOST_REDIRECTS + 1):
            own = origin_of(current) == origin_of(url)
            answer = await self._persist(current, ask if own else replace(ask, private={}))
            requests += answer.requests
            transferred += answer.transferred
            linked = linked or (_linked_etag(answer) if own else None)
            if answer.status not in _REDIRECTS:
                return replace(
                    answer,
                    requests=requests,
                    transferred=transferred,
                    linked_etag=linked,
                    private=ask.private,
                )
            current = await self._follow(url, answer, ask)
        raise UnreachableError(f"{host_of(url)} redirects without end")

    def _refuse_offline(self, url: str) -> None:
        if self._offline():
            raise NoConnectionError(
                f"offline: {host_of(url)} was not asked",
                hint="Leave out --offline, or unset HF_HUB_OFFLINE, to use the network.",
            )

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
            except FailedAttempt as failed:
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

    async def _once(self, url: str, ask: Ask) -> Answer:
        """One request, one answer.

        Raises:
            FailedAttempt: no answer, or a server error that may pass.
            NoConnectionError: the program went offline since the attempt before.
        """
        import httpx
        from socksio import SOCKSError

        self._refuse_offline(url)
        client = await self._client(url)
        headers = {**_standard_headers(packed=ask.packed), **ask.everywhere, **ask.private}
        answered = False
        try:
            async with (
                asyncio.timeout(self._network.timeout * _BODY_TIMEOUTS),
                client.stream(ask.method, url, headers=headers, content=ask.content) as response,
            ):
                answered = True
                body = await _read(response, ask)
        except (httpx.HTTPError, httpx.InvalidURL, SOCKSError, TimeoutError, OSError) as error:
            raise broken(url, error, self._network.timeout, answered=answered) from error
        answer = Answer(
            url=url,
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=body,
            requests=1,
            transferred=response.num_bytes_downloaded,
        )
        if answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            raise refused_by_proxy(url)
        if answer.status in _TRANSIENT and ask.patient:
            raise troubled(answer, self._clock.wall())
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
        through_tls = proxy is not None and proxy.kind is ProxyKind.HTTPS
        encrypted = through_tls or url.startswith("https:")
        context = self._trust() if encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx.AsyncClient(
            verify=context,
            trust_env=False,
            proxy=None if proxy is None else _spoken_to(proxy, context if through_tls else None),
            timeout=self._network.timeout,
            follow_redirects=False,
        )

    def _trust(self) -> ssl.SSLContext:
        """Whom to believe; read once, and only when something is encrypted."""
        if self._context is None:
            self._context = trust(self._environment)
        return self._context


def _spoken_to(proxy: Proxy, context: ssl.SSLContext | None) -> httpx.Proxy:
    """A proxy as httpx wants it named."""
    import httpx

    auth = None if proxy.user is None else (proxy.user, proxy.password)
    return httpx.Proxy(proxy.url, auth=auth, ssl_context=context)


def _standard_headers(*, packed: bool) -> dict[str, str]:
    return {
        "user-agent": f"tui-hub/{__version__}; python/{platform.python_version()}",
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
        if ask.opening is not None and len(body) >= ask.opening:
            return bytes(body[: ask.opening])
        if len(body) > ask.limit:
            raise TooLargeError(
                f"{host_of(str(response.url))} answers with more than {ask.limit} bytes"
            )
    return bytes(body)


def _linked_etag(answer: Answer) -> str | None:
    """The bare `X-Linked-ETag` of an answer."""
    return answer.headers.get("x-linked-etag", "").removeprefix("W/").strip('"') or None
