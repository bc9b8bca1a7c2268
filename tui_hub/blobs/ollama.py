"""The blobs as a store of Ollama's: `OLLAMA_MODELS=<store>/ollama` lets a daemon run them, no copy.

`ollama/blobs/sha256-<hash>` are links to the store's blobs, and
`ollama/manifests/<host>/<namespace>/<model>/<tag>` are copies of manifests: daemons follow links to
blobs, but take a manifest that is a link only where it leads to one of those. A daemon removes
blobs that no manifest names, at its start and with its models, and brings some of its own: by that
links go, never what they lead to, and what it brought stays here. So do blobs of the store that its
own models name, which it makes of those that it is shown (`FROM` in a Modelfile, `ollama cp`).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tui_hub.blobs.files import fsync_folder, make_folder, storage_errors, write_atomic
from tui_hub.blobs.store import BlobStore
from tui_hub.blobs.views import replace_link
from tui_hub.domain.errors import UnsafeError
from tui_hub.domain.identifiers import is_sha256, repository_path

_LIMIT = 8 * 1024**2
_OURS = "../../blobs/sha256/"
"""How the links to the store's blobs begin; whatever else is there is the daemon's own."""
_BLOB = "sha256-"
_MANIFESTS = ("manifests", "manifests-v2")
"""Where daemons keep manifests; newer ones have a second place for their own."""


class _Layer(msgspec.Struct):
    digest: str


class _Manifest(msgspec.Struct):
    layers: list[_Layer]
    config: _Layer | None = None


_DECODER = msgspec.json.Decoder(_Manifest)


def publish_ollama(store: BlobStore, name: Sequence[str], manifest: str) -> Path | None:
    """Show a model to daemons of Ollama, and give its manifest's place.

    One that is not here as a whole is shown no more, and gives `None`. So does one in whose place a
    daemon has put another by now, by a pull or as a model of the user's own; that stays.

    Args:
        store: the store.
        name: host, namespace, model and tag.
        manifest: the SHA-256 of its manifest, which is a blob like its other files.

    Raises:
        UnsafeError: when the name is not fit for a file system.
    """
    place = _place(store, name)
    if _is_theirs(store, place, manifest):
        return None
    body = _read(store.path(manifest))
    hashes = _hashes(body)
    if body is None or hashes is None or not all(map(store.has, hashes)):
        remove_ollama(store, name)
        return None
    blobs = _root(store) / "blobs"
    with storage_errors(store.root), store.lock("ollama", wait=5.0):
        make_folder(blobs)
        for sha256 in sorted(hashes):
            link = blobs / f"{_BLOB}{sha256}"
            if not link.exists() or _is_ours(link):
                replace_link(store, link, _OURS + sha256)
        fsync_folder(blobs)
        make_folder(place.parent)
        # After what it names, so that no daemon finds it without that.
        write_atomic(store.temp, place, body)
        _prune(store)
    return place


def remove_ollama(store: BlobStore, name: Sequence[str]) -> bool:
    """Show a model to daemons no more; gives whether it was shown.

    One that a daemon brought whole by itself stays.
    """
    place = _place(store, name)
    with storage_errors(store.root), store.lock("ollama", wait=5.0):
        shown = place.is_file() and _leans_on_store(store, place)
        if shown:
            place.unlink(missing_ok=True)
            fsync_folder(place.parent)
            _drop_empty(place.parent, _root(store) / _MANIFESTS[0])
        _prune(store)
    return shown


def wrong_in_ollama(store: BlobStore, name: Sequence[str], manifest: str) -> Path | None:
    """Where a model that is here as a whole is not as `publish_ollama` shows it.

    Raises:
        UnsafeError: when the name is not fit for a file system.
    """
    place, body = _place(store, name), _read(store.path(manifest))
    hashes = _hashes(body)
    if _is_theirs(store, place, manifest):
        return None
    if body is None or hashes is None or not all(map(store.has, hashes)):
        return None
    links = (_root(store) / "blobs" / f"{_BLOB}{one}" for one in sorted(hashes))
    astray = next((link for link in links if not link.exists()), None)
    return place if _read(place) != body else astray


def needed_in_ollama(store: BlobStore, but: Collection[Sequence[str]] = ()) -> set[str]:
    """The blobs of the store that models of daemons stand on, by all manifests that are there.

    A daemon makes models of a user's own out of those that it is shown, and what they are made of
    must not go with what they were made from.

    Args:
        store: the store.
        but: the names of models that do not count.
    """
    left = {place for name in but for place in _places(store, name)}
    blobs = _root(store) / "blobs"
    named = {
        sha256
        for place in _files(store)
        if place not in left
        for sha256 in _hashes(_read(place)) or ()
    }
    return {sha256 for sha256 in named if _is_ours(blobs / f"{_BLOB}{sha256}")}


def _root(store: BlobStore) -> Path:
    return store.root / "ollama"


def _places(store: BlobStore, name: Sequence[str]) -> tuple[Path, ...]:
    with suppress(UnsafeError):
        return (_place(store, name),)
    return ()


def _place(store: BlobStore, name: Sequence[str]) -> Path:
    for part in name:
        if repository_path(part) != part or "/" in part or part.startswith("."):
            raise UnsafeError(f"{part[:80]!a} is no part of a name")
    if len(name) != 4:
        raise UnsafeError("a name has a host, a namespace, a model and a tag")
    return _root(store).joinpath(_MANIFESTS[0], *name)


def _read(path: Path) -> bytes | None:
    """A small plain file; nobody waits for one that is something else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
            body = file.read(_LIMIT + 1) if plain else None
    except OSError:
        return None
    return body if body is not None and len(body) <= _LIMIT else None


def _hashes(body: bytes | None) -> set[str] | None:
    """The hashes of the blobs that a manifest names; `None` where it is none."""
    try:
        manifest = _DECODER.decode(body or b"")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    config = () if manifest.config is None else (manifest.config,)
    hashes = {layer.digest.removeprefix("sha256:") for layer in (*manifest.layers, *config)}
    return hashes if all(map(is_sha256, hashes)) else None


def _leans_on_store(store: BlobStore, place: Path) -> bool:
    """Whether what a manifest names is not all the daemon's own."""
    links = [_root(store) / "blobs" / f"{_BLOB}{one}" for one in _hashes(_read(place)) or ()]
    return any(_is_ours(link) or not link.exists() for link in links)


def _is_theirs(store: BlobStore, place: Path, manifest: str) -> bool:
    """Whether a manifest is none that this store ever had, and so none that was shown from here."""
    body = _read(place)
    if body is None or _hashes(body) is None:
        return False  # or it is damaged
    found = hashlib.sha256(body).hexdigest()
    return found != manifest and not store.has(found)


def _is_ours(link: Path) -> bool:
    try:
        return os.fspath(link.readlink()).startswith(_OURS)
    except OSError:
        return False


def _prune(store: BlobStore) -> None:
    """Remove our links that no manifest names, or that lead nowhere."""
    blobs = _root(store) / "blobs"
    with suppress(FileNotFoundError):
        links = [link for link in blobs.iterdir() if link.name.startswith(_BLOB)]
        named = _named(store) if links else set()
        for link in links:
            sha256 = link.name.removeprefix(_BLOB)
            if _is_ours(link) and (sha256 not in named or not link.exists()):
                link.unlink(missing_ok=True)


def _named(store: BlobStore) -> set[str]:
    """The hashes that any manifest names, the daemon's own ones too."""
    return {sha256 for place in _files(store) for sha256 in _hashes(_read(place)) or ()}


def _files(store: BlobStore) -> Iterator[Path]:
    for folder in _MANIFESTS:
        for parent, _, names in os.walk(_root(store) / folder):
            for name in names:
                yield Path(parent, name)


def _drop_empty(folder: Path, top: Path) -> None:
    """Remove folders that nothing is in any more, upwards."""
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
