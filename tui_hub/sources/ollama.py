"""Ollama: its library, any tag of its registry, and what the daemon of this box holds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import NotFoundError, RefusedError, UsageError
from tui_hub.domain.feeds import Feed
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import DEFAULT_REF, Model
from tui_hub.settings import Configuration
from tui_hub.sources.base import FileListing, FileRequest, SourcePage
from tui_hub.sources.http import Api
from tui_hub.sources.limits import Clock
from tui_hub.sources.ollama_daemon import Daemon
from tui_hub.sources.ollama_feeds import Told, Walk
from tui_hub.sources.ollama_library import Library
from tui_hub.sources.ollama_manifest import Layer, is_manifest
from tui_hub.sources.ollama_names import PREFIX, Name
from tui_hub.sources.ollama_records import USER, record
from tui_hub.sources.ollama_registry import ACCEPT, Described, Registry
from tui_hub.text import clean

LOCAL = f"{PREFIX}:local"
"""The feed of what the daemon holds; every other one is of the library."""
_SHORTEST_DIGEST = 12
"""Characters of a digest that Ollama shows."""


class Ollama:
    """Lists what Ollama's library and its daemon have, and says how to fetch any tag's files.

    The revision of a model is its digest, as Ollama shows it: the SHA-256 of its manifest.
    """

    prefix = PREFIX
    user = USER
    lasting = True
    has_history = False

    def __init__(self, configuration: Configuration, *, clock: Clock | None = None) -> None:
        clock = clock or Clock()
        self._api = Api(
            configuration.settings.network,
            configuration.environment,
            clock=clock,
            offline=lambda: configuration.offline,
        )
        self._registry = Registry(configuration, self._api)
        self._library = Library(configuration, clock)
        self._daemon = Daemon(configuration, clock)

    async def pages(
        self, feed: Feed, cursor: str | None = None, since: str | None = None
    ) -> AsyncIterator[SourcePage]:
        """Walk a feed; see `Source.pages`. Neither place can tell what changed since a time."""
        if feed.name == LOCAL:
            held = await self._daemon.held()
            yield SourcePage(
                models=tuple(held.models),
                skipped=held.skipped,
                requests=held.requests,
                bytes=held.bytes,
            )
            return
        _ = self._registry.in_use  # no library without a registry that describes its models
        async for page in Walk(feed, self._library.names, self._told).pages(cursor):
            yield page

    async def model(self, model: ModelId, revision: str | None = None) -> Model:
        """Look one tag up at its registry; what only the daemon has, there. See `Source.model`."""
        try:
            described = await self._registry.describe(Name.of(model))
        except NotFoundError:
            held = await self._daemon.find(model)
            if held is None or not _is_newest(revision):
                raise
            return held
        _check_revision(described, revision)
        return _model(described)

    async def files(self, model: ModelId, revision: str | None = None) -> FileListing:
        """The layers of a tag as files; see `Source.files`."""
        name = Name.of(model)
        try:
            described = await self._registry.describe(name)
        except NotFoundError:
            if await self._daemon.find(model) is None:
                raise
            raise RefusedError(
                f"only the daemon of Ollama has {name.id}: no registry has its files",
                hint="The daemon runs it from where it is.",
            ) from None
        _check_revision(described, revision)
        manifest = described.manifest
        if not manifest.has_weights:
            raise RefusedError(
                f"{name.id} has no files to download"
                + (": it runs on Ollama's servers" if described.traits.remote else ""),
                hint=None if manifest.unsafe else "Its other tags may have some.",
            )
        return FileListing(
            model=_model(described),
            revision=manifest.digest,
            files=await asyncio.to_thread(manifest.files, name, described.traits.quantization),
            unsafe=manifest.unsafe,
        )

    def web_page(self, model: ModelId) -> str | None:
        """The model's page in the library, or on the Hub; `None` while it has none."""
        try:
            return self._registry.page(Name.of(model))
        except UsageError:
            return None

    async def request(self, artifact: Artifact) -> FileRequest:
        """The address of the layer, or of the manifest; it takes no token."""
        name = _name_of(artifact)
        if is_manifest(artifact):
            return FileRequest(url=self._registry.manifest(name), headers={"Accept": ACCEPT})
        return FileRequest(url=self._registry.blob(name, artifact.sha256 or ""))

    async def read(self, artifact: Artifact, limit: int) -> bytes:
        """The bytes of a small layer or of the manifest, verified; see `Source.read`."""
        if is_manifest(artifact):
            digest = artifact.revision
            return await self._registry.manifest_bytes(_name_of(artifact), digest)
        layer = Layer(f"sha256:{artifact.sha256}", artifact.size or 0)
        what = f"{clean(artifact.path, 100)} of {artifact.model}"
        answer = await self._registry.fetch(_name_of(artifact), layer, limit, what=what)
        return answer.body

    async def close(self) -> None:
        """Give back all connections."""
        await self._api.close()
        await self._library.close()
        await self._daemon.close()

    async def _told(self, name: Name) -> Told:
        # A rate limit slows a sync down, and fails none.
        described = await self._registry.describe(name, math.inf)
        return Told(_model(described), described.requests, described.bytes)


def _name_of(artifact: Artifact) -> Name:
    return Name.of(ModelId.parse(artifact.model))


def _model(described: Described) -> Model:
    manifest = described.manifest
    model = record(
        described.name,
        described.traits,
        looks=manifest.has_projector,
        revision=manifest.digest,
        size=manifest.size or None,
    )
    remote = described.traits.remote and not manifest.has_weights
    return replace(model, size=None) if remote else model


def _is_newest(revision: str | None) -> bool:
    return revision in (None, DEFAULT_REF)


def _check_revision(described: Described, revision: str | None) -> None:
    """A registry knows a tag as it is now, and none of what it was before.

    Raises:
        RefusedError: when another digest is asked for.
        NotFoundError: when what is asked for is no digest.
    """
    asked = (revision or DEFAULT_REF).lower().removeprefix("sha256:")
    digest = described.manifest.digest
    whole_enough = len(asked) >= _SHORTEST_DIGEST and digest.startswith(asked)
    if _is_newest(revision) or whole_enough:
        return
    identifier = described.name.id
    if len(asked) >= _SHORTEST_DIGEST and not asked.strip("0123456789abcdef"):
        raise RefusedError(
            f"{identifier} stands for {digest[:12]} now, and {asked[:12]} cannot be had any more",
            hint="Without `--revision` it is taken as it is now.",
        )
    raise NotFoundError(
        f"{identifier} has no revision {clean(revision, 80)!r}",
        hint=f"Tags are part of the id, for example {PREFIX}:{described.name.model}:latest.",
    )
