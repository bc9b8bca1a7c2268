"""Models whose files lie at addresses that a user gave."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

from tui_hub.domain.additions import AddedFile, Addition
from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import (
    HubError,
    NotFoundError,
    RefusedError,
    UnauthorizedError,
    UnreachableError,
)
from tui_hub.domain.feeds import Feed
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.settings import Configuration
from tui_hub.sources.added import (
    check_small,
    definition,
    file_of,
    listing_of,
    model_of,
    refuse_revision,
    shown,
)
from tui_hub.sources.addresses import checked_address, token_headers, token_variable
from tui_hub.sources.base import FileListing, FileRequest, Find, SourcePage
from tui_hub.sources.exchange import Answer, Ask
from tui_hub.sources.file_names import name_of_answer
from tui_hub.sources.http import Api
from tui_hub.sources.limits import LONGEST_WAIT
from tui_hub.sources.network import host_of
from tui_hub.sources.publishers import Publishers, Sites
from tui_hub.sources.small_files import fetch_small

PREFIX = "url"
USER = "url_sync_system"

_SITES = Sites()
_OPENING = 128
"""Bytes of a file that are looked at before it is taken for one."""
_PAGES = (b"<!doctype html", b"<html")
_POINTER = b"version https://git-lfs.github.com/spec/"
_RANGE = re.compile(r"\s*bytes\s+\d{1,19}-\d{1,19}/(\d{1,19})\s*", re.IGNORECASE)
_EMPTY = re.compile(r"\s*bytes\s+\*/0\s*", re.IGNORECASE)
_NO_RANGES = (400, 403, 405, 416, 501)
"""What some answer to a range who give the whole file all the same."""


class Url:
    """Asks the addresses themselves, by the first bytes of each file.

    A HEAD would not do: signed addresses are made for one method, and many servers refuse it.
    """

    prefix = PREFIX
    user = USER
    lasting = False
    has_history = False

    def __init__(self, configuration: Configuration, find: Find, sites: Sites = _SITES) -> None:
        self._environment = configuration.environment
        self._api = Api(
            configuration.settings.network,
            configuration.environment,
            offline=lambda: configuration.offline,
        )
        self._publishers = Publishers(self._api, configuration.environment, sites)
        self._find = find

    async def look(self, address: str) -> AddedFile:
        """What lies at an address now, with its SHA-256 where the site is one that tells it.

        Raises:
            UnsafeError: for an address or a redirect that must not be followed.
            NotFoundError: nothing is there.
            UnauthorizedError: it wants a token, or refuses the one that was sent.
            RefusedError: what is there is no file: a login page, a pointer of Git LFS.
            UnreachableError: the server does not answer.
        """
        told = await self._publishers.ask(checked_address(address))
        return replace(await self._look(told.address), sha256=told.sha256)

    async def pages(
        self, feed: Feed, cursor: str | None = None, since: str | None = None
    ) -> AsyncIterator[SourcePage]:
        """Nothing: addresses list no models."""
        yield SourcePage(models=())

    async def model(self, model: ModelId, revision: str | None = None) -> Model:
        """The record of an added model; see `Source.model`."""
        return model_of(await definition(self._find, model), USER)

    async def files(self, model: ModelId, revision: str | None = None) -> FileListing:
        """The files as they are at their addresses now; see `Source.files`."""
        addition = await definition(self._find, model, RefusedError)
        addition = addition.seen(await asyncio.gather(*map(self._again, addition.files)))
        refuse_revision(addition, revision)
        return listing_of(addition, USER)

    def web_page(self, model: ModelId) -> str | None:
        """Nothing beyond the addresses themselves, which its record links to."""
        return None

    async def request(self, artifact: Artifact) -> FileRequest:
        """The address as it was given, with the user's token for its origin where there is one."""
        address = file_of(await self._definition(artifact), artifact).place
        variable = token_variable(address)
        return FileRequest(
            url=address,
            headers=token_headers(address, self._environment),
            log_in=f"set {variable}" if variable is not None else None,
        )

    async def read(self, artifact: Artifact, limit: int) -> bytes:
        """The bytes of a small file; see `Source.read`."""
        request = await self.request(artifact)
        answer = await fetch_small(self._api, request, artifact, limit)
        if answer.status != 200:
            raise _refusal(request.url, answer)
        return check_small(artifact, answer.body)

    async def close(self) -> None:
        """Give back all connections."""
        await self._api.close()

    async def _definition(self, artifact: Artifact) -> Addition:
        return await definition(self._find, artifact.model)

    async def _again(self, file: AddedFile) -> AddedFile:
        """The file as it is now, under the name and the checksums that it was given."""
        now = await self._look(file.place)
        return replace(file, size=now.size, mark=now.mark)

    async def _look(self, address: str) -> AddedFile:
        answer = await self._opening(address)
        headers = answer.headers
        name = name_of_answer(address, answer.url, headers.get("content-disposition", ""))
        return AddedFile(
            path=name or "model.bin",
            place=address,
            size=_size(answer),
            mark=headers.get("etag") or headers.get("last-modified"),
        )

    async def _opening(self, address: str) -> Answer:
        """The head of an answer that brings the file, and its first bytes."""
        ranged = Ask(
            private=token_headers(address, self._environment),
            everywhere={"range": f"bytes=0-{_OPENING - 1}"},
            opening=_OPENING,
            patience=LONGEST_WAIT,
            foreign=True,
            packed=False,
        )
        answer = await self._api.fetch(address, ranged)
        if answer.status in _NO_RANGES and not _is_empty(answer):
            answer = await self._api.fetch(address, replace(ranged, everywhere={}))
        if answer.status not in (200, 206) and not _is_empty(answer):
            raise _refusal(address, answer)
        _refuse_page(address, answer)
        return answer


def _size(answer: Answer) -> int | None:
    """Bytes of the whole file; `None` where nobody tells."""
    if _is_empty(answer):
        return 0
    found = _RANGE.fullmatch(answer.headers.get("content-range", ""))
    if found:
        return int(found[1])
    length = answer.headers.get("content-length", "")
    whole = answer.status == 200 and length.isascii() and length.isdigit() and len(length) < 20
    return int(length) if whole else None


def _is_empty(answer: Answer) -> bool:
    """Whether this is the answer to a range of a file that has no bytes."""
    told = answer.headers.get("content-range", "")
    return answer.status == 416 and _EMPTY.fullmatch(told) is not None


def _refuse_page(address: str, answer: Answer) -> None:
    """Stop at what is no file of a model.

    Raises:
        RefusedError: saying what it is.
    """
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    page = urlsplit(address).path.lower().endswith((".html", ".htm"))
    if (kind == "text/html" or answer.body.lstrip()[:14].lower().startswith(_PAGES)) and not page:
        raise RefusedError(
            f"{shown(address)} is a web page, and no file",
            hint="Give the address behind its download button. It may also be a login page.",
        )
    if answer.body.startswith(_POINTER):
        raise RefusedError(
            f"{shown(address)} is a pointer of Git LFS, and not the file itself",
            hint="Give the address from which the site itself downloads the file.",
        )


def _refusal(address: str, answer: Answer) -> HubError:
    """What an answer without a file means."""
    status = answer.status
    if status in (404, 410, 451):
        return NotFoundError(
            f"{shown(address)} is not there ({status})", hint="Check the address in a browser."
        )
    if status in (401, 403):
        variable = token_variable(address)
        return UnauthorizedError(
            f"{host_of(address)} refuses access to {shown(address)} ({status})",
            hint=f"Set {variable} to your token."
            if variable is not None
            else "Files behind a login cannot be taken by address.",
        )
    return UnreachableError(
        f"{host_of(address)} answers {status} where a file was asked for",
        hint="Check the address in a browser, or try again later.",
    )
