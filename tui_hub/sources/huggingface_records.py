"""What the Hub's JSON means: listing rows and tree rows as domain records.

Wire format of tree rows: `GET /api/models/{id}/tree/{revision}` of huggingface.co.
"""

from __future__ import annotations

import msgspec

from tui_hub.domain.artifacts import Artifact, artifact_id, kind_of
from tui_hub.domain.errors import HubError
from tui_hub.domain.identifiers import ModelId, is_repository, is_sha1, is_sha256, repository_path
from tui_hub.domain.models import Model
from tui_hub.domain.types import type_of_task
from tui_hub.sources.huggingface_entries import (
    LONGEST,
    Card,
    Count,
    Entry,
    Gguf,
    Tensors,
    read_entries,
    read_entry,
)
from tui_hub.sources.records import BAD_JSON, moment, optional, reason, split_list, whole
from tui_hub.text import clean

PREFIX = "hf"
USER = "hf_sync_system"

_NULL = msgspec.Raw(b"null")


class _Lfs(msgspec.Struct):
    oid: str
    size: Count | None = None


class _TreeRow(msgspec.Struct):
    type: str
    path: str
    oid: str | None = None
    size: Count | None = None
    lfs: _Lfs | None = None


class _Name(msgspec.Struct):
    id: msgspec.Raw = _NULL
    path: msgspec.Raw = _NULL


_ROW = msgspec.json.Decoder(_TreeRow)
_NAME = msgspec.json.Decoder(_Name)
_TEXT = msgspec.json.Decoder(str)


class BadRecordError(Exception):
    """A record that cannot be taken in; the text says why, and is clean."""


def read_models(
    body: bytes, host: str, latest: str, most: int | None = None
) -> tuple[list[Model], list[str]]:
    """A page of the listing as catalogue rows, and why some of its records are none.

    Args:
        body: the JSON array.
        host: who answered, for the error.
        latest: see `read_model`.
        most: records to look at.

    Raises:
        UnreachableError: when it is no array.
    """
    try:
        return [_model(entry, latest) for entry in read_entries(body)[:most]], []
    except (*BAD_JSON, HubError):
        pass  # One at least is not as most are: each for itself, so that it costs no other.
    models: list[Model] = []
    skipped: list[str] = []
    for number, row in enumerate(split_list(body, host)[:most], start=1):
        try:
            models.append(read_model(row, latest))
        except BadRecordError as error:
            skipped.append(f"record {number} of the page: {error}")
    return models, skipped


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
        return _model(read_entry(raw), latest)
    except (*BAD_JSON, HubError) as error:
        raise BadRecordError(reason(error, _named(raw))) from None


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


def _model(entry: Entry, latest: str) -> Model:
    """The catalogue's row of an entry.

    Raises:
        UsageError: when its id is none.
    """
    path = entry.id or entry.model_id
    if not is_repository(path):
        path = ModelId.parse(f"{PREFIX}:{path}").path
    author, _, name = path.rpartition("/")
    # One look at all words of an entry is enough for most: they are plain ASCII.
    words = f"{entry.author}{entry.pipeline_tag}{entry.library_name}{entry.key}"
    text = words + "".join(entry.tags or ())
    if len(words) > LONGEST or not text.isascii() or not text.isprintable():
        entry = _cleaned(entry)
    tags = entry.tags or ()
    task = entry.pipeline_tag or None
    tensors, gguf, gated = entry.safetensors, entry.gguf, entry.gated
    return Model(
        id=f"{PREFIX}:{path}",
        source=PREFIX,
        name=name,
        author=entry.author or author or None,
        type=type_of_task(task),
        task=task,
        library=entry.library_name or None,
        license=_license(tags if "license:" in text else (), entry.card),
        gated=(clean(gated, 40) or False) if isinstance(gated, str) else bool(gated),
        tags=tags,
        downloads=entry.downloads or 0,
        likes=entry.likes or 0,
        trending=entry.trending or 0.0,
        params=_params(tensors, gguf) if tensors or gguf else None,
        size=(whole(gguf.size) if gguf else None) or entry.used_storage,
        last_modified=moment(entry.last_modified, latest),
        created_at=moment(entry.created_at, latest),
        revision=entry.sha if is_sha1(entry.sha) else None,
        owner=USER,
        upstream_id=entry.key or None,
        facts=_facts(entry) if entry.private or entry.disabled else {},
    )


def _cleaned(entry: Entry) -> Entry:
    return msgspec.structs.replace(
        entry,
        key=clean(entry.key, LONGEST),
        author=clean(entry.author, LONGEST),
        pipeline_tag=clean(entry.pipeline_tag, LONGEST),
        library_name=clean(entry.library_name, LONGEST),
        tags=tuple(clean(tag, LONGEST) for tag in entry.tags or ()),
    )


def _license(tags: tuple[str, ...], card: Card | None) -> str | None:
    """The tag first, the card's front matter second."""
    for tag in tags:
        if tag.startswith("license:"):
            return tag.removeprefix("license:") or None
    value = card.license if card else None
    if isinstance(value, list):
        value = value[0] if value else None
    return clean(value, LONGEST) or None


def _params(tensors: Tensors | None, gguf: Gguf | None) -> int | None:
    """The number of parameters; the Hub's `gguf.total` is one too, not a size."""
    if tensors is not None:
        total = tensors.total if tensors.total is not None else sum(tensors.parameters.values())
        if whole(total):
            return total
    return whole(gguf.total) if gguf else None


def _facts(entry: Entry) -> dict[str, object]:
    """What a person should be warned of: repositories that are private, or taken down."""
    return {name: True for name in ("private", "disabled") if getattr(entry, name)}
