"""Entries of the Hub's listing as they come over the wire, with what has a new shape left out.

Wire format: `GET /api/models` and `GET /api/models/{id}` of huggingface.co.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from tui_hub.sources.records import BAD_JSON, optional
from tui_hub.text import clean

LONGEST = 200
"""Characters of a tag or name."""
_MOST_TAGS = 500
_NULL = msgspec.Raw(b"null")
_Tag = Annotated[str, msgspec.Meta(max_length=LONGEST)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""A number that JSON, other programs and the database agree on."""


class Card(msgspec.Struct, gc=False):
    """The front matter of a model's card."""

    license: str | list[str] | None = None


class Tensors(msgspec.Struct, gc=False):
    """What the Hub read from safetensors headers."""

    total: int | None = None
    parameters: dict[str, int] = {}


class Gguf(msgspec.Struct, gc=False):
    """What the Hub read from a GGUF header."""

    total: int | None = None
    size: int | None = msgspec.field(name="totalFileSize", default=None)


class _Required(msgspec.Struct, gc=False):
    """What costs an entry its place when it has the wrong type; all but the id may be absent."""

    key: str | None = msgspec.field(name="_id", default=None)
    id: str = ""
    model_id: str = msgspec.field(name="modelId", default="")
    author: str | None = None
    sha: str | None = None
    last_modified: str | None = msgspec.field(name="lastModified", default=None)
    created_at: str | None = msgspec.field(name="createdAt", default=None)
    downloads: Count | None = None
    likes: Count | None = None
    trending: float | None = msgspec.field(name="trendingScore", default=None)
    pipeline_tag: str | None = None
    library_name: str | None = None
    used_storage: Count | None = msgspec.field(name="usedStorage", default=None)


class Entry(_Required, gc=False):
    """One entry of a listing, or the answer to a lookup, in the shape that nearly all have."""

    private: bool | None = None
    disabled: bool | None = None
    gated: bool | str | None = None
    tags: Annotated[tuple[_Tag, ...], msgspec.Meta(max_length=_MOST_TAGS)] | None = None
    safetensors: Tensors | None = None
    gguf: Gguf | None = None
    card: Card | None = msgspec.field(name="cardData", default=None)


class _LooseEntry(_Required, gc=False):
    """An entry whose other parts may be anything."""

    private: msgspec.Raw = _NULL
    disabled: msgspec.Raw = _NULL
    gated: msgspec.Raw = _NULL
    tags: list[str] | None = None
    safetensors: msgspec.Raw = _NULL
    gguf: msgspec.Raw = _NULL
    card: msgspec.Raw = msgspec.field(name="cardData", default=_NULL)


_ENTRIES = msgspec.json.Decoder(list[Entry])
_ENTRY = msgspec.json.Decoder(Entry)
_LOOSE_ENTRY = msgspec.json.Decoder(_LooseEntry)
_CARD = msgspec.json.Decoder(Card)
_TENSORS = msgspec.json.Decoder(Tensors)
_GGUF = msgspec.json.Decoder(Gguf)
_FLAG = msgspec.json.Decoder(bool)
_GATED: msgspec.json.Decoder[bool | str | None] = msgspec.json.Decoder(bool | str | None)


def read_entries(body: bytes) -> list[Entry]:
    """A page of the listing, where all of it has the usual shape.

    Raises:
        Exception: one of `BAD_JSON` where it has not; its records are then read one by one.
    """
    return _ENTRIES.decode(body)


def read_entry(raw: bytes | msgspec.Raw) -> Entry:
    """One entry; a part in a shape that nobody knows yet is left out.

    Raises:
        Exception: one of `BAD_JSON` where a part that must have its type has not.
    """
    try:
        return _ENTRY.decode(raw)
    except BAD_JSON:
        loose = _LOOSE_ENTRY.decode(raw)
    known = {
        "private": optional(loose.private, _FLAG),
        "disabled": optional(loose.disabled, _FLAG),
        "gated": _gated(loose.gated),
        "tags": tuple(clean(tag, LONGEST) for tag in (loose.tags or [])[:_MOST_TAGS]),
        "safetensors": optional(loose.safetensors, _TENSORS),
        "gguf": optional(loose.gguf, _GGUF),
        "card": optional(loose.card, _CARD),
    }
    return Entry(**msgspec.structs.asdict(loose) | known)


def _gated(raw: msgspec.Raw) -> bool | str | None:
    """How access is granted; a shape that nobody knows yet counts as gated."""
    try:
        return _GATED.decode(raw)
    except BAD_JSON:
        return True
