"""A registry that speaks Ollama's protocol: Ollama's own, one's own, or the Hub in its place."""

from __future__ import annotations

import asyncio
import hashlib
import re

from tui_hub.domain.errors import (
    AbsentError,
    CorruptError,
    HiddenError,
    HubError,
    NotFoundError,
    RefusedError,
    UnauthorizedError,
    UnreachableError,
)
from tui_hub.domain.frozen import dataclass
from tui_hub.settings import Configuration
from tui_hub.sources.endpoint import checked_address, endpoint_from
from tui_hub.sources.exchange import Answer, Ask, TooLargeError
from tui_hub.sources.http import Api
from tui_hub.sources.limits import LONGEST_WAIT
from tui_hub.sources.network import host_of
from tui_hub.sources.ollama_manifest import Layer, Manifest, read_manifest
from tui_hub.sources.ollama_names import Name
from tui_hub.sources.ollama_records import Traits, read_config
from tui_hub.text import clean

_EXAMPLE = "https://registry.ollama.ai"
_MANIFEST_LIMIT = 8 * 1024**2
_CONFIG_LIMIT = 1024**2
_REMEMBERED = 4096
"""Configurations kept at hand by their hash, so that a long run asks for each one once."""
ACCEPT = "application/vnd.docker.distribution.manifest.v2+json"
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_DIGEST_HEADERS = ("ollama-content-digest", "docker-content-digest")


@dataclass(frozen=True, slots=True)
class Described:
    """A tag, as its registry describes it."""

    name: Name
    manifest: Manifest
    traits: Traits
    requests: int
    bytes: int


class Registry:
    """Asks registries for manifests and small blobs. No token goes to any of them."""

    def __init__(self, configuration: Configuration, api: Api) -> None:
        self._settings = configuration.settings
        self._environment = configuration.environment
        self._api = api
        self._known: dict[str, Traits] = {}

    @property
    def in_use(self) -> str:
        """The address of the registry in use.

        Raises:
            AbsentError: when the settings name none.
            UsageError: when what they name is no address.
        """
        if not self._settings.ollama.registry:
            raise AbsentError(
                "no Ollama registry is set", hint=f"Set ollama.registry, to {_EXAMPLE} for example."
            )
        return checked_address("ollama.registry", self._settings.ollama.registry, _EXAMPLE)

    def address(self, name: Name) -> str:
        """Where a model's registry is.

        Raises:
            AbsentError: when the settings name none.
            RefusedError: when it is another than the one in use, and not the Hub.
            UsageError: when what the settings name is no address.
        """
        if name.on_hub:
            # `hf.co` only redirects there; a mirror of the Hub stands in for it.
            return endpoint_from(self._settings.huggingface, self._environment)
        address = self.in_use
        if name.host and name.host.lower() != host_of(address):
            raise RefusedError(
                f"{name.id} is at the registry {name.host}, and {host_of(address)} is in use",
                hint="Set ollama.registry to the address of the other one to ask that.",
            )
        return address

    def page(self, name: Name) -> str | None:
        """The address of a model's page, for people; `None` where there is none."""
        library = self._settings.ollama.library
        try:
            if name.on_hub:
                return f"{self.address(name)}/{name.repository}"
            if name.host or not library:
                return None
            front = checked_address("ollama.library", library, "https://ollama.com")
        except HubError:
            return None
        return f"{front}/{name.repository}" + ("" if name.tag == "latest" else f":{name.tag}")

    def blob(self, name: Name, sha256: str) -> str:
        """The address of a blob, which redirects to where its bytes are."""
        return f"{self.address(name)}/v2/{name.repository}/blobs/sha256:{sha256}"

    def manifest(self, name: Name) -> str:
        """The address of what a tag stands for now."""
        return f"{self.address(name)}/v2/{name.repository}/manifests/{name.tag}"

    async def manifest_bytes(self, name: Name, digest: str) -> bytes:
        """The manifest with that digest.

        Raises:
            CorruptError: when the tag stands for another one by now.
        """
        ask = Ask(private={"accept": ACCEPT}, limit=_MANIFEST_LIMIT, packed=False)
        answer = await self._api.fetch(self.manifest(name), ask)
        if answer.status != 200:
            raise self._refusal(name, answer)
        if hashlib.sha256(answer.body).hexdigest() != digest:
            raise CorruptError(
                f"{name.id} stands for another manifest by now", hint="Ask for the model anew."
            )
        return answer.body

    async def describe(self, name: Name, patience: float = LONGEST_WAIT) -> Described:
        """What a tag stands for now.

        Args:
            name: model and tag.
            patience: seconds that rate limits may cost.

        Raises:
            NotFoundError: no such model or tag.
            CorruptError: what came is not what its digest says.
            UnreachableError: what answers is no registry.
        """
        url = self.manifest(name)
        ask = Ask(
            private={"accept": ACCEPT},
            limit=_MANIFEST_LIMIT,
            patience=patience,
            packed=False,
        )
        answer = await self._api.fetch(url, ask)
        if answer.status != 200:
            raise self._refusal(name, answer)
        manifest = await asyncio.to_thread(read_manifest, answer.json_body(), host_of(url))
        _check_digest(name, answer, manifest)
        traits, requests, transferred = Traits(), answer.requests, answer.transferred
        if manifest.config is not None and manifest.config.sha256 in self._known:
            traits = self._known[manifest.config.sha256]
        elif manifest.config is not None:
            config = await self.fetch(name, manifest.config, _CONFIG_LIMIT, patience=patience)
            traits = read_config(config.body)
            requests, transferred = requests + config.requests, transferred + config.transferred
            if len(self._known) < _REMEMBERED:
                self._known[manifest.config.sha256] = traits
        return Described(name, manifest, traits, requests, transferred)

    async def fetch(
        self,
        name: Name,
        layer: Layer,
        limit: int,
        *,
        what: str = "",
        patience: float = LONGEST_WAIT,
    ) -> Answer:
        """A small blob, verified.

        Args:
            name: the model that it belongs to.
            layer: its hash and size.
            limit: bytes that it may have.
            what: what to call it in an error.
            patience: seconds that rate limits may cost.

        Raises:
            RefusedError: it is larger than `limit` bytes.
            CorruptError: the bytes are not those of its hash.
        """
        what = what or f"the configuration of {name.id}"
        too_large = RefusedError(f"{what} is larger than {limit} bytes")
        if layer.size > limit:
            raise too_large
        ask = Ask(limit=limit, patience=patience, foreign=True, packed=False)
        try:
            answer = await self._api.fetch(self.blob(name, layer.sha256), ask)
        except TooLargeError:
            raise too_large from None
        if answer.status != 200:
            raise self._refusal(name, answer)
        body = answer.body
        if len(body) != layer.size or hashlib.sha256(body).hexdigest() != layer.sha256:
            raise CorruptError(
                f"{what} is not what its manifest promised",
                hint="Try again; if it stays so, the registry or a proxy changes files.",
            )
        return answer

    def _refusal(self, name: Name, answer: Answer) -> HubError:
        """Why a registry did not answer with what was asked for."""
        host, page = host_of(answer.url), self.page(name)
        seen = f"See {page}." if page else "Check the name and the tag."
        if answer.status == 401 and name.on_hub:
            return HiddenError(
                f"{host} has no {name.id}, or does not show it to everybody",
                hint=f"With a token that has access, hf:{name.repository} can be had.",
            )
        if answer.status in (401, 403):
            return UnauthorizedError(
                f"{host} gives {name.id} only to its owner",
                hint="`ollama pull` gets it with the key of the daemon, if that is its owner's.",
            )
        # The Hub answers 400 where a repository has no file of that quantisation.
        if answer.status == 404 or (answer.status == 400 and name.on_hub):
            return NotFoundError(
                f"{host} has no {name.repository} with the tag {name.tag}", hint=seen
            )
        said = "" if answer.is_page() else clean(answer.message, 200)
        return UnreachableError(
            f"{host} answers {answer.status} for {name.id}" + (f": {said}" if said else ""),
            hint="Try again later; is the registry's address right?",
        )


def _check_digest(name: Name, answer: Answer, manifest: Manifest) -> None:
    """Compare the manifest with the digest that its registry tells, where it tells one."""
    for header in _DIGEST_HEADERS:
        told = _DIGEST.fullmatch(answer.headers.get(header, "").strip().lower())
        if told is not None and told[1] != manifest.digest:
            raise CorruptError(
                f"the manifest of {name.id} is not the one that its registry means to send",
                hint="Try again; if it stays so, a proxy in between changes what it passes on.",
            )
