"""The store's `ollama/` as a daemon finds it: links to blobs, manifests as they came."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_hub.blobs import BlobStore, collect, publish_ollama, receipts, remove_ollama
from tui_hub.blobs.ollama import needed_in_ollama, wrong_in_ollama
from tui_hub.domain.errors import UnsafeError

Put = Callable[[bytes], str]

NAME = ("registry.ollama.ai", "library", "tiny", "latest")
OTHER = ("registry.ollama.ai", "library", "tiny", "8b")


def manifest(*hashes: str, config: str | None = None) -> bytes:
    document = {"schemaVersion": 2, "layers": [{"digest": f"sha256:{one}"} for one in hashes]}
    if config is not None:
        document["config"] = {"digest": f"sha256:{config}"}
    return json.dumps(document, indent=3).encode()


def shown(store: BlobStore) -> list[str]:
    """The blobs that a daemon finds, each of which must be readable."""
    links = sorted((store.root / "ollama" / "blobs").iterdir())
    assert all(link.name == "sha256-" + Path(os.path.realpath(link)).name for link in links)
    assert all(link.read_bytes() for link in links)
    return [link.name.removeprefix("sha256-") for link in links]


def place_of(store: BlobStore, name: tuple[str, ...]) -> Path:
    return store.root.joinpath("ollama", "manifests", *name)


def test_a_model_is_laid_out_as_a_daemon_expects_it(store: BlobStore, put: Put) -> None:
    weights, config = put(b"weights"), put(b"{}")
    body = manifest(weights, config=config)
    place = publish_ollama(store, NAME, put(body))
    assert place == place_of(store, NAME)
    assert place.read_bytes() == body and not place.is_symlink()
    assert shown(store) == sorted([weights, config])
    links = [link.readlink() for link in (store.root / "ollama" / "blobs").iterdir()]
    assert not any(link.is_absolute() for link in links), "a store may be moved"


def test_what_two_models_share_stays_until_both_are_gone(store: BlobStore, put: Put) -> None:
    weights, one, two = put(b"weights"), put(b"1"), put(b"2")
    publish_ollama(store, NAME, put(manifest(weights, one)))
    publish_ollama(store, OTHER, put(manifest(weights, two)))
    assert remove_ollama(store, NAME)
    assert shown(store) == sorted([weights, two])
    assert not place_of(store, NAME).exists()
    assert remove_ollama(store, OTHER)
    assert not remove_ollama(store, OTHER)
    assert shown(store) == []
    assert list((store.root / "ollama" / "manifests").iterdir()) == []
    assert all(store.has(blob) for blob in (weights, one, two)), "only links go"


def test_a_moved_tag_shows_its_new_files_alone(store: BlobStore, put: Put) -> None:
    old, new = put(b"old"), put(b"new")
    publish_ollama(store, NAME, put(manifest(old)))
    publish_ollama(store, NAME, put(manifest(new)))
    assert shown(store) == [new]


@pytest.mark.parametrize("left", ["weights", "manifest"])
def test_what_is_not_whole_is_not_shown(store: BlobStore, put: Put, left: str) -> None:
    weights, config = put(b"weights"), put(b"{}")
    digest = put(manifest(weights, config=config))
    assert publish_ollama(store, NAME, digest) is not None
    store.remove(weights if left == "weights" else digest)
    assert publish_ollama(store, NAME, digest) is None
    assert not place_of(store, NAME).exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"layers": 7}',
        b'{"layers": [{"digest": "sha256:../../../etc/passwd"}]}',
        b'{"layers": [{"digest": "md5:0"}]}',
        b'{"layers": ' + b"[" * 100_000,
        b"\xff",
    ],
)
def test_a_manifest_that_is_none_shows_nothing(store: BlobStore, put: Put, body: bytes) -> None:
    assert publish_ollama(store, NAME, put(body)) is None
    assert not place_of(store, NAME).exists()


def test_what_a_daemon_brought_stays(store: BlobStore, put: Put) -> None:
    """With `OLLAMA_MODELS` there, a daemon pulls into the same folder."""
    root = store.root / "ollama"
    (root / "blobs").mkdir(parents=True)
    theirs = root / "blobs" / ("sha256-" + "1" * 64)
    theirs.write_bytes(b"theirs")
    partial = root / "blobs" / ("sha256-" + "2" * 64 + "-partial")
    partial.write_bytes(b"half")
    own = place_of(store, ("registry.ollama.ai", "library", "own", "latest"))
    own.parent.mkdir(parents=True)
    weights = put(b"weights")
    own.write_bytes(manifest("1" * 64))
    publish_ollama(store, NAME, put(manifest(weights)))
    assert not remove_ollama(store, ("registry.ollama.ai", "library", "own", "latest"))
    assert remove_ollama(store, NAME)
    assert (own.exists(), theirs.read_bytes(), partial.read_bytes()) == (True, b"theirs", b"half")


def test_links_that_a_daemons_own_model_uses_stay(store: BlobStore, put: Put) -> None:
    weights, mine = put(b"weights"), put(b"mine")
    publish_ollama(store, NAME, put(manifest(weights, mine)))
    pulled = store.root / "ollama" / "manifests-v2" / "registry.ollama.ai" / "library" / "x" / "y"
    pulled.parent.mkdir(parents=True)
    pulled.write_bytes(manifest(weights))
    remove_ollama(store, NAME)
    assert shown(store) == [weights], "while its bytes are here, the daemon's model runs"
    store.remove(weights)
    publish_ollama(store, OTHER, put(manifest(mine)))
    assert shown(store) == [mine], "a link that leads nowhere would keep the daemon from a pull"


def test_what_a_daemon_put_under_the_same_name_stays(store: BlobStore, put: Put) -> None:
    weights = put(b"weights")
    digest = put(manifest(weights))
    place = publish_ollama(store, NAME, digest)
    assert place is not None
    made = manifest(weights, "1" * 64)
    place.write_bytes(made)
    assert wrong_in_ollama(store, NAME, digest) is None
    assert publish_ollama(store, NAME, digest) is None
    assert place.read_bytes() == made


def test_what_a_daemons_own_model_is_made_of_is_needed(store: BlobStore, put: Put) -> None:
    weights, template = put(b"weights"), put(b"template")
    publish_ollama(store, NAME, put(manifest(weights, template)))
    made = place_of(store, ("registry.ollama.ai", "library", "mine", "latest"))
    made.parent.mkdir(parents=True)
    own = store.root / "ollama" / "blobs" / ("sha256-" + "1" * 64)
    own.write_bytes(b"a system prompt")
    made.write_bytes(manifest(weights, "1" * 64))
    assert needed_in_ollama(store) == {weights, template}
    assert needed_in_ollama(store, [NAME]) == {weights}
    remove_ollama(store, NAME)
    assert receipts.references(store) == {weights}
    assert collect(store, [weights, template]) > 0
    assert (store.has(weights), store.has(template)) == (True, False)
    made.unlink()
    assert receipts.references(store) == set()


def test_nobody_waits_for_a_manifest_that_is_a_pipe(store: BlobStore, put: Put) -> None:
    weights = put(b"weights")
    place = publish_ollama(store, NAME, put(manifest(weights)))
    assert place is not None
    os.mkfifo(place.with_name("pipe"))
    place.with_name("folder").mkdir()
    assert needed_in_ollama(store) == {weights}


def test_a_daemon_that_prunes_takes_links_alone(store: BlobStore, put: Put) -> None:
    weights = put(b"weights")
    digest = put(manifest(weights))
    publish_ollama(store, NAME, digest)
    (store.root / "ollama" / "blobs" / f"sha256-{weights}").unlink()
    place_of(store, NAME).unlink()
    assert store.verify(weights) and store.verify(digest)
    assert publish_ollama(store, NAME, digest) is not None
    assert shown(store) == [weights]


@pytest.mark.parametrize(
    "name",
    [
        ("..", "library", "tiny", "latest"),
        ("host", "library", "a/b", "latest"),
        ("host", "library", "tiny", ""),
        ("host", "library", "tiny", ".hidden"),
        ("host", "library", "tiny\n", "latest"),
        ("host", "library", "tiny"),
    ],
)
def test_hostile_names_are_refused(store: BlobStore, put: Put, name: tuple[str, ...]) -> None:
    digest = put(manifest(put(b"weights")))
    with pytest.raises(UnsafeError):
        publish_ollama(store, name, digest)
    assert not list(store.root.glob("ollama/**/*"))


def test_what_a_daemon_would_not_find_is_noticed(store: BlobStore, put: Put) -> None:
    weights = put(b"weights")
    digest = put(manifest(weights))
    place = publish_ollama(store, NAME, digest)
    assert place is not None and wrong_in_ollama(store, NAME, digest) is None
    link = store.root / "ollama" / "blobs" / f"sha256-{weights}"
    link.unlink()
    assert wrong_in_ollama(store, NAME, digest) == link
    place.write_bytes(b"{}")
    assert wrong_in_ollama(store, NAME, digest) == place
    publish_ollama(store, NAME, digest)
    assert wrong_in_ollama(store, NAME, digest) is None
    store.remove(weights)
    assert wrong_in_ollama(store, NAME, digest) is None, "what is not whole is not shown"
