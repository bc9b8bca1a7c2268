"""The main job on weights that are not ours: sync, find, download, verify, publish, load."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import until
from real_home import Home, Shelf, hub_of, need
from registry_models import (
    ALL,
    BASIC_PITCH,
    MINILM,
    MINILM_WEIGHTS,
    RAPIDOCR,
    RAPIDOCR_ONNXRUNTIME,
    SHARED_ONNX,
    SHARED_ONNX_SIZE,
    SILERO,
    Carried,
    sha256_of,
)

from tui_hub.demo import DemoHub

pytestmark = [pytest.mark.registry, pytest.mark.timeout(600)]

EACH = pytest.mark.parametrize("carried", ALL, ids=[carried.id for carried in ALL])
FOUND_BY = {
    MINILM.id: ("MiniLM", "--type", "embedding"),
    SILERO.id: ("silero", "--task", "voice-activity-detection"),
    BASIC_PITCH.id: ("pitch", "--library", "tflite"),
    RAPIDOCR.id: ("rapidocr", "--type", "vision"),
    RAPIDOCR_ONNXRUNTIME.id: ("rapidocr-onnxruntime", "--license", "apache-2.0"),
}
TYPES = {
    MINILM.id: "embedding",
    SILERO.id: "audio",
    BASIC_PITCH.id: "audio",
    RAPIDOCR.id: "vision",
    RAPIDOCR_ONNXRUNTIME.id: "vision",
}
WEIGHTS = (".safetensors", ".onnx", ".tflite")
SHARED_NAMES = {
    RAPIDOCR.id: "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
    RAPIDOCR_ONNXRUNTIME.id: "ch_ppocr_mobile_v2.0_cls_infer.onnx",
}
HELLO_WORLD = (-0.0345, 0.0310, 0.0067, 0.0261)
"""How the embedding of "hello world" begins."""
COUNT_TENSORS = """
import os, sys
from safetensors import safe_open
with safe_open(os.environ["TUI_HUB_MODEL_PATH"] + "/model.safetensors", "numpy") as weights:
    print(os.environ["TUI_HUB_MODEL"], len(weights.keys()))
sys.exit(7)
"""


@EACH
def test_a_sync_brings_it_and_a_search_finds_it(home: Home, shelf: Shelf, carried: Carried) -> None:
    real = shelf[carried]
    feed = home.feeds["hf:real"]
    assert (feed["status"], feed["fetched"], feed["skipped"]) == ("completed", len(shelf.models), 0)
    found = home.command("search", *FOUND_BY[carried.id])["models"]
    assert found[0]["id"] == f"hf:{carried.id}"
    assert found[0]["type"] == TYPES[carried.id]
    assert found[0]["license"] == carried.card.license
    listed = home.command("files", carried.id)["files"]
    assert {file["path"]: file["size"] for file in listed} == dict(real.sizes)
    hashes = {file["path"]: file["sha256"] for file in listed if file["path"].endswith(WEIGHTS)}
    assert hashes.items() <= real.digests.items()
    assert hashes


@EACH
def test_every_byte_is_the_packages_own(home: Home, shelf: Shelf, carried: Carried) -> None:
    real = shelf[carried]
    done = home.download(carried)
    assert (done["status"], done["bytes_total"]) == ("completed", sum(real.sizes.values()))
    assert {file["path"]: file["blob"] for file in done["files"]} == dict(real.digests)
    for file in done["files"]:
        by = "sha256" if file["path"].endswith(WEIGHTS) else "git-sha1"
        assert (file["status"], file["verified"]) == ("completed", by), file["path"]
    folder = home.store / "models" / TYPES[carried.id] / carried.id.partition("/")[2]
    assert done["path"] == str(folder)
    for path, digest in real.digests.items():
        assert (folder / path).resolve() == home.blob(digest).resolve()
        assert sha256_of(folder / path) == digest
    installed = home.command("search", "--installed", "--limit", "1000")["models"]
    assert f"hf:{carried.id}" in {model["id"] for model in installed}


def test_minilm_is_the_one_that_the_world_knows(home: Home, shelf: Shelf) -> None:
    assert shelf[MINILM].digests["model.safetensors"] == MINILM_WEIGHTS
    home.download(MINILM)
    assert sha256_of(home.blob(MINILM_WEIGHTS)) == MINILM_WEIGHTS


def test_a_slot_leads_to_the_model(home: Home, shelf: Shelf) -> None:
    assert shelf[MINILM]
    need("safetensors")
    path = home.download(MINILM)["path"]
    active = home.command("activate", MINILM.id)
    assert (active["slot"], active["status"], active["path"]) == ("embedding", "active", path)
    assert home.program("active", "embedding", "--path").out == f"{path}\n"
    link = home.store / "active" / "embedding"
    assert sha256_of(link / "model.safetensors") == MINILM_WEIGHTS
    ran = home.program("run", "embedding", "--", sys.executable, "-c", COUNT_TENSORS)
    assert (ran.code, ran.out) == (7, f"hf:{MINILM.id} 104\n"), ran.err


def test_a_slot_changes_hands(home: Home, shelf: Shelf) -> None:
    assert shelf[SILERO]
    assert shelf[BASIC_PITCH]
    home.download(SILERO)
    path = Path(home.download(BASIC_PITCH)["path"])
    home.command("activate", SILERO.id)
    refused = home.program.json("activate", BASIC_PITCH.id)
    assert (refused.code, refused.error) == (5, "refused")
    switched = home.command("switch", BASIC_PITCH.id)
    assert (switched["previous"], switched["model"]) == (f"hf:{SILERO.id}", f"hf:{BASIC_PITCH.id}")
    assert home.program("active", "audio", "--path").out == f"{path}\n"
    assert os.path.realpath(home.store / "active" / "audio") == os.path.realpath(path)


def test_transformers_embeds_with_minilm(home: Home, shelf: Shelf) -> None:
    assert shelf[MINILM]
    need("transformers")
    folder = home.download(MINILM)["path"]
    by_name, by_folder = home.load("embed", "hello world", MINILM.id, folder)
    assert len(by_name) == 384
    assert by_name[:4] == pytest.approx(HELLO_WORLD, abs=1e-3)
    assert by_folder == by_name


def test_minilm_is_weighed_before_it_is_here(
    real_hub: DemoHub, fresh_home: Callable[[DemoHub], Home], shelf: Shelf
) -> None:
    size = shelf[MINILM].sizes["model.safetensors"]
    need("safetensors")
    home = fresh_home(real_hub)
    real_hub.requests.clear()
    before = home.command("check", MINILM.id)
    assert sum(seen.sent for seen in real_hub.requests.select(origin="cdn")) < 200_000 < size
    (weights,) = (part for part in before["need"] if part["part"] == "weights")
    assert weights["basis"] == "header"
    home.download(MINILM)
    assert weights["bytes"] == home.load("tensors", MINILM.id, "model.safetensors")["bytes"]
    after = home.command("check", MINILM.id)
    assert after["need"] == before["need"]
    assert after["disk"]["bytes_to_transfer"] == 0


def test_safetensors_opens_silero(home: Home, shelf: Shelf) -> None:
    digest = shelf[SILERO].digests["silero_vad_16k.safetensors"]
    need("safetensors")
    home.download(SILERO)
    opened = home.load("tensors", SILERO.id, "silero_vad_16k.safetensors")
    assert Path(opened["path"]).is_relative_to(home.store / "hf")
    assert os.path.realpath(opened["path"]) == os.path.realpath(home.blob(digest))
    assert opened["shapes"]["lstm_cell.weight_ih"] == [512, 128]
    assert len(opened["shapes"]) == 15
    assert opened["finite"]


def test_onnxruntime_hears_no_voice_in_silence(home: Home, shelf: Shelf) -> None:
    assert shelf[SILERO]
    need("onnxruntime")
    home.download(SILERO)
    heard = home.load("voice", SILERO.id, "silero_vad.onnx")
    assert Path(heard["path"]).is_relative_to(home.store / "hf")
    assert 0 <= heard["probability"] < 0.05


def test_litert_hears_the_pitch_of_a_tone(home: Home, shelf: Shelf) -> None:
    assert shelf[BASIC_PITCH]
    need("ai_edge_litert")
    home.download(BASIC_PITCH)
    heard = home.load("pitch", BASIC_PITCH.id, "nmp.tflite", "440")
    assert Path(heard["path"]).is_relative_to(home.store / "hf")
    assert heard["shapes"] == [[1, 172, 88], [1, 172, 88], [1, 172, 264]]
    assert heard["note"] == 69, "440 Hz is the A above middle C, MIDI note 69"


def test_two_packages_share_one_blob(
    real_hub: DemoHub, fresh_home: Callable[[DemoHub], Home], shelf: Shelf
) -> None:
    for carried in (RAPIDOCR, RAPIDOCR_ONNXRUNTIME):
        assert shelf[carried].digests[SHARED_NAMES[carried.id]] == SHARED_ONNX
    home = fresh_home(real_hub)
    home.sync()
    first = home.download(RAPIDOCR)
    assert first["bytes_transferred"] == first["bytes_total"]
    shared = home.blob(SHARED_ONNX)
    inode = shared.stat().st_ino

    plan = home.command("download", RAPIDOCR_ONNXRUNTIME.id, "--dry-run")
    assert plan["plan"]["bytes_deduplicated"] == SHARED_ONNX_SIZE
    real_hub.requests.clear()
    second = home.download(RAPIDOCR_ONNXRUNTIME)
    name = SHARED_NAMES[RAPIDOCR_ONNXRUNTIME.id]
    (file,) = (file for file in second["files"] if file["path"] == name)
    assert (file["deduplicated"], file["bytes_transferred"]) == (True, 0)
    assert (file["verified"], file["size"]) == ("sha256", SHARED_ONNX_SIZE)
    assert real_hub.requests.select(f"*{name}") == []
    assert second["bytes_transferred"] == second["bytes_total"] - SHARED_ONNX_SIZE

    places = [
        Path(done["path"], SHARED_NAMES[carried.id])
        for carried, done in ((RAPIDOCR, first), (RAPIDOCR_ONNXRUNTIME, second))
    ]
    assert [place.stat().st_ino for place in places] == [inode, inode]
    usage = home.command("storage")
    assert usage["bytes_saved"] == SHARED_ONNX_SIZE
    assert usage["bytes"] == first["bytes_total"] + second["bytes_total"] - SHARED_ONNX_SIZE

    freed = home.command("delete", RAPIDOCR.id, "--yes")["bytes_freed"]
    assert freed == first["bytes_total"] - SHARED_ONNX_SIZE
    assert not places[0].exists()
    assert sha256_of(places[1]) == SHARED_ONNX


def test_onnxruntime_opens_the_shared_blob_from_both(home: Home, shelf: Shelf) -> None:
    odds = []
    for carried in (RAPIDOCR, RAPIDOCR_ONNXRUNTIME):
        assert shelf[carried]
        need("onnxruntime")
        home.download(carried)
        read = home.load("orientation", carried.id, SHARED_NAMES[carried.id])
        assert os.path.realpath(read["path"]) == os.path.realpath(home.blob(SHARED_ONNX))
        odds.append(read["odds"])
    assert odds[0] == odds[1]
    assert sum(odds[0]) == pytest.approx(1, abs=1e-5)


def test_a_killed_download_of_minilm_goes_on(
    fresh_home: Callable[[DemoHub], Home], shelf: Shelf
) -> None:
    real = shelf[MINILM]
    size = real.sizes["model.safetensors"]
    with hub_of([real]) as hub:
        home = fresh_home(hub)
        hub.throttle.connection = 4_000_000
        hub.throttle.total = 6_000_000  # what is durable is written down after five seconds
        process = home.program.start("download", MINILM.id, "--json")
        until(lambda: _durable(home) > size // 4, 60)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not home.blob(MINILM_WEIGHTS).exists()
        saved = _durable(home)
        assert size // 4 < saved < size

        hub.throttle.connection = hub.throttle.total = 0
        hub.requests.clear()
        done = home.download(MINILM)
        (file,) = (file for file in done["files"] if file["path"] == "model.safetensors")
        resumed = file["resumed_from"]
        assert saved <= resumed < size, "what was written since, and noted, counts too"
        assert file["bytes_transferred"] == size - resumed
        assert sum(seen.sent for seen in hub.requests.select(origin="cdn")) < size - resumed // 2
        assert (file["status"], file["verified"]) == ("completed", "sha256")
        for path, digest in real.digests.items():
            assert sha256_of(Path(done["path"], path)) == digest
        assert list((home.store / "temp").glob("*.part")) == []


def _durable(home: Home) -> int:
    """Bytes of MiniLM's weights that the record beside the partial says are on disk."""
    for record in (home.store / "temp").glob(f"{MINILM_WEIGHTS}.*.json"):
        ranges = json.loads(record.read_bytes())["ranges"]
        return sum(end - start for start, end in ranges)
    return 0
