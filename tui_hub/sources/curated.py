"""The models that ship with the program as data: `data/curated.toml`."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from tui_hub.domain.artifacts import Artifact, artifact_id, kind_of
from tui_hub.domain.errors import NotFoundError, RefusedError
from tui_hub.domain.feeds import Feed
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.domain.published import is_due
from tui_hub.domain.types import ModelType
from tui_hub.sources.base import FileListing, FileRequest, SourcePage
from tui_hub.sources.limits import Clock
from tui_hub.text import stamp_of

PREFIX = "curated"
USER = "curated_sync_system"


class Requires(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model's maker says it needs."""

    gpu_memory: int | None = None
    """Bytes of one GPU's memory."""
    torch: str = ""
    """The oldest version of torch."""


class EntryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that lies at an address of its own."""

    path: str
    url: str
    size: int | None = None
    sha256: str | None = None


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the data file. What no source gives is empty."""

    id: str
    """Of the model that it adds to (`hf:` or `ollama:`), or `curated:<slug>`."""
    name: str
    type: ModelType
    maker: str
    closed: bool
    """Only to be had as its maker's service: no files."""
    aliases: tuple[str, ...] = ()
    """Other names that people look for it by."""
    description: str = ""
    default: bool = False
    """One of the models that the program offers at its first start."""
    task: str = ""
    released: str = ""
    """A date, as exact as the source gives it."""
    deprecated: str = ""
    """When the maker ended it, or will: a date, as exact as the source gives it."""
    deprecation_source: str = ""
    """Where that was read."""
    successor: str = ""
    """What the maker names in its place."""
    params: int | None = None
    size: int | None = None
    license: str = ""
    limits: str = ""
    price: str = ""
    price_source: str = ""
    """Where the price was read."""
    links: tuple[str, ...] = ()
    """Pages of the maker, each one named by a source."""
    source_link: str = ""
    """Where the facts of this entry were read; empty for what the project was told."""
    requires: Requires | None = None
    files: tuple[EntryFile, ...] = ()
    """For a `curated:` id whose files can be had from an address."""


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: tuple[Entry, ...]


@cache
def entries() -> tuple[Entry, ...]:
    """The shipped entries, in the order of the file."""
    text = resources.files("tui_hub.sources").joinpath("data/curated.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _Document).model


class Curated:
    """The shipped list: no network, one page."""

    prefix = PREFIX
    user = USER
    lasting = False
    has_history = False

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()

    async def pages(
        self, feed: Feed, cursor: str | None = None, since: str | None = None
    ) -> AsyncIterator[SourcePage]:
        """All entries on one page; see `Source.pages`."""
        today = self._today()
        models = (_model(entry, today) for entry in entries())
        yield SourcePage(models=tuple(models))

    async def model(self, model: ModelId, revision: str | None = None) -> Model:
        """Look one entry up; see `Source.model`."""
        return _model(_entry(str(model)), self._today())

    async def files(self, model: ModelId, revision: str | None = None) -> FileListing:
        """The files that lie at an address; see `Source.files`.

        An entry that names a model of the Hub or of Ollama has its files there.
        """
        entry = _entry(str(model))
        if not entry.files:
            raise RefusedError(
                f"{entry.name} has no files to download"
                + (": it is only offered as a service" if entry.closed else ""),
                hint=f"See {entry.links[0]}." if entry.links else None,
            )
        revision = _revision(entry)
        files = tuple(_artifact(entry.id, revision, file) for file in entry.files)
        return FileListing(
            model=replace(_model(entry, self._today()), revision=revision),
            revision=revision,
            files=files,
        )

    def web_page(self, model: ModelId) -> str | None:
        """Nothing beyond the links that an entry names itself."""
        return None

    async def request(self, artifact: Artifact) -> FileRequest:
        """The file's own address, without any token."""
        for file in _entry(artifact.model).files:
            if file.path == artifact.path:
                return FileRequest(url=file.url)
        raise NotFoundError(f"{artifact.model} has no file {artifact.path}")

    async def read(self, artifact: Artifact, limit: int) -> bytes:
        """Refuse: the list has weights, and no small files."""
        raise RefusedError(f"{artifact.path} is larger than {limit} bytes")

    async def close(self) -> None:
        """There is nothing to close."""

    def _today(self) -> str:
        return stamp_of(self._clock.wall())[:10]


def _entry(identifier: str) -> Entry:
    for entry in entries():
        if entry.id == identifier:
            return entry
    raise NotFoundError(f"the curated list has no {identifier}")


def _revision(entry: Entry) -> str:
    """A name for this state of an entry's files, as they have no commit."""
    return hashlib.sha256(repr(entry.files).encode()).hexdigest()[:12]


def _artifact(model: str, revision: str, file: EntryFile) -> Artifact:
    return Artifact(
        id=artifact_id(model, revision, file.path),
        model=model,
        revision=revision,
        path=file.path,
        size=file.size,
        sha256=file.sha256,
        kind=kind_of(file.path),
    )


def _model(entry: Entry, today: str) -> Model:
    identifier = ModelId.parse(entry.id)
    return Model(
        id=entry.id,
        source=identifier.source,
        name=entry.name,
        author=identifier.author or entry.maker,
        type=entry.type,
        task=entry.task or None,
        license=entry.license or None,
        params=entry.params,
        size=entry.size or sum(file.size or 0 for file in entry.files) or None,
        deprecated=is_due(entry.deprecated, today),
        origin="curated",
        owner=USER,
        description=entry.description or None,
        facts=_facts(entry),
    )


def _facts(entry: Entry) -> dict[str, Any]:
    """What only the curated list knows, without what it does not."""
    facts: dict[str, Any] = {
        # The model's row on the Hub or in Ollama's library is named after its repository.
        "title": "" if entry.id.startswith(f"{PREFIX}:") else entry.name,
        "aliases": list(entry.aliases),
        "maker": entry.maker,
        "released": entry.released,
        "closed": entry.closed,
        "deprecated": entry.deprecated,
        "deprecation_source": entry.deprecation_source,
        "successor": entry.successor,
        "default": entry.default,
        "limits": entry.limits,
        "price": entry.price,
        "price_source": entry.price_source,
        "links": list(entry.links),
        "source_link": entry.source_link,
        "requires": _requires(entry.requires),
    }
    return {key: value for key, value in facts.items() if value or key == "closed"}


def _requires(requires: Requires | None) -> dict[str, object]:
    if requires is None:
        return {}
    found = {"gpu_memory": requires.gpu_memory, "torch": requires.torch}
    return {key: value for key, value in found.items() if value}
