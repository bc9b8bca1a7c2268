"""Replicate: a catalogue of models that run as its service. It has no files to download."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import msgspec

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import (
    AbsentError,
    HubError,
    NotFoundError,
    RefusedError,
    UnauthorizedError,
    UnreachableError,
    UsageError,
)
from tui_hub.domain.feeds import Feed
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import DEFAULT_REF, Model
from tui_hub.settings import Configuration
from tui_hub.sources.base import FileListing, FileRequest, SourcePage
from tui_hub.sources.endpoint import checked_address
from tui_hub.sources.exchange import Answer, Ask
from tui_hub.sources.http import Api
from tui_hub.sources.limits import LONGEST_WAIT, Clock
from tui_hub.sources.login import bearer
from tui_hub.sources.network import host_of
from tui_hub.sources.records import BAD_JSON, latest_moment
from tui_hub.sources.replicate_feeds import Walk
from tui_hub.sources.replicate_records import PREFIX, USER, BadRecordError, read_model
from tui_hub.text import clean

TOKEN = "REPLICATE_API_TOKEN"  # noqa: S105 - the name of the variable
_SITE = "https://replicate.com"
_API = "https://api.replicate.com/v1"
_GET_ONE = f"Make a token at {_SITE}/account/api-tokens and set {TOKEN}."
_WRONG_QUERY = (400, 422)


class _Problem(msgspec.Struct):
    """What an error's body says (RFC 9457)."""

    detail: str = ""


class Replicate:
    """Lists and describes Replicate's models; needs a token for anything at all."""

    prefix = PREFIX
    user = USER
    lasting = False
    has_history = False

    def __init__(self, configuration: Configuration, *, clock: Clock | None = None) -> None:
        environment = configuration.environment
        self._endpoint = configuration.settings.replicate.endpoint.strip() or _API
        self._token = environment.get(TOKEN, "").strip()
        self._clock = clock or Clock()
        self._api = Api(
            configuration.settings.network,
            environment,
            clock=self._clock,
            offline=lambda: configuration.offline,
        )

    @property
    def endpoint(self) -> str:
        """The address of the API, without a slash at its end.

        Raises:
            UsageError: when what the settings name is no such address.
        """
        return checked_address("replicate.endpoint", self._endpoint, _API)

    def pages(
        self, feed: Feed, cursor: str | None = None, since: str | None = None
    ) -> AsyncIterator[SourcePage]:
        """Walk a feed, its queries one after the other; see `Source.pages` and `Walk`.

        Raises:
            AbsentError: while no token is set.
        """
        walk = Walk(self._list, self.endpoint, feed, latest=self._latest(), since=since)
        return walk.pages(cursor)

    async def model(self, model: ModelId, revision: str | None = None) -> Model:
        """Look one model up; a revision is the id of a version. See `Source.model`."""
        place = f"{self.endpoint}/models/{self._path(model)}"
        answer = await self._lookup(place, f"there is no model {model.path} on Replicate")
        try:
            found = read_model(answer.json_body(), self._latest())
        except BadRecordError as error:
            raise UnreachableError(
                f"{host_of(place)} describes {model} in a way that cannot be read: {error}"
            ) from None
        if revision not in (None, DEFAULT_REF, found.revision):
            missing = f"{model} has no version {clean(revision, 80)!r}"
            await self._lookup(f"{place}/versions/{quote(revision or '', safe='')}", missing)
        return found

    async def files(self, model: ModelId, revision: str | None = None) -> FileListing:
        """Refuse: what runs as a service has no files."""
        raise RefusedError(
            f"{model} runs as a service of Replicate, which gives no files to download",
            hint=f"It can be used at {self.web_page(model)}.",
        )

    def web_page(self, model: ModelId) -> str | None:
        """The model's page on replicate.com."""
        return f"{_SITE}/{quote(model.path)}"

    async def request(self, artifact: Artifact) -> FileRequest:
        """Refuse, as `files` does."""
        raise RefusedError(f"{artifact.model} runs as a service of Replicate and has no files")

    async def read(self, artifact: Artifact, limit: int) -> bytes:
        """Refuse, as `files` does."""
        raise RefusedError(f"{artifact.model} runs as a service of Replicate and has no files")

    async def close(self) -> None:
        """Give back all connections."""
        await self._api.close()

    async def _list(self, url: str, search: str | None) -> Answer:
        """One page of a listing or of a search, however long the rate limit makes it take."""
        ask = Ask(private=self._headers())
        if search is not None:
            headers = {**self._headers(), "content-type": "text/plain"}
            ask = Ask(private=headers, method="QUERY", content=search.encode())
        answer = await self._api.fetch(url, ask)
        if answer.status != 200:
            raise _explained(answer, f"{host_of(url)} has nothing at {clean(url, 200)}")
        return answer

    async def _lookup(self, url: str, missing: str) -> Answer:
        answer = await self._api.fetch(url, Ask(private=self._headers(), patience=LONGEST_WAIT))
        if answer.status != 200:
            raise _explained(answer, missing)
        return answer

    def _headers(self) -> dict[str, str]:
        """The header for the API's own origin.

        Raises:
            AbsentError: while no token is set.
            UnauthorizedError: for a token that cannot be sent.
        """
        if not self._token:
            raise AbsentError(
                f"Replicate cannot be asked without a token: {TOKEN} is not set", hint=_GET_ONE
            )
        return bearer(self._token, "Replicate", _GET_ONE)

    def _path(self, model: ModelId) -> str:
        """The owner and name of a model.

        Raises:
            NotFoundError: for an id that none of Replicate's models can have.
        """
        if model.author is None or ":" in model.path:
            raise NotFoundError(
                f"there is no model {model.path} on Replicate",
                hint="Its models are called replicate:owner/name.",
            )
        return quote(model.path)

    def _latest(self) -> str:
        """The last moment that a date from outside may name."""
        return latest_moment(self._clock.wall())


def _explained(answer: Answer, missing: str) -> HubError:
    """The error for an answer that is no success."""
    host, status, detail = host_of(answer.url), answer.status, _detail(answer)
    if answer.is_page():
        return UnreachableError(
            f"{host} answers {status} with a web page instead of data",
            hint="Is replicate.endpoint right? Is there a login page or a proxy in between?",
        )
    said = f": {detail}" if detail else ""
    if status == 401:
        return UnauthorizedError(f"{host} does not know the token in {TOKEN}{said}", hint=_GET_ONE)
    if status == 403:
        return UnauthorizedError(
            f"{host} refuses{said}", hint=f"The token in {TOKEN} may lack the right to read this."
        )
    if status == 404:
        return NotFoundError(missing, hint="Check its name; it may be private or gone.")
    if status in _WRONG_QUERY:
        return UsageError(
            f"{host} refuses the query{said}", hint="Check the feed's queries in the settings."
        )
    return UnreachableError(
        f"{host} answers {status} where data was expected{said}",
        hint="Is replicate.endpoint right?",
    )


def _detail(answer: Answer) -> str:
    """What the API says of an error, clean."""
    try:
        return clean(msgspec.json.decode(answer.body, type=_Problem).detail, 200)
    except BAD_JSON:
        return ""
