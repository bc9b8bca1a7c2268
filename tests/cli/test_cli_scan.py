"""Finding models that are on the box already, and adopting them: the installed program."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import Inside, until
from huggingface_hub import hf_hub_download, snapshot_download
from small_models import gguf_file, tensors_file

from tui_hub.demo import DemoHub

BIG = gguf_file(os.urandom(64) * 40_000)  # 2.5 MB
BLANK = gguf_file(bytes(64 * 40_000))
DAMAGED = BIG[:-1] + bytes([BIG[-1] ^ 1])
OLD = time.time_ns() - 10**12


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def settle(folder: Path) -> None:
    """Let all files be written a while ago, as files of other programs are."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, ns=(OLD, OLD))


def state(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that must stay as it is of a folder of somebody else's."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        what = (status.st_mode, status.st_uid, status.st_ino, status.st_mtime_ns, status.st_nlink)
        link = str(path.readlink()) if path.is_symlink() else None
        data = path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (*what, link, data)
    return found


def scan(program: Inside, *arguments: str, code: int = 0, **environment: str) -> dict[str, Any]:
    ran = program.json("scan", *arguments, **environment)
    assert ran.code == code, ran.out
    return ran.document


def store_of(program: Inside) -> Path:
    return program.home / "store"


@pytest.fixture
def cache(hub: DemoHub, tmp_path: Path) -> Path:
    """A cache that Hugging Face's own library filled with a whole model."""
    cache = tmp_path / ".cache" / "huggingface" / "hub"
    snapshot_download("acme/tiny-llm", endpoint=hub.endpoint, cache_dir=cache, token=hub.token)
    settle(cache)
    return cache


def test_a_model_of_the_hugging_face_cache_is_found_then_adopted(
    alone: Inside, cache: Path
) -> None:
    before = state(cache)
    found = scan(alone)
    (one,) = found["models"]
    commit = (cache / "models--acme--tiny-llm" / "refs" / "main").read_text()
    assert (found["found"], found["adopted"], found["duplicates"]) == (1, 0, 0)
    assert (one["model"], one["revision"], one["status"]) == ("hf:acme/tiny-llm", commit, "found")
    assert (
        found["bytes"]
        == one["bytes"]
        == sum(
            path.stat().st_size for path in (cache / "models--acme--tiny-llm" / "blobs").iterdir()
        )
    )
    assert not store_of(alone).exists() and state(cache) == before
    assert alone.json("show", "acme/tiny-llm", "--offline").code == 6

    adopted = scan(alone, "--adopt")
    assert (adopted["found"], adopted["adopted"]) == (1, 1)
    assert adopted["models"][0]["status"] == "adopted"
    assert state(cache) == before
    shown = alone.json("show", "acme/tiny-llm", "--offline").document
    assert (shown["status"], shown["license"]) == ("installed", "apache-2.0")
    checks = {file["path"]: file["verified"] for file in shown["files"]}
    assert checks == {
        "README.md": "git-sha1", "config.json": "git-sha1", "model.safetensors": "sha256",
    }  # fmt: skip
    view = Path(shown["path"])
    assert (view / "model.safetensors").read_bytes() == tensors_file(1)
    library = store_of(alone) / "hf"
    path = snapshot_download("acme/tiny-llm", cache_dir=library, local_files_only=True)
    assert (Path(path) / "model.safetensors").read_bytes() == tensors_file(1)
    receipt = store_of(alone) / "metadata" / "acme_tiny-llm" / "receipt.json"
    assert json.loads(receipt.read_text())["revision"] == commit
    assert alone.json("activate", "acme/tiny-llm").code == 0


def test_what_is_installed_is_told_as_a_duplicate(program: Inside, cache: Path) -> None:
    assert program("download", "acme/tiny-llm").code == 0
    found = scan(program, "--adopt")
    (one,) = found["models"]
    assert (found["adopted"], one["status"]) == (0, "installed")
    assert (found["duplicates"], found["bytes_saved"]) == (3, one["bytes"])


def test_an_adopted_model_is_downloaded_by_nobody(
    program: Inside, hub: DemoHub, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    hf_hub_download(
        "acme/tiny-llm", "model.safetensors", endpoint=hub.endpoint, cache_dir=cache,
        token=hub.token,
    )  # fmt: skip
    assert program("files", "acme/tiny-llm").code == 0
    partly = scan(program, str(cache), "--adopt")
    (one,) = partly["models"]
    assert (one["status"], one["missing"]) == ("partly", ["README.md", "config.json"])
    assert one["type"] == "llm", "by the word of the catalogue: nothing in these files tells it"
    again = scan(program, str(cache), "--adopt")
    assert (again["adopted"], again["models"][0]["status"]) == (0, "partly")
    assert program.json("show", "acme/tiny-llm").document["status"] == "not_installed"
    done = program.json("download", "acme/tiny-llm").document
    files = {file["path"]: file["deduplicated"] for file in done["files"]}
    assert (done["status"], files["model.safetensors"]) == ("completed", True)
    assert scan(program, str(cache))["models"][0]["status"] == "installed"


def ollama(root: Path, *, damaged: bool = False) -> Path:
    """A daemon's store with one model of the library and one of the Hub."""
    config = json.dumps(
        {"model_format": "gguf", "model_family": "llama", "model_type": "8.0B", "file_type": "Q4_0"}
    ).encode()
    layers = {"model": BIG, "params": b'{"stop": []}', "license": b"MIT"}
    blobs = root / "blobs"
    blobs.mkdir(parents=True)
    for data in (config, *layers.values()):
        (blobs / f"sha256-{sha256(data)}").write_bytes(data)
    if damaged:
        (blobs / f"sha256-{sha256(BIG)}").write_bytes(DAMAGED)
    manifest = {
        "schemaVersion": 2,
        "config": {"digest": f"sha256:{sha256(config)}", "size": len(config)},
        "layers": [
            {
                "mediaType": f"application/vnd.ollama.image.{kind}",
                "digest": f"sha256:{sha256(data)}",
                "size": len(data),
            }
            for kind, data in layers.items()
        ],
    }
    for place in ("registry.ollama.ai/library/llama3/latest", "hf.co/acme/quants/Q4_0"):
        path = root / "manifests" / place
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(manifest))
    settle(root)
    return root


def test_a_model_of_ollama_is_adopted(alone: Inside, tmp_path: Path) -> None:
    root = ollama(tmp_path / ".ollama" / "models")
    before = state(root)
    found = scan(alone)
    assert {one["model"] for one in found["models"]} == {
        "ollama:llama3",
        "ollama:hf.co/acme/quants:Q4_0",
    }
    assert found["duplicates"] == 1, "two models share their layers, but each has its manifest"
    adopted = scan(alone, "--adopt")
    assert adopted["adopted"] == 2 and state(root) == before
    shown = alone.json("show", "ollama:llama3", "--offline").document
    manifest = root / "manifests/registry.ollama.ai/library/llama3/latest"
    assert (shown["status"], shown["type"], shown["params"]) == ("installed", "llm", 8_000_000_000)
    assert shown["revision"] == sha256(manifest.read_bytes())
    assert (Path(shown["path"]) / "llama3-latest-Q4_0.gguf").read_bytes() == BIG
    ways = {one["model"]: one["ways"] for one in adopted["models"]}
    weights = store_of(alone) / "blobs" / "sha256" / sha256(BIG)
    if "reference" in ways["ollama:llama3"] or "reference" in ways["ollama:hf.co/acme/quants:Q4_0"]:
        assert weights.samefile(root / "blobs" / f"sha256-{sha256(BIG)}")
    shared = store_of(alone) / "ollama"
    kept = shared / "manifests/registry.ollama.ai/library/llama3/latest"
    assert kept.read_bytes() == manifest.read_bytes()
    assert (shared / "blobs" / f"sha256-{sha256(BIG)}").read_bytes() == BIG
    assert alone.json("delete", "ollama:llama3", "--yes").code == 0
    assert state(root) == before


def test_a_damaged_blob_is_not_adopted(alone: Inside, tmp_path: Path) -> None:
    ollama(tmp_path / "store", damaged=True)
    found = scan(alone, str(tmp_path / "store"), "--adopt", code=3)
    assert found["error"]["code"] == "failed"
    assert found["adopted"] == 2 and {one["status"] for one in found["models"]} == {"partly"}
    blobs = [path.name for path in (store_of(alone) / "blobs" / "sha256").iterdir()]
    assert sha256(BIG) not in blobs and sha256(DAMAGED) not in blobs
    assert alone.json("show", "ollama:llama3", "--offline").document["status"] == "not_installed"


@pytest.fixture
def comfy(tmp_path: Path) -> Path:
    """ComfyUI's folders, with a second one that its settings name."""
    root = tmp_path / "ComfyUI"
    for path, data in {
        "models/checkpoints/sd xl.safetensors": tensors_file(3),
        "models/loras/style.safetensors": tensors_file(4),
        "models/vae/put_vae_here": b"",
        "models/checkpoints/notes.txt": b"mine",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    extra = tmp_path / "disk2" / "clip"
    extra.mkdir(parents=True)
    (extra / "vision.safetensors").write_bytes(tensors_file(5))
    (root / "extra_model_paths.yaml").write_text(
        f"mine:\n  base_path: {tmp_path}/disk2\n  clip_vision: |\n    clip\n    gone\n"
    )
    settle(tmp_path / "disk2")
    settle(root)
    return root


def test_models_of_comfyui_get_the_type_of_their_folder(alone: Inside, comfy: Path) -> None:
    before = state(comfy)
    found = scan(alone, "--adopt")
    types = {one["model"]: (one["type"], one["status"]) for one in found["models"]}
    assert types == {
        "local:sd-xl": ("image_gen", "adopted"),
        "local:style": ("image_gen", "adopted"),
        "local:vision": ("vision", "adopted"),
    }
    assert state(comfy) == before
    assert any("gone" in one["place"] for one in found["left_out"])
    again = scan(alone, "--adopt")
    assert {one["status"] for one in again["models"]} == {"installed"}
    assert again["adopted"] == 0


def test_a_file_is_the_model_whose_hash_it_has(program: Inside, tmp_path: Path) -> None:
    assert program("files", "acme/twin-llm").code == 0
    place = tmp_path / "elsewhere" / "any name.safetensors"
    place.parent.mkdir()
    place.write_bytes(tensors_file(1))
    (one,) = scan(program, str(place))["models"]
    assert one["model"] == "hf:acme/twin-llm"
    (one,) = scan(program, str(place.parent), "--adopt")["models"]
    assert (one["model"], one["status"], one["missing"]) == (
        "hf:acme/twin-llm", "partly", ["config.json"],
    )  # fmt: skip


def test_lm_studio_tells_the_repository(program: Inside, tmp_path: Path) -> None:
    place = tmp_path / ".lmstudio" / "models" / "acme" / "tiny-llm"
    place.mkdir(parents=True)
    (place / "model.safetensors").write_bytes(tensors_file(1))
    other = tmp_path / ".lmstudio" / "models" / "nobody" / "own-GGUF"
    other.mkdir(parents=True)
    (other / "own-Q4_0.gguf").write_bytes(gguf_file(b"x" * 376))
    found = {one["model"]: one for one in scan(program, "--adopt")["models"]}
    assert found.keys() == {"hf:acme/tiny-llm", "local:nobody/own-GGUF"}
    assert found["hf:acme/tiny-llm"]["status"] == "partly"
    assert found["local:nobody/own-GGUF"]["status"] == "adopted"
    assert found["local:nobody/own-GGUF"]["type"] == "llm"


def test_a_file_that_a_model_does_not_list_makes_nothing_new(
    program: Inside, tmp_path: Path
) -> None:
    assert program.json("download", "acme/tiny-llm").code == 0
    place = tmp_path / ".lmstudio" / "models" / "somebody" / "copy"
    place.mkdir(parents=True)
    (place / "model.safetensors").write_bytes(tensors_file(1))
    (place / "notes.txt").write_text("of somebody's own")
    found = scan(program, "--adopt")
    assert [(one["model"], one["status"]) for one in found["models"]] == [
        ("hf:acme/tiny-llm", "installed")
    ]
    assert found["adopted"] == 0


@pytest.mark.parametrize("mode", ["copy", "hardlink", "reference"])
def test_the_way_that_is_asked_for_is_taken(alone: Inside, tmp_path: Path, mode: str) -> None:
    place = tmp_path / "models" / "big.gguf"
    place.parent.mkdir()
    place.write_bytes(BIG)
    settle(place.parent)
    before = place.stat()
    adopted = scan(alone, str(place), "--adopt", "--mode", mode)
    (one,) = adopted["models"]
    assert (one["status"], one["ways"]) == ("adopted", {mode: 1})
    blob = store_of(alone) / "blobs" / "sha256" / sha256(BIG)
    assert blob.samefile(place) == (mode != "copy")
    assert blob.is_symlink() == (mode == "reference")
    assert adopted["referenced_bytes"] == (len(BIG) if mode == "reference" else 0)
    changed = place.stat().st_mode != before.st_mode
    assert changed == (mode == "hardlink"), "only a hard link makes the file read-only"
    again = scan(alone, str(place))
    assert again["bytes_saved"] == (len(BIG) if mode == "copy" else 0), "only a copy takes disk"


def test_a_reference_that_is_gone_is_noticed_and_can_be_had_again(
    program: Inside, cache: Path
) -> None:
    assert scan(program, "--adopt", "--mode", "reference")["adopted"] == 1
    assert program.json("activate", "acme/tiny-llm").code == 0
    assert program.json("deactivate", "acme/tiny-llm").code == 0
    shutil.rmtree(cache)
    refused = program.json("activate", "acme/tiny-llm")
    assert refused.code == 5, refused.out
    assert program.json("download", "acme/tiny-llm").code == 0
    assert program.json("activate", "acme/tiny-llm").code == 0


def test_verify_reads_what_lies_elsewhere_too(program: Inside, cache: Path) -> None:
    assert scan(program, "--adopt", "--mode", "reference")["adopted"] == 1
    sound = program.json("verify")
    assert (sound.code, sound.document["checked"]) == (0, 3)
    blobs = cache / "models--acme--tiny-llm" / "blobs"
    weights = blobs / sha256(tensors_file(1))
    weights.write_bytes(bytes(weights.stat().st_size))
    os.utime(weights, ns=(OLD, OLD))  # changed behind our back, which only reading finds
    ran = program.json("verify")
    assert ran.code == 1
    (damage,) = ran.document["damaged"]
    assert (damage["sha256"], damage["models"]) == (weights.name, ["hf:acme/tiny-llm"])
    assert weights.exists() and program.json("download", "acme/tiny-llm").code == 0
    touched = next(path for path in blobs.iterdir() if path != weights)
    os.utime(touched, ns=(OLD, OLD))
    link = store_of(program) / "blobs" / "sha256" / sha256(touched.read_bytes())
    ran = program.json("verify")
    assert (ran.code, ran.document["missing"], ran.document["damaged"]) == (0, [], [])
    assert link.exists(), "its bytes are what they were"
    assert program.json("show", "acme/tiny-llm").document["status"] == "installed"


def test_what_lies_elsewhere_survives_deletion_and_garbage(alone: Inside, cache: Path) -> None:
    before = state(cache)
    assert scan(alone, "--adopt", "--mode", "reference")["adopted"] == 1
    assert alone.json("gc").document["removed"] == 0
    receipt = store_of(alone) / "metadata" / "acme_tiny-llm" / "receipt.json"
    receipt.unlink()  # a model that another home gave up
    swept = alone.json("gc").document
    assert swept["blobs"] == 3
    assert state(cache) == before
    assert list((store_of(alone) / "blobs" / "references").iterdir()) == []
    assert scan(alone, "--adopt", "--mode", "reference")["adopted"] == 1
    assert alone.json("delete", "acme/tiny-llm", "--yes").document["bytes_freed"] == 0
    assert state(cache) == before


def test_another_revision_is_left_alone(program: Inside, hub: DemoHub, cache: Path) -> None:
    repository = cache / "models--acme--tiny-llm"
    commit = (repository / "refs" / "main").read_text()
    other = "b" * 40
    (repository / "snapshots" / commit).rename(repository / "snapshots" / other)
    (repository / "refs" / "main").write_text(other)
    assert program("download", "acme/tiny-llm").code == 0
    (one,) = scan(program, "--adopt")["models"]
    assert one["status"] == "left" and commit[:12] in one["reason"]
    assert program.json("show", "acme/tiny-llm").document["revision"] == commit


def test_a_place_that_is_not_there_is_an_error(alone: Inside, tmp_path: Path) -> None:
    ran = alone.json("scan", str(tmp_path / "nowhere"))
    assert (ran.code, ran.error) == (4, "not_found")


def test_who_is_not_trusted_is_not_adopted_either(
    program: Inside, cache: Path, tmp_path: Path
) -> None:
    ollama(tmp_path / ".ollama" / "models")
    policy = {"TUI_HUB_TRUST__OTHERS": "refuse"}
    refused = scan(program, "--adopt", **policy)
    reasons = {one["model"]: one["reason"] for one in refused["models"]}
    assert "the settings refuse files of acme" in reasons["hf:acme/tiny-llm"]
    assert {one["status"] for one in refused["models"]} == {"left"}
    assert not any((store_of(program) / "blobs" / "sha256").iterdir())
    trusting = {"TUI_HUB_TRUST__AUTHORS": '["acme"]', **policy}
    assert scan(program, str(cache), "--adopt", **trusting)["adopted"] == 1


def test_settings_name_the_places(alone: Inside, comfy: Path, tmp_path: Path) -> None:
    moved = comfy.rename(tmp_path / "art")
    assert scan(alone)["found"] == 0
    alone.home.mkdir(exist_ok=True)
    (alone.home / "config.toml").write_text(f'[scan]\ncomfyui = ["{moved}"]\nollama = []\n')
    ollama(tmp_path / ".ollama" / "models")
    assert scan(alone)["found"] == 3
    assert scan(alone, TUI_HUB_SCAN__COMFYUI="[]")["found"] == 0
    (alone.home / "config.toml").write_text('[scan]\nconfyui = ["/x"]\n')
    assert alone.json("scan").code == 2


def test_what_was_hashed_is_remembered_but_never_taken_for_proof(
    alone: Inside, tmp_path: Path
) -> None:
    place = tmp_path / "models" / "big.gguf"
    place.parent.mkdir()
    place.write_bytes(BIG)
    settle(place.parent)
    assert scan(alone, str(place))["found"] == 1
    # Of the same size and time as before: only who reads it can tell.
    place.write_bytes(BLANK)
    settle(place.parent)
    assert scan(alone, str(place), "--adopt")["adopted"] == 1
    blobs = [path.name for path in (store_of(alone) / "blobs" / "sha256").iterdir()]
    assert blobs == [sha256(BLANK)], "what enters the store is hashed again"
    place.write_bytes(BIG)
    settle(place.parent)
    (one,) = scan(alone, str(place))["models"]
    assert one["status"] == "installed", "it was not read again"
    os.utime(place)
    (one,) = scan(alone, str(place))["models"]
    assert one["status"] == "found", "another time is another file"


def test_a_scan_is_a_job_that_ends_at_once_and_goes_on(alone: Inside, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for number in range(8):
        (folder / f"m{number}.gguf").write_bytes(gguf_file(bytes([number]) * 3_000_000))
    settle(folder)
    slow = {"TUI_HUB_STORE__READ_RATE": "2500000"}
    process = alone.start("scan", str(folder), "--adopt", "--json", **slow)
    blobs = store_of(alone) / "blobs" / "sha256"
    until(lambda: blobs.is_dir() and len(list(blobs.iterdir())) >= 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    document = json.loads(out)
    assert document["error"]["code"] == "interrupted"
    taken = document["adopted"]
    assert 0 < taken < 8
    (job,) = alone.json("jobs", "--type", "scan").document["jobs"]
    assert (job["status"], job["payload"]["adopt"]) == ("cancelled", True)
    assert job["payload"]["result"]["adopted"] == taken
    assert 0 < job["progress"]["done"] < job["progress"]["total"]
    rest = scan(alone, str(folder), "--adopt")
    # One may have become whole in the moment of the end, and was not told of any more.
    assert rest["adopted"] in (8 - taken, 7 - taken)
    assert {one["status"] for one in scan(alone, str(folder))["models"]} == {"installed"}
    assert alone.json("jobs", "--retry", job["id"]).code == 0


def test_a_scan_that_is_killed_leaves_a_sound_store(alone: Inside, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for number in range(6):
        (folder / f"m{number}.gguf").write_bytes(gguf_file(bytes([number]) * 3_000_000))
    settle(folder)
    before = state(folder)
    slow = {"TUI_HUB_STORE__READ_RATE": "2000000"}
    process = alone.start("scan", str(folder), "--adopt", "--mode", "copy", **slow)
    blobs = store_of(alone) / "blobs" / "sha256"
    until(lambda: blobs.is_dir() and list(blobs.iterdir()))
    process.kill()
    process.communicate(timeout=60)
    assert scan(alone, str(folder), "--adopt", "--mode", "copy")["adopted"] > 0
    models = scan(alone, str(folder))["models"]
    assert [one["status"] for one in models] == ["installed"] * 6
    assert alone.json("verify").code == 0 and state(folder) == before
    statuses = {job["status"] for job in alone.json("jobs").document["jobs"]}
    assert statuses == {"failed", "completed"}


def test_no_copy_is_made_where_the_disk_is_promised(alone: Inside, tmp_path: Path) -> None:
    place = tmp_path / "models" / "big.gguf"
    place.parent.mkdir()
    place.write_bytes(BIG)
    settle(place.parent)
    full = {"TUI_HUB_STORE__RESERVE": str(10**15)}
    refused = scan(alone, str(place), "--adopt", "--mode", "copy", code=3, **full)
    (one,) = refused["models"]
    assert (one["status"], refused["adopted"]) == ("left", 0)
    assert "a copy needs" in one["reason"]
    assert scan(alone, str(place), "--adopt", **full)["adopted"] == 1, "what is not copied fits"


@pytest.mark.parametrize(("mode", "way"), [(0o777, "copy"), (0o1777, "reference")])
def test_nothing_is_left_where_others_could_put_another_file_in_its_place(
    alone: Inside, tmp_path: Path, mode: int, way: str
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "model.gguf").write_bytes(gguf_file(b"x" * 2_000_000))
    os.utime(folder / "model.gguf", (1e9, 1e9))
    folder.chmod(mode)
    (model,) = alone.json("scan", str(folder), "--adopt").document["models"]
    assert model["ways"] in ({way: 1}, {"reflink": 1})


def test_a_scan_is_tried_again_where_it_was_meant(
    alone: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in (("here", b"a"), ("elsewhere", b"b")):
        (tmp_path / name / "models").mkdir(parents=True)
        (tmp_path / name / "models" / f"{name}.gguf").write_bytes(gguf_file(content * 1000))
    monkeypatch.chdir(tmp_path / "here")
    job = alone.json("scan", "models").document["job"]
    monkeypatch.chdir(tmp_path / "elsewhere")
    (again,) = alone.json("jobs", "--retry", job).document["jobs"]
    assert again["payload"]["places"] == [str(tmp_path / "here" / "models")]


def test_a_dry_run_changes_nothing(alone: Inside, cache: Path) -> None:
    found = scan(alone, "--adopt", "--dry-run")
    assert (found["found"], found["adopted"]) == (1, 0)
    assert not store_of(alone).exists()


def test_people_read_where_each_lies(alone: Inside, tmp_path: Path) -> None:
    """Two places of one model are two rows that say which is which, on a narrow terminal too."""
    places = [tmp_path / name / "a folder with a long name" / "big.gguf" for name in ("a", "b")]
    for place in places:
        place.parent.mkdir(parents=True)
        place.write_bytes(BIG)
    lines = alone("scan", *map(str, places), COLUMNS="60").out.splitlines()
    assert [line.strip() for line in lines if line.startswith(" ")] == list(map(str, places))


def test_people_read_what_is_left_where_it_lies(alone: Inside, tmp_path: Path) -> None:
    place = tmp_path / "models" / "big.gguf"
    place.parent.mkdir()
    place.write_bytes(BIG)
    settle(place.parent)
    said = alone("scan", str(place), "--adopt", "--mode", "reference")
    assert said.code == 0
    assert "local:big" in said.out and "1 by reference" in said.out
    assert "stay where they lie" in said.err
    assert "1 adopted" in said.out
    told = alone("scan", str(place), "--adopt", "--mode", "hardlink")
    assert "read-only" in told.err
