"""What Replicate's JSON means: models and collections as domain records.

Wire format: `GET /v1/models`, `/v1/models/{owner}/{name}`, `/v1/collections` and
`/v1/collections/{slug}` of api.replicate.com.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import msgspec

from tui_hub.domain.errors import HubError, UnreachableError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.domain.types import ModelType, tasks_of, type_of_task
from tui_hub.sources.exchange import Answer
from tui_hub.sources.network import host_of
from tui_hub.sources.records import BAD_JSON, moment, optional, reason, web_link, whole
from tui_hub.text import clean

PREFIX = "replicate"
USER = "replicate_sync_system"

_NULL = msgspec.Raw(b"null")
_LONG_SLUG = 100
_LONG_DESCRIPTION = 2000
_LONG_VERSION = 100
_TYPES = {
    "ai-music-generation": ModelType.MUSIC,
    "music-generation": ModelType.MUSIC,
    "text-to-music": ModelType.MUSIC,
    "speech-to-text": ModelType.AUDIO,
    "language": ModelType.LLM,
    "embedding": ModelType.EMBEDDING,
    "vision": ModelType.VISION,
    "lipsync": ModelType.LIP_SYNC,
    "3d": ModelType.THREE_D,
}
"""Collections that say what their models are for, but are not called like a task of the Hub."""
_TASKS = tuple(task for kind in ModelType for task in tasks_of(kind) if "-" in task)


class _Version(msgspec.Struct):
    id: str = ""
    created_at: str | None = None


class _Record(msgspec.Struct):
    """One model. Its example and the schema of its inputs, most of the answer, are left out."""

    owner: str
    name: str
    description: str | None = None
    visibility: str | None = None
    created_at: str | None = None
    run_count: msgspec.Raw = _NULL
    github_url: msgspec.Raw = _NULL
    paper_url: msgspec.Raw = _NULL
    license_url: msgspec.Raw = _NULL
    latest_version: msgspec.Raw = _NULL


class _Name(msgspec.Struct):
    owner: msgspec.Raw = _NULL
    name: msgspec.Raw = _NULL


class Page(msgspec.Struct):
    """One page of a listing."""

    results: list[msgspec.Raw]
    next: str | None = None


class Collection(msgspec.Struct):
    """A collection with its models, which come on no pages."""

    models: list[msgspec.Raw] = []


class _Slug(msgspec.Struct):
    slug: str


_RECORD = msgspec.json.Decoder(_Record)
_NAME = msgspec.json.Decoder(_Name)
_VERSION = msgspec.json.Decoder(_Version)
_TEXT = msgspec.json.Decoder(str)
_COUNT = msgspec.json.Decoder(int)
_PAGE = msgspec.json.Decoder(Page)
_COLLECTION = msgspec.json.Decoder(Collection)
_SLUG = msgspec.json.Decoder(_Slug)


class BadRecordError(Exception):
    """A record that cannot be taken in; the text says why, and is clean."""


def read_page(answer: Answer) -> Page:
    """A page of models or of collections.

    Raises:
        UnreachableError: when it is something else.
    """
    try:
        return _PAGE.decode(answer.json_body())
    except BAD_JSON:
        raise UnreachableError(
            f"{host_of(answer.url)} answers with something that is no page of records",
            hint="Is replicate.endpoint right?",
        ) from None


def read_collection(answer: Answer) -> Collection:
    """The models of a collection.

    Raises:
        BadRecordError: when it is something else.
    """
    try:
        return _COLLECTION.decode(answer.json_body())
    except BAD_JSON as error:
        raise BadRecordError(reason(error, "")) from None


def read_slug(raw: msgspec.Raw) -> str:
    """The name by which a collection is asked for.

    Raises:
        BadRecordError: when it has none.
    """
    try:
        slug = _SLUG.decode(raw).slug
    except BAD_JSON as error:
        raise BadRecordError(reason(error, "")) from None
    if not slug or clean(slug, _LONG_SLUG) != slug:
        raise BadRecordError(f"{clean(slug, _LONG_SLUG)!r} is not the name of a collection")
    return slug


def read_model(raw: bytes | msgspec.Raw, latest: str) -> Model:
    """A model as a catalogue row.

    Args:
        raw: the JSON object.
        latest: a time, ISO 8601 UTC; what claims to be newer has no date.

    Raises:
        BadRecordError: the record lacks its owner or name, or carries values of the wrong type.
    """
    try:
        record = _RECORD.decode(raw)
        identifier = ModelId.parse(f"{PREFIX}:{record.owner}/{record.name}")
    except (*BAD_JSON, HubError) as error:
        raise BadRecordError(reason(error, _named(raw))) from None
    version = optional(record.latest_version, _VERSION) or _Version()
    created = moment(record.created_at, latest)
    return Model(
        id=str(identifier),
        source=PREFIX,
        name=identifier.name,
        author=identifier.author,
        type=_type_of_name(identifier.name),
        last_modified=moment(version.created_at, latest) or created,
        created_at=created,
        revision=clean(version.id, _LONG_VERSION) or None,
        owner=USER,
        description=clean(record.description, _LONG_DESCRIPTION, lines=True) or None,
        facts=_facts(record),
    )


def collected(model: Model, slugs: Iterable[str]) -> Model:
    """A model as the collections tell that it is in: their tags, and what they say it is for.

    Where its own name says that, it stays: the listing without collections tells the same.
    """
    tags = tuple(sorted(slugs))
    kind = model.type
    if kind is ModelType.UTILITY:
        told = Counter(map(_type_of_slug, tags))
        del told[ModelType.UTILITY]
        kind = next((most for most, _ in told.most_common(1)), kind)
    return replace(
        model, tags=tags, type=kind, task=next((tag for tag in tags if tag in _TASKS), None)
    )


def _type_of_slug(slug: str) -> ModelType:
    plain = slug.removesuffix("-models")
    return _TYPES.get(plain) or type_of_task(plain)


def _type_of_name(name: str) -> ModelType:
    """What a model is for, where its name holds a task: `any-text-to-video`."""
    words = f"-{name.lower().replace('_', '-')}-"
    return next((type_of_task(task) for task in _TASKS if f"-{task}-" in words), ModelType.UTILITY)


def _facts(record: _Record) -> dict[str, object]:
    """What only Replicate knows: how often it ran there, and where code, paper and licence are."""
    addresses = {
        "code": record.github_url,
        "paper": record.paper_url,
        "licence": record.license_url,
    }
    links = {name: web_link(optional(raw, _TEXT)) for name, raw in addresses.items()}
    runs = optional(record.run_count, _COUNT)
    facts: dict[str, object] = {
        "hosted": True,
        "runs": whole(runs),
        "private": record.visibility == "private",
        "links": {name: link for name, link in links.items() if link},
    }
    return {name: value for name, value in facts.items() if value}


def _named(raw: bytes | msgspec.Raw) -> str:
    """What a broken record calls itself, as far as that can be read."""
    try:
        name = _NAME.decode(raw)
    except BAD_JSON:
        return ""
    parts = (optional(name.owner, _TEXT), optional(name.name, _TEXT))
    return "/".join(part for part in parts if part)
