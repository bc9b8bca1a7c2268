"""What may go wrong on the way, as the parts of a transfer tell each other."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from tui_hub.domain.errors import (
    HubError,
    NoConnectionError,
    NoSpaceError,
    RateLimitedError,
    UnreachableError,
)
from tui_hub.text import clean


class Cancelled(Exception):
    """The work was called off; nothing is wrong."""


class Restart(Exception):
    """What is here does not belong to what the server offers now: begin again from zero."""

    def __init__(self, message: str, *, whole: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.whole = whole
        """Whether to ask for the file as a whole from now on, without ranges."""


class Mismatch(Exception):
    """All bytes are here and their hash is not the expected one."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Trouble(Exception):
    """Something that may be gone a moment later."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        wait: float | None = None,
        limited: bool = False,
        refused: bool = False,
        forbidden: bool = False,
        answered: bool = True,
        lasting: bool = False,
        host: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.wait = wait
        """Seconds that the server asked for."""
        self.limited = limited
        """Whether the server asks to be asked less often."""
        self.refused = refused
        """Whether the server refuses this very request, so that another form of it may pass."""
        self.forbidden = forbidden
        """Whether it refuses access, so that bytes which came before came by this very form."""
        self.answered = answered
        """Whether the file's own server spoke; a login page on the way is not it."""
        self.lasting = lasting
        """Whether it is most likely the same tomorrow."""
        self.host = host
        """Who asked for the pause."""

    def error(self) -> HubError:
        """The same as an error for people, once no patience is left."""
        if self.limited:
            return RateLimitedError(self.message, hint=self.hint, wait=self.wait or 0.0)
        kind = UnreachableError if self.lasting or self.refused else NoConnectionError
        return kind(
            self.message,
            hint=self.hint or "Start the download again later; it goes on where it stopped.",
        )


def trouble_from(error: OSError | http.client.HTTPException, host: str) -> Trouble | HubError:
    """Put an error of the network into words.

    A certificate that does not hold is final and comes as `UnreachableError`.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return UnreachableError(
            f"the certificate of {host} is not valid: {clean(error.verify_message)}",
            hint="Behind a proxy of your own, name its authority in SSL_CERT_FILE.",
        )
    if isinstance(error, socket.gaierror):
        return Trouble(
            f"the name {host} cannot be resolved",
            hint="Check the network and the address.",
            answered=False,
        )
    if isinstance(error, TimeoutError):
        return Trouble(f"{host} is silent", answered=False)
    if isinstance(error, ConnectionRefusedError):
        return Trouble(f"{host} refuses connections", answered=False)
    if isinstance(error, ConnectionError):
        return Trouble(f"{host} dropped the connection")
    if isinstance(error, http.client.IncompleteRead):
        return Trouble(f"{host} ended the file too early")
    if isinstance(error, OSError):
        reason = clean(error.strerror or str(error), 120)
        return Trouble(f"{host} cannot be reached: {reason}", answered=False)
    return Trouble(f"{host} does not speak HTTP: {type(error).__name__}", lasting=True)


@contextmanager
def on_disk() -> Iterator[None]:
    """Around whatever touches the partial file.

    Raises:
        NoSpaceError: when the disk is full.
        HubError: when it fails in another way.
    """
    try:
        yield
    except OSError as error:
        raise disk_error(error) from error


def disk_error(error: OSError) -> HubError:
    """Put an error of the disk into words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(
            "the disk is full",
            hint="Free some room and start the download again; it goes on where it stopped.",
        )
    return HubError(f"the partial file cannot be written: {error.strerror or error}")
