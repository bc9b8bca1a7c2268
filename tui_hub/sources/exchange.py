"""One question to a server and its answer, whatever carries them."""

from __future__ import annotations

import math
from collections.abc import AsyncIterable, Mapping
from dataclasses import field

from tui_hub.domain.errors import UnreachableError
from tui_hub.domain.frozen import dataclass
from tui_hub.sources.network import host_of
from tui_hub.text import without_secrets

JSON_LIMIT = 64 * 1024**2
"""Bytes of a listing's page, unpacked; a page of 1000 entries has about 3 MB."""


class TooLargeError(UnreachableError):
    """An answer is longer than it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """How to fetch one URL."""

    private: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers for the origin of the URL, and for no other."""
    everywhere: Mapping[str, str] = field(default_factory=dict)
    """Headers for every origin that a redirect leads to."""
    opening: int | None = None
    """Bytes after which the rest of the body is left unread; `None` reads all."""
    limit: int = JSON_LIMIT
    """Bytes that the unpacked body may have."""
    patience: float = math.inf
    """Seconds that rate limits may cost in all before the request is given up."""
    foreign: bool = False
    """Whether redirects to another origin are followed."""
    packed: bool = True
    """Whether the body may come compressed; not where its exact bytes count."""
    patient: bool = True
    """Whether a server error may pass, and is no answer until it has come again and again."""
    method: str = "GET"
    content: bytes | AsyncIterable[bytes] | None = field(default=None, repr=False)


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
    linked_etag: str | None = None
    """What the origin of the URL calls the file (`X-Linked-ETag`), before it redirects to it."""
    private: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The headers of the question that were for its origin alone."""

    @property
    def message(self) -> str:
        """What the server says of an error, without a token that it repeats. Not clean."""
        said = self.headers.get("x-error-message") or self.body[:500].decode(errors="replace")
        return without_secrets(said, self.private)

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
