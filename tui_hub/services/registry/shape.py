"""The shape of the registry as a document: what `export` writes and `import` reads.

One JSON object, the same text for the same registry:

    {"kind": "tui-hub registry", "format": 1,
     "models": [{"id", "note", "favourite", "type", "registration", "definition",
                 "versions", "configuration", "installed"}],
     "feeds": {NAME: {as in config.toml}}}

All but the id of a model may be missing. `type` is the user's own. `definition` is that of a model
that was added by address or path, `versions` are the names that the user gave to revisions,
`configuration` is what is set for the model by now, and `installed` is what was here of a model,
with the slots that it was active in. Keys may be added; a change of what one means is another
`format`.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from tui_hub.domain.artifacts import Verified
from tui_hub.domain.types import ModelType
from tui_hub.settings import FeedSettings

KIND = "tui-hub registry"
FORMAT = 1

_Bytes = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Text = Annotated[str, msgspec.Meta(max_length=2000)]


class FileShape(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file of an installed model."""

    path: _Text
    size: _Bytes | None = None
    sha256: str | None = None
    verified: Verified = Verified.NONE
    etag: _Text | None = None


class SlotShape(msgspec.Struct, frozen=True, omit_defaults=True):
    """A slot that the model was active in."""

    type: ModelType
    runtime: _Text
    variant: _Text | None = None


class InstalledShape(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was installed of a model."""

    revision: _Text
    type: ModelType
    files: list[FileShape]
    variants: list[_Text] = []
    license: _Text | None = None
    installed_at: _Text = ""
    slots: list[SlotShape] = []


class PlacedFileShape(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file of an added model, and where it is taken from."""

    path: _Text
    place: Annotated[str, msgspec.Meta(max_length=8000)]
    size: _Bytes | None = None
    sha256: str | None = None
    md5: str | None = None
    mark: _Text | None = None


class DefinitionShape(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model that was added by address or path."""

    type: ModelType
    files: Annotated[list[PlacedFileShape], msgspec.Meta(min_length=1)]
    folder: _Text | None = None
    license: _Text | None = None
    gpu_memory: _Bytes | None = None
    torch: _Text | None = None
    added_at: _Text = ""


class RegistrationShape(msgspec.Struct, frozen=True, omit_defaults=True):
    """A repository with a sync of its own."""

    vendor: _Text | None = None
    name: _Text | None = None
    auto_sync: bool = False


class VersionShape(msgspec.Struct, frozen=True, omit_defaults=True):
    """A name that the user gave to a revision."""

    name: _Text
    revision: _Text
    variant: _Text | None = None
    named_at: _Text = ""


class ModelShape(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything of one model."""

    id: str
    note: Annotated[str, msgspec.Meta(max_length=100_000)] | None = None
    favourite: bool = False
    type: ModelType | None = None
    registration: RegistrationShape | None = None
    definition: DefinitionShape | None = None
    versions: list[VersionShape] = []
    configuration: dict[str, str | int] = {}
    installed: InstalledShape | None = None


def document_of(models: list[ModelShape], feeds: dict[str, FeedSettings]) -> dict[str, Any]:
    """The whole document, in an order that depends on nothing but what is in it."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "models": [
            msgspec.to_builtins(model, str_keys=True)
            for model in sorted(models, key=lambda one: one.id)
        ],
        "feeds": {name: _told(feeds[name]) for name in sorted(feeds)},
    }


def _told(feed: FeedSettings) -> dict[str, Any]:
    """What a feed's entry in the settings says that is not so anyway."""
    given: dict[str, Any] = msgspec.to_builtins(feed)
    plain: dict[str, Any] = msgspec.to_builtins(FeedSettings())
    return {
        key: _changed(value, plain[key]) if key == "rules" else value
        for key, value in given.items()
        if value != plain[key] or key == "source"
    }


def _changed(value: dict[str, Any], plain: dict[str, Any]) -> dict[str, Any]:
    return {key: entry for key, entry in value.items() if entry != plain[key]}
