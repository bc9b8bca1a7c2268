"""The cache of Hugging Face's libraries, also one that somebody made up to lead us astray."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest

from tui_hub.blobs.hashing import git_blob_sha1
from tui_hub.domain.types import ModelType
from tui_hub.foreign import Box, FoundModel, LeftOut, known_places, named_place
from tui_hub.foreign.huggingface import HuggingFaceCache

OLD, NEW = "a" * 40, "b" * 40
LAYOUT = HuggingFaceCache()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path, {})


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / ".cache" / "huggingface" / "hub"


def put(
    cache: Path,
    name: str,
    data: bytes,
    *,
    repo: str = "org/name",
    commit: str = NEW,
    git: bool = False,
) -> Path:
    """One file of a snapshot as the library writes it."""
    folder = cache / f"models--{repo.replace('/', '--')}"
    (folder / "blobs").mkdir(parents=True, exist_ok=True)
    scratch = folder / "blobs" / "scratch"
    scratch.write_bytes(data)
    etag = git_blob_sha1(scratch) if git else hashlib.sha256(data).hexdigest()
    scratch.rename(folder / "blobs" / etag)
    link = folder / "snapshots" / commit / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(folder / "blobs" / etag, link.parent))
    return link


def point(cache: Path, ref: str, commit: str, repo: str = "org/name") -> None:
    path = cache / f"models--{repo.replace('/', '--')}" / "refs" / ref
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(commit)


def look(cache: Path, box: Box) -> tuple[list[FoundModel], list[LeftOut]]:
    found = list(LAYOUT.look(cache, box))
    models = [one for one in found if isinstance(one, FoundModel)]
    return models, [one for one in found if isinstance(one, LeftOut)]


def test_a_repository_is_found_at_the_revision_of_its_main(cache: Path, box: Box) -> None:
    put(cache, "unet/model.safetensors", b"weights")
    put(cache, "README.md", b"---\npipeline_tag: text-to-image\nlicense: mit\n---\n", git=True)
    put(cache, ".gitattributes", b"*.bin", git=True)
    put(cache, "model.safetensors", b"older", commit=OLD)
    point(cache, "main", NEW)
    point(cache, "refs/pr/1", OLD)
    point(cache, "v1", NEW)
    (model,), (left,) = look(cache, box)
    assert (str(model.model), model.revision, model.refs) == ("hf:org/name", NEW, ("main", "v1"))
    assert model.record is not None
    assert (model.record.type, model.record.license) == (ModelType.IMAGE_GEN, "mit")
    files = {file.path: file for file in model.files}
    assert files.keys() == {"unet/model.safetensors", "README.md", ".gitattributes"}
    assert files["unet/model.safetensors"].sha256 == hashlib.sha256(b"weights").hexdigest()
    assert files["README.md"].sha256 is None and files["README.md"].git_sha1 is not None
    assert OLD in left.place and not left.failed


def test_blobs_that_repositories_share_are_followed(cache: Path, box: Box) -> None:
    link = put(cache, "model.safetensors", b"weights")
    etag = link.resolve()
    shared = cache / "blobs" / "ab" / ("ab" + "0" * 62)
    shared.parent.mkdir(parents=True)
    etag.rename(shared)
    etag.symlink_to(os.path.relpath(shared, etag.parent))
    (model,), left = look(cache, box)
    assert left == []
    (file,) = model.files
    assert (file.place, file.sha256) == (shared, hashlib.sha256(b"weights").hexdigest())


def test_parts_that_must_be_there_are_listed_as_missing(cache: Path, box: Box) -> None:
    put(cache, "model-00002-of-00003.safetensors", b"second")
    put(cache, "config.json", b"{}", git=True)
    (model,), _ = look(cache, box)
    sizes = {file.path: file.size for file in model.listing}
    assert sizes == {
        "config.json": 2,
        "model-00001-of-00003.safetensors": None,
        "model-00002-of-00003.safetensors": 6,
        "model-00003-of-00003.safetensors": None,
    }


def test_nothing_outside_of_the_cache_is_followed(
    cache: Path, box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    good = put(cache, "model.safetensors", b"weights")
    for name, target in {
        "config.json": secret,
        "tokenizer.json": Path("../../../../../../secret"),
        "loop.json": Path("loop.json"),
        "gone.json": Path("../../blobs/0000"),
        "dir.json": cache,
    }.items():
        (good.parent / name).symlink_to(target)
    os.mkfifo(good.parent / "pipe.json")
    (good.parent / "linked").symlink_to(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(good.parent)  # such an address must be short
        server.bind("sock.json")
    (model,), left = look(cache, box)
    assert [file.path for file in model.files] == ["model.safetensors"]
    reasons = {Path(one.place).name: one.reason for one in left}
    assert reasons.keys() == {
        "config.json", "tokenizer.json", "loop.json", "gone.json", "dir.json", "pipe.json",
        "sock.json", "linked",
    }  # fmt: skip
    assert "leads out" in reasons["config.json"] and "leads out" in reasons["tokenizer.json"]
    assert "itself" in reasons["loop.json"] and "not there" in reasons["gone.json"]
    assert "no plain file" in reasons["pipe.json"] and "no plain file" in reasons["sock.json"]


@pytest.mark.parametrize("name", [b"a\nb.json", b"\x1b[2J.json", b"\xff\xfe.json", b"a\\b.json"])
def test_names_that_nobody_can_show_are_left_out(cache: Path, box: Box, name: bytes) -> None:
    good = put(cache, "model.safetensors", b"weights")
    (good.parent / os.fsdecode(name)).symlink_to(good.readlink())
    (model,), (left,) = look(cache, box)
    assert [file.path for file in model.files] == ["model.safetensors"]
    assert left.failed and left.place.isprintable()


@pytest.mark.parametrize(
    "name", ["models--..--..", "models--a--b--c", "models--", "models--a\nb--c", "models--a b--c"]
)
def test_repositories_without_a_usable_name_are_left_out(cache: Path, box: Box, name: str) -> None:
    (cache / name / "snapshots" / NEW).mkdir(parents=True)
    models, (left,) = look(cache, box)
    assert models == [] and left.place.isprintable()


def test_a_repository_without_a_snapshot_is_left_out(cache: Path, box: Box) -> None:
    (cache / "models--a--b" / "snapshots" / "main").mkdir(parents=True)
    (cache / "models--c--d" / "snapshots" / NEW).mkdir(parents=True)
    models, left = look(cache, box)
    assert models == [] and len(left) == 2


def test_a_tokenizer_that_was_fetched_alone_is_no_model(cache: Path, box: Box) -> None:
    """As `AutoTokenizer.from_pretrained` leaves it; a model without weights cannot be loaded."""
    put(cache, "tokenizer.json", b"{}", git=True)
    put(cache, "config.json", b"{}", git=True)
    models, (left,) = look(cache, box)
    assert models == [] and "no weights" in left.reason


def test_the_cache_is_known_by_what_is_in_it(cache: Path, box: Box, tmp_path: Path) -> None:
    put(cache, "model.safetensors", b"weights")
    single = cache / "models--org--name"
    assert [place for _, place in known_places(box, {})] == [cache]
    assert named_place(cache.parent) == named_place(cache) == (named_place(single)[0], cache)
    assert named_place(single)[1] == single and len(look(single, box)[0]) == 1
    assert list(known_places(box, {"huggingface": []})) == []
    moved = tmp_path / "elsewhere"
    cache.rename(moved)
    for variable, value in (("HF_HUB_CACHE", moved), ("HUGGINGFACE_HUB_CACHE", moved)):
        assert [place for _, place in known_places(Box(box.home, {variable: str(value)}), {})] == [
            moved
        ]
    assert [p for _, p in known_places(box, {"huggingface": ["auto", "~/elsewhere"]})] == [moved]
    (tmp_path / "hf").mkdir()
    moved.rename(tmp_path / "hf" / "hub")
    assert [p for _, p in known_places(Box(box.home, {"HF_HOME": "~/hf"}), {})] == [
        tmp_path / "hf" / "hub"
    ]
