"""An Ollama daemon's store, also one that somebody made up to lead us astray."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tui_hub.foreign import Box, FoundModel, LeftOut, known_places, named_place
from tui_hub.foreign.ollama import OllamaStore

LAYOUT = OllamaStore()
IMAGE = "application/vnd.ollama.image."


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / ".ollama" / "models"
    (root / "blobs").mkdir(parents=True)
    (root / "manifests").mkdir()
    return root


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path, {})


def layer(root: Path, data: bytes, kind: str = "model") -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    (root / "blobs" / f"sha256-{digest}").write_bytes(data)
    return {"mediaType": IMAGE + kind, "digest": f"sha256:{digest}", "size": len(data)}


def tag(root: Path, layers: list[Any], place: str = "registry.ollama.ai/library/m/latest") -> Path:
    path = root / "manifests" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return path


def look(root: Path, box: Box) -> tuple[list[FoundModel], list[LeftOut]]:
    found = list(LAYOUT.look(root, box))
    return (
        [one for one in found if isinstance(one, FoundModel)],
        [one for one in found if isinstance(one, LeftOut)],
    )


@pytest.mark.parametrize(
    ("place", "model"),
    [
        ("registry.ollama.ai/library/llama3/latest", "ollama:llama3"),
        ("registry.ollama.ai/library/llama3/8b-q4_0", "ollama:llama3:8b-q4_0"),
        ("registry.ollama.ai/me/mine/v1", "ollama:me/mine:v1"),
        ("hf.co/org/repo-GGUF/Q4_K_M", "ollama:hf.co/org/repo-GGUF:Q4_K_M"),
    ],
)
def test_the_place_of_a_manifest_is_the_name_of_its_model(
    root: Path, box: Box, place: str, model: str
) -> None:
    path = tag(root, [layer(root, b"GGUF")], place)
    (found,), left = look(root, box)
    assert (str(found.model), left) == (model, [])
    assert found.revision == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_layer_that_is_not_there_in_full_is_listed_as_missing(root: Path, box: Box) -> None:
    weights, projector, params = (
        layer(root, b"GGUF"), layer(root, b"CLIP", "projector"), layer(root, b"{}", "params"),
    )  # fmt: skip
    (root / "blobs" / projector["digest"].replace(":", "-")).rename(
        root / "blobs" / (projector["digest"].replace(":", "-") + "-partial")
    )
    (root / "blobs" / params["digest"].replace(":", "-")).write_bytes(b"{} ")
    tag(root, [weights, projector, params])
    (found,), _ = look(root, box)
    assert [file.path for file in found.files] == ["m-latest.gguf", "manifest.json"]
    assert len(found.listing) == 4


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:../../../../etc/passwd",
        "sha256:" + "../" * 20 + "0" * 4,
        "sha256-" + "0" * 64,
        "sha256:" + "0" * 64 + "\n",
        "sha256:" + "0" * 63 + "G",
        "",
    ],
)
def test_digests_that_are_none_lead_nowhere(root: Path, box: Box, digest: str) -> None:
    tag(root, [layer(root, b"GGUF"), {"mediaType": IMAGE + "model", "digest": digest, "size": 9}])
    (found,), _ = look(root, box)
    assert [file.size for file in found.files if file.path != "manifest.json"] == [4]
    assert all(file.place.is_relative_to(root) for file in found.files)


def test_a_blob_that_is_a_link_out_is_not_followed(root: Path, box: Box, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"GGUF")
    one = layer(root, b"GGUF")
    blob = root / "blobs" / one["digest"].replace(":", "-")
    blob.unlink()
    blob.symlink_to(secret)
    tag(root, [one])
    models, (left,) = look(root, box)
    assert models == [] and "leads out" in left.reason


def test_what_is_no_manifest_is_left_out(root: Path, box: Box, tmp_path: Path) -> None:
    good = tag(root, [layer(root, b"GGUF")])
    folder = good.parent
    with (folder / "huge").open("wb") as file:
        file.truncate(1024**3)
    (folder / "text").write_text("<html>")
    (folder / "deep").write_text("[" * 100_000)
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    (folder / "cloud").write_text(json.dumps({"layers": []}))
    (folder / os.fsdecode(b"a\xff\x1b[2J")).write_text("{}")
    (root / "manifests" / "stray").write_text("{}")
    (folder / "more").mkdir()
    (folder / "more" / "deeper").write_text("{}")
    models, left = look(root, box)
    assert len(models) == 1
    names = {Path(one.place).name for one in left}
    assert names > {"huge", "text", "deep", "link", "pipe", "cloud"} and len(left) == 7
    assert all((one.place + one.reason).isprintable() for one in left)


def test_the_store_is_known_by_what_is_in_it(root: Path, box: Box) -> None:
    assert [place for _, place in known_places(box, {})] == [root]
    assert named_place(root.parent)[1] == named_place(root)[1] == root
    elsewhere = Box(box.home / "other", {"OLLAMA_MODELS": str(root)})
    assert [place for _, place in known_places(elsewhere, {})] == [root]
