"""Reading the head of an answer: what it offers, or why it offers nothing."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from tui_hub.domain.errors import (
    GatedError,
    GoneError,
    HubError,
    NotFoundError,
    UnauthorizedError,
)
from tui_hub.domain.frozen import dataclass
from tui_hub.text import clean, without_secrets
from tui_hub.transfer.addresses import Address
from tui_hub.transfer.body import Body
from tui_hub.transfer.connection import Connection
from tui_hub.transfer.patience import pause_from
from tui_hub.transfer.trouble import Restart, Trouble

if TYPE_CHECKING:
    from tui_hub.transfer.pool import Pool

_CONTENT_RANGE = re.compile(r"\s*bytes\s+(\d{1,19})-(\d{1,19})/(\d{1,19}|\*)\s*", re.IGNORECASE)
_UNSATISFIED = re.compile(r"\s*bytes\s+\*/(\d{1,19})\s*", re.IGNORECASE)
_LAST_WORD = 2.0
"""Seconds in which a server may say whether there is more, after all that there should be."""
_SETTLED = timedelta(seconds=60)
_WAIT_STATUSES = (408, 425, 429, 500, 502, 503, 504)
_GONE_STATUSES = (404, 410, 451)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A range of a file, and the validator of what is here of it already."""

    start: int
    end: int | None
    """`None` asks for the file as a whole."""
    validator: str | None = None

    def headers(self) -> dict[str, str]:
        """The request headers that say so."""
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if self.end is not None:
            headers["Range"] = f"bytes={self.start}-{self.end - 1}"
            if self.validator is not None and is_strong(self.validator):
                headers["If-Range"] = self.validator
        return headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What the origin of a file tells about it before anybody else has a say."""

    etag: str | None = None
    size: int | None = None
    commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer, its body still to be read."""

    start: int
    end: int | None
    """Where its bytes end; `None` when nobody told."""
    total: int | None
    """The size of the whole file."""
    ranged: bool
    validator: str | None
    linked: Linked | None
    """What the origin told, when it was asked on the way."""
    body: Body
    connection: Connection
    response: http.client.HTTPResponse

    def goes_on(self) -> bool:
        """Whether more comes after what was read, where nobody told how much there is. Blocks."""
        if self.body.remaining is not None or self.end == 0:
            return False
        connection = self.connection
        try:
            connection.stream.settimeout(min(_LAST_WORD, connection.stall))  # nobody reads on
            return bool(self.body.readinto(memoryview(bytearray(1))))
        except (OSError, http.client.HTTPException):
            return False  # nothing came

    def close(self, pool: Pool) -> None:
        """Keep the connection of an answer that was read to its end; close any other."""
        consumed = self.body.consumed
        self.response.close()
        if consumed:
            pool.release(self.connection)
        else:
            self.connection.drop()


def is_strong(validator: str) -> bool:
    """Whether equal validators mean equal bytes (RFC 9110 section 8.8.1)."""
    return not validator.startswith("W/")


def validator_of(response: http.client.HTTPResponse) -> str | None:
    """The `ETag`, else a `Last-Modified` old enough to be trusted (RFC 9110 section 8.8.2.2)."""
    etag = (response.getheader("ETag") or "").strip()
    if etag and etag.isascii() and etag.isprintable() and len(etag) <= 512:
        return etag
    modified, date = response.getheader("Last-Modified", ""), response.getheader("Date", "")
    try:
        if parsedate_to_datetime(date) - parsedate_to_datetime(modified) >= _SETTLED:
            return modified
    except (ValueError, TypeError, OverflowError):
        pass
    return None


def linked_of(response: http.client.HTTPResponse) -> Linked:
    """The Hub's own headers; its redirect carries them, the storage behind it does not."""
    size = response.getheader("X-Linked-Size") or ""
    commit = response.getheader("X-Repo-Commit") or ""
    return Linked(
        etag=bare_etag(response.getheader("X-Linked-ETag")),
        size=int(size) if size.isascii() and size.isdigit() and len(size) < 20 else None,
        commit=commit if re.fullmatch(r"[0-9a-f]{40}", commit) else None,
    )


def bare_etag(etag: str | None) -> str | None:
    """An entity tag without its weakness mark and quotes."""
    if etag is None:
        return None
    return clean(etag.strip().removeprefix("W/").strip('"'), 200) or None


def accept(
    asked: Asked,
    address: Address,
    connection: Connection,
    response: http.client.HTTPResponse,
    linked: Linked | None,
    *,
    page: bool,
) -> Answer:
    """Check that a 200 or 206 brings bytes of the file, and which.

    Args:
        asked: what was asked for.
        address: of whom.
        connection: over which connection.
        response: the head of the answer.
        linked: what the origin told on the way.
        page: whether the file is a web page by its name.

    Raises:
        Trouble: when it brings anything else: another range, a compressed form, a page.
    """
    host = address.host
    coding = (response.getheader("Content-Encoding") or "identity").strip().lower()
    if coding != "identity":
        raise Trouble(
            f"{host} sends a compressed form of the file ({clean(coding, 40)})", lasting=True
        )
    kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if kind == "text/html" and not page:
        raise Trouble(
            f"{host} sends a web page instead of the file",
            hint="A login page or a proxy may stand in the way; open the address in a browser.",
            answered=False,
        )
    if len(set(response.headers.get_all("Content-Length", []))) > 1:
        raise Trouble(f"{host} tells two lengths for one answer", lasting=True)
    start, end, total, ranged = _extent(asked, host, kind, response)
    return Answer(
        start=start,
        end=end,
        total=total,
        ranged=ranged,
        validator=validator_of(response),
        linked=linked,
        body=Body(connection, response),
        connection=connection,
        response=response,
    )


def _extent(
    asked: Asked, host: str, kind: str, response: http.client.HTTPResponse
) -> tuple[int, int | None, int | None, bool]:
    """Start, end and total of an answer, and whether it is a range."""
    told = response.getheader("Content-Range")
    if response.status == 200 and (not told or asked.end is None):
        return 0, response.length, response.length, False
    found = _CONTENT_RANGE.fullmatch(told or "")
    if found is None or kind == "multipart/byteranges" or asked.end is None:
        raise Trouble(f"{host} answers with a range that cannot be understood", refused=True)
    start, end = int(found[1]), int(found[2]) + 1
    total = None if found[3] == "*" else int(found[3])
    wrong_length = response.length is not None and response.length != end - start
    beyond = end > asked.end or (total is not None and end > total)
    if start != asked.start or end <= start or beyond or wrong_length:
        raise Trouble(f"{host} answers with another range than the one asked for", refused=True)
    return start, end, total, True


def refusal(
    address: Address,
    response: http.client.HTTPResponse,
    *,
    foreign: bool,
    private: Mapping[str, str],
    log_in: str | None,
) -> HubError | Trouble | Restart:
    """Why there is no body, from the status and the Hub's error headers.

    Args:
        address: what was asked.
        response: an answer that is neither a success nor a redirect.
        foreign: whether it came from storage that the origin redirected to.
        private: the headers of the request for the file, which may carry a token.
        log_in: how to come by one, where that is known.
    """
    status, host = response.status, address.host
    token = any(name.lower() == "authorization" for name in private)
    said = clean(without_secrets(response.getheader("X-Error-Message") or "", private), 300)
    phrase = clean(without_secrets(response.reason, private), 60)
    if status in _WAIT_STATUSES or (status >= 500 and status != 501):
        limited = status == 429
        reason = "asks for a pause" if limited else f"is in trouble ({status})"
        return Trouble(f"{host} {reason}", wait=pause_from(response), limited=limited, host=host)
    if status == 416:
        return Trouble(f"{host} has no such range of the file", refused=True)
    if foreign and status in (400, 401, 403, 410):
        return Trouble(
            f"{host} refuses the signed address ({status})", refused=True, forbidden=True
        )
    if response.getheader("X-Error-Code") == "RevisionNotFound":
        return GoneError(f"{address} is not there ({said or status})")
    if status in _GONE_STATUSES:
        return NotFoundError(
            f"{address} is not there ({said or status})",
            hint="It may have been renamed or removed; list the files again.",
        )
    if status == 407:
        return UnauthorizedError(
            "the proxy wants a password",
            hint="Name it in the proxy variable: http://user:password@host:port.",
        )
    gated = response.getheader("X-Error-Code") == "GatedRepo"
    if status == 401 and token:
        new = f" To use a new one, {log_in}." if log_in else ""
        return UnauthorizedError(
            f"{host} does not know the token that was sent", hint=f"It may have expired.{new}"
        )
    if gated or status in (401, 403):
        return _no_access(address, said or str(status), gated, token, log_in)
    return Trouble(f"{host} answers {status} {phrase}".rstrip(), lasting=True)


def _no_access(
    address: Address, said: str, gated: bool, token: bool, log_in: str | None
) -> UnauthorizedError:
    """Why this user may not have the file, and where to ask for it."""
    page = str(address).partition("/resolve/")[0]
    if gated and token:
        return GatedError(
            f"{page} is gated, and you have no access to it yet",
            hint=f"Ask for access at {page}, then start the download again.",
        )
    if gated:
        return GatedError(
            f"{page} is gated: its maker grants access one by one",
            hint=f"First {log_in}. Then ask for access at {page}."
            if log_in
            else f"Ask for access at {page}.",
        )
    reason = f"{address.host} refuses access to {address} ({said})"
    if token:
        return UnauthorizedError(reason, hint=f"The token may lack the right; see {page}.")
    way = f"{log_in[0].upper()}{log_in[1:]}; see {page}." if log_in else "It may want a login."
    return UnauthorizedError(reason, hint=f"{way} The name may also be wrong.")


def unsatisfied_total(response: http.client.HTTPResponse) -> int | None:
    """The size of the file by a 416's `Content-Range: bytes */N`."""
    found = _UNSATISFIED.fullmatch(response.getheader("Content-Range") or "")
    return int(found[1]) if found else None
