"""The real `huggingface_hub` reads the store's `hf/` offline, and so do the libraries above it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
from safetensors.numpy import save

from tui_hub.blobs import BlobStore, collect, publish_hf, remove_hf
from tui_hub.blobs.huggingface import wrong_in_hf
from tui_hub.domain.errors import UnsafeError

Put = Callable[[bytes], str]

OLD, NEW = "a" * 40, "b" * 40

READER = """
import json, os, sys
import huggingface_hub as hub
from huggingface_hub.utils import LocalEntryNotFoundError
from safetensors.numpy import load_file
revision = sys.argv[1] or None
weights = hub.hf_hub_download("org/name", "unet/model.safetensors", revision=revision)
folder = hub.snapshot_download("org/name", revision=revision, local_files_only=True)
try:
    hub.hf_hub_download("org/name", "absent.bin")
    absent = "found"
except LocalEntryNotFoundError:
    absent = "not found"
scan = hub.scan_cache_dir()
print(json.dumps({
    "weights": weights,
    "tensor": load_file(weights)["w"].tolist(),
    "config": json.load(open(os.path.join(folder, "config.json"))),
    "folder": folder,
    "cached": hub.try_to_load_from_cache("org/name", "config.json"),
    "absent": absent,
    "warnings": [str(warning) for warning in scan.warnings],
    "repos": [
        [repo.repo_id, repo.nb_files, repo.size_on_disk, sorted(repo.refs)] for repo in scan.repos
    ],
    "revisions": sorted(r.commit_hash for repo in scan.repos for r in repo.revisions),
}))
"""


def read(store: BlobStore, revision: str = "") -> dict[str, object]:
    """What `huggingface_hub` finds in the cache with no network."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "HF_HUB_CACHE": str(store.hf),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(store.root.parent / "home"),
    }
    result = subprocess.run(
        [sys.executable, "-c", READER, revision], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr
    document: dict[str, object] = json.loads(result.stdout)
    return document


def git_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def publish(store: BlobStore, put: Put, revision: str, values: list[float]) -> list[str]:
    weights = save({"w": numpy.array(values, dtype=numpy.float32)})
    config = json.dumps({"revision": revision}).encode()
    files = [
        ("config.json", put(config), git_id(config)),
        ("unet/model.safetensors", put(weights), None),
    ]
    publish_hf(store, "org/name", revision, ("main",), files)
    return [sha256 for _, sha256, _ in files]


def test_the_cache_is_read_offline(store: BlobStore, put: Put) -> None:
    publish(store, put, OLD, [1.5, 2.5])
    found = read(store)

    folder = store.hf / "models--org--name" / "snapshots" / OLD
    assert found["tensor"] == [1.5, 2.5]
    assert found["config"] == {"revision": OLD}
    assert found["folder"] == str(folder)
    assert found["weights"] == str(folder / "unet/model.safetensors")
    assert found["cached"] == str(folder / "config.json")
    assert found["absent"] == "not found"
    size = sum(store.size(sha256) or 0 for sha256 in store.iter())
    assert found["warnings"] == [] and found["repos"] == [["org/name", 2, size, ["main"]]]
    assert read(store, OLD)["folder"] == str(folder)


def test_a_new_revision_takes_the_place_of_the_old_one(store: BlobStore, put: Put) -> None:
    old = publish(store, put, OLD, [1.0])
    publish_hf(store, "org/name", OLD, ("refs/pr/1",), [("config.json", old[0], None)])
    publish(store, put, NEW, [2.0, 3.0])
    for sha256 in old:
        store.remove(sha256)

    found = read(store)
    assert found["tensor"] == [2.0, 3.0] and found["config"] == {"revision": NEW}
    assert found["revisions"] == [NEW] and found["warnings"] == []
    folder = store.hf / "models--org--name"
    assert len(list((folder / "blobs").iterdir())) == 2
    assert [path.name for path in folder.rglob("refs/**/*") if path.is_file()] == ["main"]


def test_several_refs_stand_for_one_snapshot(store: BlobStore, put: Put) -> None:
    one, two = put(b"1"), put(b"2")
    publish_hf(store, "org/name", OLD, ("main", "v0.9"), [("a", one, None)])
    publish_hf(store, "org/name", NEW, ("v1.0", "refs/pr/1"), [("a", two, None)])

    refs = store.hf / "models--org--name" / "refs"
    found = {str(path.relative_to(refs)): path.read_text() for path in refs.rglob("*")
             if path.is_file()}  # fmt: skip
    assert found == {"main": NEW, "v1.0": NEW, "refs/pr/1": NEW}


def test_publishing_again_with_fewer_files_removes_the_others(store: BlobStore, put: Put) -> None:
    one, two = put(b"1"), put(b"2")
    publish_hf(store, "gpt2", OLD, ("main",), [("a", one, '"e1"'), ("b/c", two, 'W/"e2"')])
    snapshot = publish_hf(store, "gpt2", OLD, (), [("a", one, '"e1"')])

    assert snapshot == store.hf / "models--gpt2" / "snapshots" / OLD
    assert [path.name for path in snapshot.iterdir()] == ["a"]
    assert [path.name for path in (store.hf / "models--gpt2" / "blobs").iterdir()] == ["e1"]
    assert (store.hf / "models--gpt2/refs/main").read_text() == OLD


def test_what_others_downloaded_into_the_cache_stays(store: BlobStore, put: Put) -> None:
    folder = store.hf / "models--org--name"
    (folder / "blobs").mkdir(parents=True)
    (folder / "blobs" / "theirs").write_bytes(b"theirs")
    (folder / "snapshots" / NEW).mkdir(parents=True)
    (folder / "snapshots" / NEW / "x").symlink_to("../../blobs/theirs")
    (folder / "refs").mkdir()
    (folder / "refs" / "dev").write_text(NEW)

    publish(store, put, OLD, [1.0])
    assert read(store)["revisions"] == [OLD, NEW]
    assert remove_hf(store, "org/name")
    assert (folder / "snapshots" / NEW / "x").read_bytes() == b"theirs"
    assert (folder / "refs" / "dev").exists() and not (folder / "refs" / "main").exists()
    assert [path.name for path in (folder / "blobs").iterdir()] == ["theirs"]


def test_what_others_downloaded_of_the_very_revision_stays(store: BlobStore, put: Put) -> None:
    """With `HF_HUB_CACHE` there, a program that is online downloads into the same snapshot."""
    card = b"# A card"
    folder = store.hf / "models--org--name"
    snapshot = folder / "snapshots" / OLD
    snapshot.mkdir(parents=True)
    (folder / "blobs").mkdir()
    (folder / "blobs" / git_id(card)).write_bytes(card)
    (folder / "blobs" / "half.incomplete").write_bytes(b"half")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(OLD)
    for name in ("README.md", "CARD.md"):
        (snapshot / name).symlink_to(f"../../blobs/{git_id(card)}")
    (snapshot / "own.txt").write_text("no link")

    weights = publish(store, put, OLD, [1.0])[1]
    publish_hf(
        store,
        "org/name",
        OLD,
        (),
        [("unet/model.safetensors", weights, None), ("CARD.md", put(card), git_id(card))],
    )

    assert not (folder / "blobs" / git_id(card)).is_symlink()
    names = sorted(path.name for path in snapshot.iterdir())
    assert names == ["CARD.md", "README.md", "own.txt", "unet"]
    assert (snapshot / "unet" / "model.safetensors").is_file()
    files = [("CARD.md", store.adopt(folder / "blobs" / git_id(card)))]
    assert wrong_in_hf(store, "org/name", OLD, files) is None
    publish(store, put, NEW, [2.0])
    assert read(store)["tensor"] == [2.0]
    assert remove_hf(store, "org/name")
    assert (snapshot / "README.md").read_bytes() == (snapshot / "CARD.md").read_bytes() == card
    assert (snapshot / "own.txt").read_text() == "no link"
    assert not any(path.is_symlink() and not path.exists() for path in folder.rglob("*"))
    assert {path.name for path in (folder / "blobs").iterdir()} == {
        git_id(card),
        "half.incomplete",
    }


def test_a_removed_repository_is_gone_and_its_blobs_are_not(store: BlobStore, put: Put) -> None:
    blobs = publish(store, put, OLD, [1.0])
    assert remove_hf(store, "org/name")
    assert not remove_hf(store, "org/name")
    assert list(store.hf.iterdir()) == []
    assert all(store.verify(sha256) for sha256 in blobs)
    assert collect(store, blobs) > 0


@pytest.mark.parametrize(
    ("repository", "revision", "ref", "path"),
    [
        ("../x", OLD, "main", "a"),
        ("a/../b", OLD, "main", "a"),
        ("a/b/c", OLD, "main", "a"),
        ("a--b", OLD, "main", "a"),
        ("", OLD, "main", "a"),
        ("org/name\n", OLD, "main", "a"),
        ("org/name", "../../x", "main", "a"),
        ("org/name", "..", "main", "a"),
        ("org/name", "", "main", "a"),
        ("org/name", OLD, "../../x", "a"),
        ("org/name", OLD, "main", "../a"),
        ("org/name", OLD, "main", "/a"),
    ],
)
def test_hostile_names_are_refused(
    store: BlobStore, put: Put, repository: str, revision: str, ref: str, path: str
) -> None:
    blob = put(b"1")
    with pytest.raises(UnsafeError):
        publish_hf(store, repository, revision, (ref,), [(path, blob, None)])
    outside = [path for path in store.root.rglob("x") if "blobs" not in path.parts]
    assert outside == [] and list(store.temp.glob("view*")) == []


@pytest.mark.parametrize("etag", ["../../x", "a/b", "", "..", "\x1b[2J", "x" * 500, 'W/""', "a\nb"])
def test_an_etag_that_is_no_name_gives_way_to_the_hash(
    store: BlobStore, put: Put, etag: str
) -> None:
    blob = put(b"1")
    snapshot = publish_hf(store, "org/name", OLD, ("main",), [("a", blob, etag)])
    assert (snapshot / "a").readlink() == Path(f"../../blobs/{blob}")
    assert (snapshot / "a").read_bytes() == b"1"


def test_the_store_moves_as_a_whole(store: BlobStore, put: Put) -> None:
    publish(store, put, OLD, [4.0])
    store.root.rename(store.root.with_name("moved"))
    moved = BlobStore(store.root.with_name("moved"))
    assert Path(str(read(moved)["folder"])).is_relative_to(moved.root)
