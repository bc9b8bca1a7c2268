"""The user's Hugging Face token: where it comes from, and the header that carries it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tui_hub.domain.errors import UnauthorizedError
from tui_hub.sources.limits import Clock

LOG_IN = "set HF_TOKEN, or run `hf auth login`"
"""How a user comes by a token, in words."""

_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_TRUE = ("1", "true", "yes", "on")
_TOKEN = re.compile(r"[!-~]{1,4096}")
_FRESH = 300.0
"""Seconds for which a stored token is not read again; new logins are noticed after that."""


def bearer(token: str, source: str, hint: str) -> dict[str, str]:
    """The header that carries a token; empty without one.

    Raises:
        UnauthorizedError: for a token that cannot be sent; never with the token in it.
    """
    if not token:
        return {}
    if not _TOKEN.fullmatch(token):
        raise UnauthorizedError(f"the {source} token holds characters that no token has", hint=hint)
    return {"Authorization": f"Bearer {token}"}


def token_file(environment: Mapping[str, str]) -> Path:
    """Where `hf auth login` stores the token."""
    cache = environment.get("XDG_CACHE_HOME") or "~/.cache"
    home = environment.get("HF_HOME") or f"{cache}/huggingface"
    path = environment.get("HF_TOKEN_PATH") or f"{home}/token"
    return Path(os.path.expandvars(path)).expanduser()


class Login:
    """Finds the token and forgets it again; never shows it."""

    def __init__(
        self,
        environment: Mapping[str, str],
        clock: Clock,
        stored_token: Callable[[], str | None],
        *,
        online: Callable[[], bool],
    ) -> None:
        self._given = next(
            (environment[name] for name in _VARIABLES if environment.get(name)), None
        )
        self._online = online
        self._stored_allowed = (
            environment.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").lower() not in _TRUE
        )
        self._clock = clock
        self._stored_token = stored_token
        self._lock = asyncio.Lock()
        self._stored: str | None = None
        self._read_at: float | None = None

    async def headers(self) -> dict[str, str]:
        """The header to send to the Hub's own origin; empty without a token.

        Raises:
            UnauthorizedError: for a token that cannot be sent, or a login that cannot be read.
        """
        token = (self._given or await self._from_login() or "").strip()
        return bearer(token, "Hugging Face", "Set HF_TOKEN anew, or run `hf auth login`.")

    async def _from_login(self) -> str | None:
        """The token that `hf auth login` stored."""
        if not (self._stored_allowed and self._online()):
            return None
        async with self._lock:
            now = self._clock.monotonic()
            if self._read_at is None or now - self._read_at > _FRESH:
                self._stored = await asyncio.to_thread(self._stored_token)
                self._read_at = now
            return self._stored
