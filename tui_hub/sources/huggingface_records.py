"""What the Hub's JSON means: listing rows and tree rows as domain records.

Wire format: `GET /api/models` and `GET /api/models/{id}/tree/{revision}` of huggingface.co.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from tui_hub.domain.artifacts import Artifact, artifact_id, kind_of
from tui_hub.domain.errors import HubError
from tui_hub.domain.identifiers import ModelId, is_sha1, is_sha256, repository_path
from tui_hub.domain.models import Model
from tui_hub.domain.types import type_of_task
from tui_hub.sources.records import BAD_JSON, moment, optional, reason, whole
from tui_hub.text import clean

PREFIX = "hf"
USER = "hf_sync_system"

_MOST_TAGS = 500
_LONG = 200
"""Characters of a tag or name."""
_NULL = msgspec.Raw(b"null")
_FALSE = msgspec.Raw(b"false")
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class ModelRecord(msgspec.Struct):
    """One entry of a listing, or the answer to a lookup. Any key but the id may be absent.

    What is known to come in several shapes is kept undecoded, and ignored where the shape is new.
    """

    id: str = ""
    model_id: str = msgspec.field(name="modelId", default="")
    key: str | None = msgspec.field(name="_id", default=None)
    author: str | None = None
    sha: str | None = None
    pipeline_tag: str | None = None
    library_name: str | None = None
    tags: list[str] | None = None
    downloads: _Count | None = None
    likes: _Count | None = None
    trending: float | None = msgspec.field(name="trendingScore", default=None)
    last_modified: str | None = msgspec.field(name="lastModified", default=None)
    created_at: str | None = msgspec.field(name="createdAt", default=None)
    used_storage: _Count | None = msgspec.field(name="usedStorage", default=None)
    gated: msgspec.Raw = _NULL
    private: msgspec.Raw = _NULL
    disabled: msgspec.Raw = _NULL
    card: msgspec.Raw = msgspec.field(name="cardData", default=_NULL)
    safetensors: msgspec.Raw = _NULL
    gguf: msgspec.Raw = _NULL


class _Card(msgspec.Struct):
    license: str | list[str] | None = None


class _Tensors(msgspec.Struct):
    total: int | None = None
    parameters: dict[str, int] = {}


class _Gguf(msgspec.Struct):
    total: int | None = None
    size: int | None = msgspec.field(name="totalFileSize", default=None)


class _Lfs(msgspec.Struct):
    oid: str
    size: _Count | None = None


class _TreeRow(msgspec.Struct):
    type: str
    path: str
    oid: str | None = None
    size: _Count | None = None
    lfs: _Lfs | None = None


class _Name(msgspec.Struct):
    id: msgspec.Raw = _NULL
    path: msgspec.Raw = _NULL


_MODEL = msgspec.json.Decoder(ModelRecord)
_CARD = msgspec.json.Decoder(_Card)
_TENSORS = msgspec.json.Decoder(_Tensors)
_GGUF = msgspec.json.Decoder(_Gguf)
_BOOL = msgspec.json.Decoder(bool)
_GATED = msgspec.json.Decoder(bool | str | None)
_ROW = msgspec.json.Decoder(_TreeRow)
_NAME = msgspec.json.Decoder(_Name)
_TEXT = msgspec.json.Decoder(str)


class BadRecordError(Exception):
    """A record that cannot be taken in; the text says why, and is clean."""


def read_model(raw: bytes | msgspec.Raw, latest: str) -> Model:
    """A listing entry as a catalogue row.

    Args:
        raw: the JSON object.
        latest: a time, ISO 8601 UTC; what claims to be newer has no date, as it would pass for
            the newest change for ever.

    Raises:
        BadRecordError: the record lacks an id, or carries values of the wrong type or size.
    """
    try:
        record = _MODEL.decode(raw)
        identifier = ModelId.parse(f"{PREFIX}:{record.id or record.model_id}")
    except (*BAD_JSON, HubError) as error:
        raise BadRecordError(reason(error, _named(raw))) from None
    tags = _tags(record.tags)
    tensors = optional(record.safetensors, _TENSORS)
    gguf = optional(record.gguf, _GGUF)
    task = _word(record.pipeline_tag)
    sha = record.sha
    return Model(
        id=str(identifier),
        source=PREFIX,
        name=identifier.name,
        author=_word(record.author) or identifier.author,
        type=type_of_task(task),
        task=task,
        library=_word(record.library_name),
        license=_license(tags, record.card),
        gated=_gated(record.gated),
        tags=tags,
        downloads=record.downloads or 0,
        likes=record.likes or 0,
        trending=record.trending or 0.0,
        params=_params(tensors, gguf),
        size=(whole(gguf.size) if gguf else None) or record.used_storage,
        last_modified=moment(record.last_modified, latest),
        created_at=moment(record.created_at, latest),
        revision=sha if is_sha1(sha) else None,
        owner=USER,
        upstream_id=_word(record.key),
        facts=_facts(record),
    )


def read_artifact(raw: bytes | msgspec.Raw, model: str, revision: str) -> Artifact | None:
    """A tree row as a file of a model; `None` for a folder.

    Raises:
        BadRecordError: a name or digest that must not be trusted, or a row of another shape.
    """
    try:
        row = _ROW.decode(raw)
        if row.type != "file":
            return None
        path = repository_path(row.path)
    except (*BAD_JSON, HubError) as error:
        raise BadRecordError(reason(error, _named(raw))) from None
    if row.lfs is not None and not is_sha256(row.lfs.oid):
        raise BadRecordError(f"{clean(path, 100)}: its SHA-256 is none")
    return Artifact(
        id=artifact_id(model, revision, path),
        model=model,
        revision=revision,
        path=path,
        size=row.size if row.lfs is None or row.lfs.size is None else row.lfs.size,
        sha256=row.lfs.oid if row.lfs else None,
        git_sha1=row.oid if row.lfs is None and is_sha1(row.oid) else None,
        kind=kind_of(path),
    )


def _named(raw: bytes | msgspec.Raw) -> str:
    """What a broken record calls itself, as far as that can be read."""
    try:
        name = _NAME.decode(raw)
    except BAD_JSON:
        return ""
    return optional(name.id, _TEXT) or optional(name.path, _TEXT) or ""


def _word(text: str | None) -> str | None:
    return clean(text, _LONG) or None if text else None


def _tags(given: list[str] | None) -> tuple[str, ...]:
    """Clean tags. Most lists are plain ASCII, and one look at all of a list is enough."""
    tags = (given or [])[:_MOST_TAGS]
    together = "".join(tags)
    if together.isascii() and together.isprintable() and max(map(len, tags), default=0) <= _LONG:
        return tuple(tags)
    return tuple(clean(tag, _LONG) for tag in tags)


def _license(tags: tuple[str, ...], card: msgspec.Raw) -> str | None:
    """The tag first, the card's front matter second."""
    for tag in tags:
        if tag.startswith("license:"):
            return tag.removeprefix("license:") or None
    found = optional(card, _CARD)
    value = found.license if found else None
    if isinstance(value, list):
        value = value[0] if value else None
    return _word(value)


def _gated(raw: msgspec.Raw) -> bool | str:
    """`False`, or how access is granted; a shape that nobody knows yet counts as gated."""
    if raw == _FALSE:
        return False
    try:
        value = _GATED.decode(raw)
    except BAD_JSON:
        return True
    return clean(value, 40) or False if isinstance(value, str) else bool(value)


def _params(tensors: _Tensors | None, gguf: _Gguf | None) -> int | None:
    """The number of parameters; the Hub's `gguf.total` is one too, not a size."""
    if tensors is not None:
        total = tensors.total if tensors.total is not None else sum(tensors.parameters.values())
        if whole(total):
            return total
    return whole(gguf.total) if gguf else None


def _facts(record: ModelRecord) -> dict[str, object]:
    """What a person should be warned of: repositories that are private, or taken down."""
    if record.private == record.disabled == _FALSE:
        return {}
    flags = {"private": record.private, "disabled": record.disabled}
    return {name: True for name, raw in flags.items() if optional(raw, _BOOL)}
