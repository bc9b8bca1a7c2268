"""What a request that came to nothing means: to a person, and for the next attempt."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from tui_hub.domain.errors import HubError, NoConnectionError, UnreachableError
from tui_hub.sources.exchange import Answer
from tui_hub.sources.limits import retry_after
from tui_hub.sources.network import host_of
from tui_hub.text import duration

_CONNECT_ATTEMPTS = 3
"""A host that refuses connections or has no address is given up sooner than one that stumbles."""
_ANY_NUMBER = 1000
"""No fewer attempts than the settings allow."""
_REFUSED = "the proxy refuses"
_LET_IN = (
    "Check the user and password in the proxy's address, with other characters than letters and "
    "digits as %XX; and what it lets through."
)
_LONGEST_PAUSE = 60.0
"""Seconds to wait after a server error at most."""


class FailedAttempt(Exception):
    """A request that got no usable answer, and may get one when it is made again."""

    def __init__(self, error: HubError, attempts: int, pause: float = 0.0) -> None:
        super().__init__()
        self.error = error
        """For people, once all attempts have failed."""
        self.attempts = attempts
        """How many are worth making."""
        self.pause = pause
        """Seconds that the server asks for."""


def troubled(answer: Answer, wall: float) -> FailedAttempt:
    """What a server error means. `wall` is the time, seconds since the epoch."""
    asked = retry_after(answer.headers.get("retry-after"), wall) or 0.0
    return FailedAttempt(
        UnreachableError(
            f"{host_of(answer.url)} answers {answer.status} again and again",
            hint="Its servers have trouble; try again later.",
        ),
        attempts=_ANY_NUMBER,
        pause=min(asked, _LONGEST_PAUSE),
    )


def broken(url: str, error: BaseException, timeout: float, *, answered: bool) -> FailedAttempt:
    """What a transport error means, without the address or headers that it may quote.

    Args:
        url: what was asked for.
        error: what the transport raised.
        timeout: seconds that it had.
        answered: whether the head of an answer had come.
    """
    reason, hint, attempts = _reason(error, timeout)
    broke = answered or attempts == _ANY_NUMBER
    kind = UnreachableError if broke else NoConnectionError
    return FailedAttempt(kind(f"{host_of(url)} cannot be reached: {reason}", hint=hint), attempts)


def refused_by_proxy(url: str) -> FailedAttempt:
    """What it means that a proxy wants a user and password, or others."""
    reason = f"{host_of(url)} cannot be reached: {_REFUSED}"
    return FailedAttempt(NoConnectionError(reason, hint=_LET_IN), attempts=1)


def _reason(error: BaseException, timeout: float) -> tuple[str, str, int]:
    """What happened, what to do about it, and how many attempts it is worth."""
    import httpx
    from socksio import SOCKSError

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
        return _REFUSED, _LET_IN, 1
    if isinstance(error, SOCKSError):
        return "the proxy does not speak SOCKS5", hint, 1
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
