"""What other programs open of a model: its folder, its place in the Hugging Face cache, and so on.

The blobs of a store are shown in `models/`, and those of some sources also as the programs of that
source know them. A new such view is one entry in `_SHOW`, one in `_HIDE` and one
in `_WRONG`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from tui_hub.blobs import (
    BlobStore,
    Receipt,
    ReceiptFile,
    publish_hf,
    publish_model,
    publish_ollama,
    receipts,
    remove_hf,
    remove_model,
    remove_ollama,
)
from tui_hub.blobs.changing import Change, Place, announce, cut_short, settle
from tui_hub.blobs.huggingface import wrong_in_hf
from tui_hub.blobs.ollama import needed_in_ollama, wrong_in_ollama
from tui_hub.domain.errors import HubError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.services.context import Context
from tui_hub.sources.ollama_names import REGISTRY, Name

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A revision of a model as it is to be shown."""

    model: str
    revision: str
    refs: tuple[str, ...]
    """The branches and tags that stand for it on this box."""
    place: Place
    files: tuple[ReceiptFile, ...]


def show(store: BlobStore, shown: Shown) -> Path:
    """Make or replace every view of a model, and give the folder that a loader opens."""
    place = shown.place
    blobs = {file.path: file.sha256 for file in shown.files}
    path = publish_model(store, place.type, place.name, place.author, shown.model, blobs)
    show_to_source(store, shown)
    return path


def show_to_source(store: BlobStore, shown: Shown) -> None:
    """Make or replace what the programs of a model's source see of it."""
    source = ModelId.parse(shown.model).source
    if source in _SHOW:
        _SHOW[source](store, shown)


def wrong_for_source(store: BlobStore, receipt: Receipt) -> tuple[Path, str] | None:
    """What is wrong with that, where something is, and its place."""
    source = ModelId.parse(receipt.model).source
    return _WRONG[source](store, receipt) if source in _WRONG else None


def hide(store: BlobStore, model: str, places: Iterable[Place]) -> None:
    """Remove every view of a model."""
    for place in places:
        remove_model(store, place.type, place.name, place.author, model)
    identifier = ModelId.parse(model)
    if identifier.source in _HIDE:
        _HIDE[identifier.source](store, identifier)


def needed_besides(store: BlobStore, found: Iterable[Receipt]) -> set[str]:
    """The blobs that other programs' own models stand on, be these receipts there or not."""
    ours = []
    for receipt in found:
        with suppress(HubError):  # else it was never shown to them
            model = ModelId.parse(receipt.model)
            ours += [_parts(model)] if model.source == "ollama" else []
    return needed_in_ollama(store, ours)


def shown_by(receipt: Receipt, files: Sequence[ReceiptFile]) -> Shown:
    """What is to be seen of a model by its receipt; `files` are those of them that are here."""
    return Shown(
        model=receipt.model,
        revision=receipt.revision,
        refs=receipt.refs,
        place=place_of(receipt),
        files=tuple(files),
    )


@asynccontextmanager
async def changing(context: Context, model: str, *places: Place) -> AsyncIterator[None]:
    """Change the views of a model, and the receipt and the rows that go with them.

    What is left half done, by a crash or an error, the next start after this process mends.
    """
    note = await context.on_disk(announce, context.store, model, places)
    yield
    await context.on_disk(settle, context.store, note)


async def mend_views(context: Context) -> None:
    """Make the views that dead processes left half done what their receipts say."""
    for note, change in await context.on_disk(cut_short, context.store):
        try:
            async with context.alone(f"model {change.model}"):
                await context.on_disk(_mend, context.store, change)
                await context.on_disk(settle, context.store, note)
        except HubError as error:
            _log.warning("the views of %s stay as they are: %s", change.model, error.message)


def _mend(store: BlobStore, change: Change) -> None:
    receipt = receipts.read(store, change.model)
    here = _here(store, receipt) if receipt is not None and receipt.path else []
    if receipt is None or not here:
        hide(store, change.model, change.places)
        return
    own = place_of(receipt)
    for place in change.places:
        if place != own:
            remove_model(store, place.type, place.name, place.author, change.model)
    path = str(show(store, shown_by(receipt, here)).relative_to(store.root))
    if path != receipt.path:
        receipts.write(store, replace(receipt, path=path))


def _here(store: BlobStore, receipt: Receipt) -> list[ReceiptFile]:
    return [file for file in receipt.files if store.has(file.sha256, file.size)]


def place_of(entry: Model | Receipt) -> Place:
    """Where the folder of a model lies."""
    return Place(str(entry.type), entry.name, entry.author)


def _show_hf(store: BlobStore, shown: Shown) -> None:
    files = [(file.path, file.sha256, file.git_sha1) for file in shown.files]
    publish_hf(store, ModelId.parse(shown.model).path, shown.revision, shown.refs, files)


def _show_ollama(store: BlobStore, shown: Shown) -> None:
    # The revision of a model is the SHA-256 of its manifest.
    publish_ollama(store, _parts(ModelId.parse(shown.model)), shown.revision)


def _wrong_hf(store: BlobStore, receipt: Receipt) -> tuple[Path, str] | None:
    here = [(file.path, file.sha256) for file in _here(store, receipt)]
    return wrong_in_hf(store, ModelId.parse(receipt.model).path, receipt.revision, here)


def _wrong_ollama(store: BlobStore, receipt: Receipt) -> tuple[Path, str] | None:
    place = wrong_in_ollama(store, _parts(ModelId.parse(receipt.model)), receipt.revision)
    return None if place is None else (place, "is missing, or not what it should be")


def _hide_hf(store: BlobStore, model: ModelId) -> None:
    remove_hf(store, model.path)


def _hide_ollama(store: BlobStore, model: ModelId) -> None:
    remove_ollama(store, _parts(model))


def _parts(model: ModelId) -> tuple[str, str, str, str]:
    """A model's name as Ollama's store has it."""
    name = Name.of(model)
    return (name.host or REGISTRY, name.namespace, name.model, name.tag)


_SHOW: Mapping[str, Callable[[BlobStore, Shown], None]] = {
    "hf": _show_hf,
    "ollama": _show_ollama,
}
_HIDE: Mapping[str, Callable[[BlobStore, ModelId], None]] = {
    "hf": _hide_hf,
    "ollama": _hide_ollama,
}
_WRONG: Mapping[str, Callable[[BlobStore, Receipt], tuple[Path, str] | None]] = {
    "hf": _wrong_hf,
    "ollama": _wrong_ollama,
}
