"""From the address of a file to the server that has its bytes."""

from __future__ import annotations

import http.client
import threading

from tui_hub.domain.errors import UnreachableError, UsageError
from tui_hub.domain.frozen import dataclass
from tui_hub.transfer.addresses import Address
from tui_hub.transfer.answers import (
    Answer,
    Asked,
    Linked,
    accept,
    linked_of,
    refusal,
    unsatisfied_total,
)
from tui_hub.transfer.body import Body
from tui_hub.transfer.cancellation import Cancellation
from tui_hub.transfer.connection import Connection
from tui_hub.transfer.patience import Patience
from tui_hub.transfer.pool import Pool
from tui_hub.transfer.request import Request
from tui_hub.transfer.trouble import Trouble, trouble_from
from tui_hub.version import __version__

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 10
_DISCARD = 64 * 1024
"""Bytes of an error or redirect body that are read to keep its connection."""
_EXPIRED = (400, 401, 403, 404, 410)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the bytes are, as the origin's last redirect told."""

    address: Address
    foreign: bool
    """Whether it is another origin, which gets none of the request's headers."""
    public_only: bool


class Resolver:
    """Asks for ranges of one file, and remembers where its origin redirects to.

    A signed address that no longer holds is forgotten and the origin asked again, by one lane
    while the others wait.
    """

    def __init__(
        self,
        request: Request,
        pool: Pool,
        patience: Patience,
        cancellation: Cancellation,
        *,
        stall: float,
    ) -> None:
        self.origin = Address.parse(request.url)
        """The address of the file itself."""
        path = self.origin.target.partition("?")[0].lower()
        self._page = path.endswith((".html", ".htm"))
        self._headers = dict(request.headers)
        if not all(_sendable(value) for value in self._headers.values()):
            raise UsageError(
                f"the token for {self.origin.host} holds characters that cannot be sent",
                hint="Check it for line breaks and blanks.",
            )
        self._log_in = request.log_in
        self._pool = pool
        self._patience = patience
        self._cancellation = cancellation
        self._stall = stall
        self._resolving = threading.Lock()
        self._target: _Target | None = None

    def open(self, asked: Asked) -> Answer:
        """Ask for a range; the body of the answer is still to be read.

        Raises:
            Trouble: when another try may help.
            HubError: when it will not: no access, no such file, an unsafe redirect.
            Cancelled: when the work is called off.
        """
        target = self._target
        if target is None:
            with self._resolving:
                self._cancellation.check()
                target = self._target
                if target is None:
                    return self._resolve(asked)
        connection, response = self._exchange(target, asked)
        if target.foreign and response.status in _EXPIRED:
            self._discard(connection, response)
            self._forget(target)
            return self.open(asked)
        return self._judge(target, asked, connection, response, None)

    def renew(self) -> None:
        """Ask the origin again the next time; another server may do better."""
        with self._resolving:
            self._target = None

    def _forget(self, target: _Target) -> None:
        with self._resolving:
            if self._target is target:
                self._target = None

    def _resolve(self, asked: Asked) -> Answer:
        """Ask the origin and follow its redirects by hand."""
        target = _Target(self.origin, foreign=False, public_only=False)
        linked = Linked()
        for _ in range(_MOST_REDIRECTS + 1):
            connection, response = self._exchange(target, asked)
            if not target.foreign:
                linked = _merged(linked, linked_of(response))
            if response.status not in _REDIRECTS:
                answer = self._judge(target, asked, connection, response, linked)
                self._target = target
                return answer
            target = self._next(target, connection, response)
            self._discard(connection, response)
        raise UnreachableError(
            f"{self.origin.host} redirects in a circle", hint="The address may be out of date."
        )

    def _next(
        self, target: _Target, connection: Connection, response: http.client.HTTPResponse
    ) -> _Target:
        """Where a redirect leads. Once the origin is left, its token stays behind for good."""
        location = response.getheader("Location")
        if not location:
            self._discard(connection, response)
            raise Trouble(f"{target.address.host} redirects to nowhere", lasting=True)
        try:
            address = target.address.follow(location)
        except BaseException:
            self._discard(connection, response)
            raise
        return _Target(
            address,
            foreign=target.foreign or address.origin != self.origin.origin,
            public_only=target.public_only or not connection.private,
        )

    def _exchange(
        self, target: _Target, asked: Asked
    ) -> tuple[Connection, http.client.HTTPResponse]:
        """One request and the head of its answer, once more if an idle connection had died."""
        headers = {"User-Agent": f"tui-hub/{__version__}", **asked.headers()}
        if not target.foreign:
            headers.update(self._headers)
        while True:
            self._patience.wait_for(target.address.host, self._cancellation)
            connection = self._pool.acquire(
                target.address,
                self._cancellation,
                stall=self._stall,
                public_only=target.public_only,
            )
            try:
                return connection, connection.ask(target.address, headers)
            except (OSError, http.client.HTTPException) as error:
                connection.drop()
                self._cancellation.check()
                if connection.used and not isinstance(error, TimeoutError):
                    continue
                raise trouble_from(error, connection.facing) from None
            except BaseException:
                connection.drop()
                raise

    def _judge(
        self,
        target: _Target,
        asked: Asked,
        connection: Connection,
        response: http.client.HTTPResponse,
        linked: Linked | None,
    ) -> Answer:
        """An answer that can be read, or the reason why there is none."""
        try:
            if response.status in (200, 206):
                return accept(asked, target.address, connection, response, linked, page=self._page)
            if response.status == 416 and unsatisfied_total(response) == 0 and asked.start == 0:
                return _empty(connection, response, linked)
            raise refusal(
                target.address,
                response,
                foreign=target.foreign,
                private=self._headers,
                log_in=self._log_in,
            )
        except BaseException:
            self._discard(connection, response)
            raise

    def _discard(self, connection: Connection, response: http.client.HTTPResponse) -> None:
        """Be done with an answer; its connection lives on when little is left to read."""
        try:
            if response.length is not None and response.length <= _DISCARD:
                response.read()
                if not response.will_close:
                    response.close()
                    self._pool.release(connection)
                    return
        except (OSError, http.client.HTTPException):
            self._cancellation.check()
        response.close()
        connection.drop()


def _sendable(value: str) -> bool:
    """Whether a header takes a value; http.client would show it in its complaint."""
    return value.isascii() and value.isprintable()


def _empty(
    connection: Connection, response: http.client.HTTPResponse, linked: Linked | None
) -> Answer:
    """The answer to a range of a file that has no bytes at all."""
    body = Body(connection, response)
    body.remaining = None  # what the error page holds is nobody's
    return Answer(
        start=0,
        end=0,
        total=0,
        ranged=True,
        validator=None,
        linked=linked,
        body=body,
        connection=connection,
        response=response,
    )


def _merged(first: Linked, later: Linked) -> Linked:
    """What the origin told on its way; the first redirect knows best."""
    return Linked(
        etag=first.etag or later.etag,
        size=first.size if first.size is not None else later.size,
        commit=first.commit or later.commit,
    )
