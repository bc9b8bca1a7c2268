"""Which models Ollama's library has: by its page for people, or by the list that ships."""

from __future__ import annotations

import asyncio
import logging
import tomllib
from functools import cache
from importlib import resources

import msgspec

from tui_hub.domain.errors import HubError, UnreachableError
from tui_hub.settings import Configuration
from tui_hub.sources.endpoint import checked_address
from tui_hub.sources.exchange import Answer, Ask
from tui_hub.sources.http import Api
from tui_hub.sources.limits import LONGEST_WAIT, Clock
from tui_hub.sources.network import host_of

_log = logging.getLogger(__name__)

_PAGE_LIMIT = 4 * 1024**2


class Listed(msgspec.Struct, frozen=True):
    """The names of the library, newest or most used first, as their place tells them."""

    names: tuple[str, ...]
    problem: str | None = None
    """Why these are the shipped names though a page is configured; clean."""
    requests: int = 0
    bytes: int = 0


class Library:
    """Reads the library's page. There is no other listing, and any page may look otherwise soon."""

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        self._address = configuration.settings.ollama.library
        network = msgspec.structs.replace(configuration.settings.network, retries=1)
        self._api = Api(
            network, configuration.environment, clock=clock, offline=lambda: configuration.offline
        )

    async def names(self) -> Listed:
        """What the page links to; the shipped names where there is none, or none that tells any.

        Raises:
            UsageError: when the configured address is none.
        """
        if not self._address:
            return Listed(shipped_names())
        address = checked_address("ollama.library", self._address, "https://ollama.com")
        try:
            ask = Ask(private={"accept": "text/html"}, limit=_PAGE_LIMIT, patience=LONGEST_WAIT)
            answer = await self._api.fetch(f"{address}/library?sort=newest", ask)
            names = await _names_on(answer)
        except HubError as error:
            _log.info("the shipped names stand in for Ollama's library: %s", error.message)
            return Listed(shipped_names(), error.message)
        return Listed(names, None, answer.requests, answer.transferred)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()


@cache
def shipped_names() -> tuple[str, ...]:
    """The names that ship with the program, most used first."""
    text = resources.files("tui_hub.sources").joinpath("data/ollama.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["names"])


async def _names_on(answer: Answer) -> tuple[str, ...]:
    """The names that a page links to.

    Raises:
        UnreachableError: when it is no such page.
    """
    # The parser costs a start that asks for no page.
    from tui_hub.sources.ollama_page import names_in

    host = host_of(answer.url)
    if answer.status != 200:
        raise UnreachableError(f"{host} answers {answer.status} instead of its library")
    names = await asyncio.to_thread(names_in, answer.body)
    if not names:
        raise UnreachableError(f"the page of {host} names no models in a way that can be read")
    return names
