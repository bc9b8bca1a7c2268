"""Models as rows of the catalogue."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tui_hub.database.connection import Row
from tui_hub.database.values import (
    document,
    finite,
    mapping,
    optional,
    optional_whole,
    plain,
    whole,
)
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Fit, Model, ModelStatus
from tui_hub.domain.types import ModelType

COUNTERS = ("downloads", "likes", "trending")
COMMIT = ("last_modified", "revision")
COLUMNS = ", ".join(
    (
        "id",
        *COUNTERS,
        *COMMIT,
        "source, name, author, type, task, library, license, gated, status, removed",
        "params, size, created_at, fit, deprecated, origin, owner, upstream_id, listed_type",
        "curated, favourite, tags, description, facts",
    )
)
"""Every column but the rank. First come those that change from day to day, which neither the words
nor the facets of a model are made of."""

_encode_tags = msgspec.json.Encoder().encode
_decode_tags = msgspec.json.Decoder(tuple[str, ...]).decode
_TYPES = {str(kind): kind for kind in ModelType}
_STATUSES = {str(status): status for status in ModelStatus}
_FITS = {str(fit): fit for fit in Fit}
_TEXTS = {word: str(word) for word in (*ModelType, *ModelStatus, *Fit)}
_TOO_LARGE = 2**63


@dataclass(frozen=True, slots=True)
class Stored:
    """A model as the catalogue holds it."""

    rank: int
    model: Model
    listed_type: ModelType
    """The type by its source, which the user's own may hide."""
    curated: bool
    """Whether a curated record added to it."""


def storable(model: Model) -> Model:
    """The model with every value as SQLite gives it back."""
    if _is_storable(model):
        return model
    return replace(
        model,
        id=plain(model.id),
        source=plain(model.source),
        name=plain(model.name),
        author=optional(model.author),
        task=optional(model.task),
        library=optional(model.library),
        license=optional(model.license),
        gated=plain(model.gated) if isinstance(model.gated, str) else bool(model.gated),
        tags=tuple(map(plain, model.tags)),
        downloads=whole(model.downloads),
        likes=whole(model.likes),
        trending=max(finite(model.trending), 0.0),
        params=optional_whole(model.params),
        size=optional_whole(model.size),
        last_modified=optional(model.last_modified),
        created_at=optional(model.created_at),
        revision=optional(model.revision),
        owner=plain(model.owner),
        upstream_id=optional(model.upstream_id),
        description=optional(model.description),
        facts=mapping(document(model.facts)) if model.facts else {},
    )


def _is_storable(model: Model) -> bool:
    """Whether a plain record, as nearly all are, can be stored as it stands."""
    texts = (
        model.id,
        model.source,
        model.name,
        model.author,
        model.task,
        model.library,
        model.license,
        model.gated if isinstance(model.gated, str) else None,
        model.owner,
        model.last_modified,
        model.created_at,
        model.revision,
        model.upstream_id,
        model.description,
        *model.tags,
    )
    joined = "".join(filter(None, texts))
    return (
        joined.isascii()
        and "\0" not in joined
        and 0 <= model.downloads < _TOO_LARGE
        and 0 <= model.likes < _TOO_LARGE
        and 0 <= model.trending < _TOO_LARGE
        and 0 <= (model.params or 0) < _TOO_LARGE
        and 0 <= (model.size or 0) < _TOO_LARGE
        and not model.facts
    )


def values(model: Model, listed_type: ModelType, *, curated: bool) -> tuple[object, ...]:
    """The values of `COLUMNS`, of SQLite's own types: looking for an adapter of others is slow."""
    return (
        model.id,
        model.downloads,
        model.likes,
        model.trending,
        model.last_modified,
        model.revision,
        model.source,
        model.name,
        model.author,
        _TEXTS[model.type],
        model.task,
        model.library,
        model.license,
        _gated(model.gated),
        _TEXTS[model.status],
        1 if model.removed else 0,
        model.params,
        model.size,
        model.created_at,
        _TEXTS[model.fit],
        1 if model.deprecated else 0,
        model.origin,
        model.owner,
        model.upstream_id,
        _TEXTS[listed_type],
        1 if curated else 0,
        1 if model.favourite else 0,
        _encode_tags(model.tags).decode() if model.tags else "[]",
        model.description,
        document(model.facts) if model.facts else "{}",
    )


def stored(row: Row) -> Stored:
    """The model of a row of `rank` and `COLUMNS`."""
    return Stored(row[0], model(row[1:]), _TYPES[row[25]], bool(row[26]))


def model(row: Row) -> Model:
    """The model of a row of `COLUMNS`."""
    (name_id, downloads, likes, trending, modified, revision, source, name, *rest) = row
    (author, kind, task, library, license_, gated, status, removed, params, *rest) = rest
    (
        size,
        created,
        fit,
        deprecated,
        origin,
        owner,
        upstream_id,
        _,
        _,
        starred,
        tags,
        description,
        facts,
    ) = rest
    return Model(
        id=name_id,
        source=source,
        name=name,
        author=author,
        type=_TYPES[kind],
        task=task,
        library=library,
        license=license_,
        gated=False if gated is None else gated if gated else True,
        tags=_decode_tags(tags),
        downloads=downloads,
        likes=likes,
        trending=trending,
        params=params,
        size=size,
        last_modified=modified,
        created_at=created,
        revision=revision,
        status=_STATUSES[status],
        fit=_FITS[fit],
        favourite=bool(starred),
        deprecated=bool(deprecated),
        removed=bool(removed),
        origin=origin,
        owner=owner,
        upstream_id=upstream_id,
        description=description,
        facts={} if facts == "{}" else mapping(facts),
    )


def _gated(gated: bool | str) -> str | None:
    """Nothing for open models, how access is granted for others, empty where that is not known."""
    if isinstance(gated, str):
        return gated or None
    return "" if gated else None
