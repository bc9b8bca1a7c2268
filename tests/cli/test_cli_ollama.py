"""Models of Ollama's by the command line: from a name to a folder that a loader opens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Inside
from ollama_server import OllamaServer, Said, digest_of

from tui_hub.demo.formats.gguf import decoder_gguf
from tui_hub.demo.formats.tensors import Decoder

_CONTENT = decoder_gguf(
    Decoder(vocabulary=64, hidden=64, intermediate=128, layers=2, heads=4, kv_heads=2, context=512),
    "Q8_0",
    "tiny",
    [f"<{number}>" for number in range(64)],
)
WEIGHTS = _CONTENT.read(0, _CONTENT.size)
CONFIG = {
    "model_format": "gguf",
    "model_family": "llama",
    "model_type": "8.0B",
    "file_type": "Q8_0",
}
TEMPLATE = b"{{ .System }} {{ .Prompt }}"


@pytest.fixture
def ollama() -> Iterator[OllamaServer]:
    server = OllamaServer()
    layers = {"model": WEIGHTS, "template": TEMPLATE, "license": b"Do as you please."}
    server.add("library/tiny:latest", layers, CONFIG)
    server.add("library/tiny:8b", layers | {"params": b"{}"}, CONFIG)
    yield server
    server.close()


@pytest.fixture
def program(ollama: OllamaServer, tmp_path: Path) -> Inside:
    environment = {
        "TUI_HUB_OLLAMA__REGISTRY": ollama.url,
        "TUI_HUB_OLLAMA__LIBRARY": ollama.url,
        "OLLAMA_HOST": f"127.0.0.1:{ollama.port}",
        "HF_ENDPOINT": "http://127.0.0.1:1",
    }
    return Inside(tmp_path / "home", environment)


def test_a_model_is_added_shown_and_weighed_before_any_byte(
    program: Inside, ollama: OllamaServer
) -> None:
    added = program.json("add", "ollama:library/tiny:latest")
    assert (added.code, added.document["id"]) == (0, "ollama:tiny")
    assert (added.document["type"], added.document["params"]) == ("llm", 8_000_000_000)
    shown = program.json("show", "ollama:tiny").document
    assert [file["path"] for file in shown["files"]] == [
        "license.txt",
        "manifest.json",
        "ollama.json",
        "template.txt",
        "tiny-latest-Q8_0.gguf",
    ]
    weights = shown["files"][-1]
    assert weights["sha256"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert (weights["size"], weights["kind"]) == (len(WEIGHTS), "weights")
    assert [variant["name"] for variant in shown["variants"]] == ["Q8_0"]
    checked = program.json("check", "ollama:tiny").document
    basis = {need["part"]: need["basis"] for need in checked["need"]}
    assert basis["weights"] == "header", "read over the network, by ranges"
    asked = [one for one in ollama.asked if f"{weights['sha256']}/data" in one.target]
    assert asked and all("range" in one.headers for one in asked)


def test_a_download_is_verified_shared_and_opened(program: Inside, ollama: OllamaServer) -> None:
    plan = program.json("download", "ollama:tiny", "--dry-run").document["plan"]
    assert plan["fits"] and plan["bytes_to_transfer"] > len(WEIGHTS)
    first = program.json("download", "ollama:tiny")
    assert (first.code, first.document["status"]) == (0, "completed")
    assert {file["verified"] for file in first.document["files"]} == {"sha256"}
    folder = Path(first.document["path"])
    assert (folder / "tiny-latest-Q8_0.gguf").read_bytes() == WEIGHTS
    assert (folder / "template.txt").read_bytes() == TEMPLATE
    ollama.asked.clear()
    second = program.json("download", "ollama:tiny:8b").document
    assert second["status"] == "completed"
    own = {"params.json", "manifest.json"}
    assert {file["path"] for file in second["files"] if not file["deduplicated"]} == own
    activated = program.json("activate", "ollama:tiny").document
    assert (activated["status"], activated["runtime"]) == ("active", "link")


def test_a_tag_that_moved_is_taken_anew(program: Inside, ollama: OllamaServer) -> None:
    before = program.json("download", "ollama:tiny").document["revision"]
    after = ollama.add("library/tiny:latest", {"model": WEIGHTS + b"more"}, CONFIG)
    refused = program.json("download", "ollama:tiny", "--revision", "0" * 64)
    assert (refused.code, refused.error) == (5, "refused")
    part = program.json("download", "ollama:tiny", "license.txt").document
    assert part["revision"] == before, "parts are added to what is here"
    moved = program.json("download", "ollama:tiny").document
    assert (moved["status"], moved["revision"]) == ("completed", after)
    assert len(moved["files"]) == 3


def test_a_named_tag_comes_back_once_its_registry_has_another(
    program: Inside, ollama: OllamaServer
) -> None:
    before = program.json("download", "ollama:tiny").document["revision"]
    assert program.json("versions", "ollama:tiny", "--name", "good").code == 0
    ollama.add("library/tiny:latest", {"model": WEIGHTS + b"more"}, CONFIG)
    assert program.json("download", "ollama:tiny").document["status"] == "completed"
    del ollama.blobs[digest_of(WEIGHTS)]
    back = program.json("download", "ollama:tiny@good").document
    assert (back["status"], back["revision"]) == ("completed", before)
    assert back["bytes_transferred"] == 0
    assert (Path(back["path"]) / "tiny-latest-Q8_0.gguf").read_bytes() == WEIGHTS


def models_of_a_daemon(store: Path) -> dict[str, list[bytes]]:
    """What a daemon with `OLLAMA_MODELS=<store>/ollama` would list: the layers of each name."""
    root = store / "ollama"
    found = {}
    for place in root.glob("manifests/*/*/*/*"):
        manifest = json.loads(place.read_bytes())
        found["/".join(place.parts[-4:])] = [
            (root / "blobs" / layer["digest"].replace(":", "-")).read_bytes()
            for layer in (*manifest["layers"], manifest["config"])
        ]
    return found


def test_a_daemon_finds_what_is_here_and_no_more(program: Inside, ollama: OllamaServer) -> None:
    store = program.home / "store"
    assert program.json("download", "ollama:tiny", "--include", "*.txt").code == 0
    assert models_of_a_daemon(store) == {}, "without its weights it would not run"
    assert program.json("download", "ollama:tiny").code == 0
    assert program.json("download", "ollama:tiny:8b").code == 0
    found = models_of_a_daemon(store)
    assert set(found) == {
        "registry.ollama.ai/library/tiny/latest",
        "registry.ollama.ai/library/tiny/8b",
    }
    assert all(WEIGHTS in layers for layers in found.values())
    place = store / "ollama" / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "latest"
    assert place.read_bytes() == ollama.manifests["library/tiny:latest"], "byte by byte"
    assert program.json("delete", "ollama:tiny", "--yes").code == 0
    assert set(models_of_a_daemon(store)) == {"registry.ollama.ai/library/tiny/8b"}
    ollama.add("library/tiny:8b", {"model": WEIGHTS + b"more"}, CONFIG)
    assert program.json("download", "ollama:tiny:8b").code == 0
    ((layers),) = models_of_a_daemon(store).values()
    assert layers[0] == WEIGHTS + b"more"
    assert program.json("delete", "ollama:tiny:8b", "--yes").code == 0
    assert models_of_a_daemon(store) == {}
    assert list((store / "ollama" / "blobs").iterdir()) == []


def test_verify_shows_daemons_again_what_is_here(program: Inside, ollama: OllamaServer) -> None:
    assert program.json("download", "ollama:tiny").code == 0
    shown = models_of_a_daemon(program.home / "store")
    assert program.json("verify").document["mended"] == []
    for path in (program.home / "store" / "ollama").rglob("*"):
        if not path.is_dir():
            path.unlink()  # by a daemon that prunes, or that was told to remove it
    assert models_of_a_daemon(program.home / "store") == {}
    (mended,) = program.json("verify").document["mended"]
    assert mended["model"] == "ollama:tiny"
    assert models_of_a_daemon(program.home / "store") == shown


def test_a_manifest_that_moved_meanwhile_is_not_taken(
    program: Inside, ollama: OllamaServer
) -> None:
    assert program.json("add", "ollama:tiny").code == 0
    listed = ollama.manifests["library/tiny:latest"]
    other = Said(listed.replace(b'"schemaVersion": 2', b'"schemaVersion": 3'))
    ollama.faults["/v2/library/tiny/manifests/latest"] = [Said(listed), *[other] * 20]
    ran = program.json("download", "ollama:tiny")
    assert (ran.code, ran.error) == (3, "corrupt"), ran.out
    assert models_of_a_daemon(program.home / "store") == {}
    ollama.faults.clear()
    assert program.json("download", "ollama:tiny").document["status"] == "completed"
    assert len(models_of_a_daemon(program.home / "store")) == 1


def test_bytes_that_are_not_what_the_manifest_says_are_not_kept(
    program: Inside, ollama: OllamaServer
) -> None:
    digest = f"sha256:{hashlib.sha256(WEIGHTS).hexdigest()}"
    ollama.blobs[digest] = bytes(len(WEIGHTS))
    ran = program.json("download", "ollama:tiny", "--include", "*.gguf")
    assert ran.code == 1
    assert ran.error == "corrupt"
    assert not list((program.home / "store" / "blobs" / "sha256").glob("*" + digest[7:]))


def test_a_sync_brings_the_library_and_the_daemon(program: Inside, ollama: OllamaServer) -> None:
    ollama.library = b'<a href="/library/tiny">tiny</a><a href="/library/gone">gone</a>'
    ollama.daemon = [
        {"name": "tiny:latest", "size": 5, "digest": "f" * 64, "details": {"family": "llama"}},
        {"name": "mine:latest", "size": 7, "capabilities": ["completion", "tools"]},
    ]
    first = program.json("sync", "ollama")
    assert (first.code, first.document["status"]) == (0, "completed")
    feeds = {feed["feed"]: feed for feed in first.document["feeds"]}
    assert (feeds["ollama:local"]["created"], feeds["ollama:library"]["skipped"]) == (2, 1)
    found = program.json("search", "tiny").document["models"]
    assert [model["id"] for model in found] == ["ollama:tiny"]
    assert found[0]["size"] > len(WEIGHTS), "the registry's word goes before the daemon's"
    assert found[0]["status"] == "not_installed"
    again = program.json("sync", "ollama").document["feeds"]
    assert [(feed["updated"], feed["created"]) for feed in again] == [(0, 0), (0, 0)]
    held = program.json("search", "daemon").document["models"]
    assert "ollama:mine" in [model["id"] for model in held]
    shown = program("show", "ollama:mine")
    assert shown.code == 0
    assert "only the daemon of Ollama has ollama:mine" in shown.out + shown.err
    assert [line.split(maxsplit=2)[-1] for line in shown.out.splitlines() if "can do" in line] == [
        "tools"
    ]
    refused = program.json("download", "ollama:mine")
    assert (refused.code, refused.error) == (5, "refused")


def test_a_model_that_is_gone_from_its_registry_is_marked(
    program: Inside, ollama: OllamaServer
) -> None:
    ollama.library = b'<a href="/library/tiny">x</a><a href="/library/other">y</a>'
    ollama.add("library/other:latest", {"model": b"other"}, CONFIG)
    ollama.add("jo/own:v1", {"model": b"own"}, CONFIG)
    ollama.daemon = [{"name": "mine:latest", "size": 7}]
    assert program.json("add", "ollama:jo/own:v1").code == 0
    assert program.json("sync", "ollama").code == 0
    ollama.library = b'<a href="/library/tiny">x</a>'
    del ollama.manifests["library/other:latest"]
    ran = program.json("sync", "ollama", "--full")
    assert ran.code == 0
    assert [feed["removed"] for feed in ran.document["feeds"]] == [0, 1]
    found = program.json("search", "").document["models"]
    there = {model["id"] for model in found if not model["removed"]}
    assert there == {"ollama:tiny", "ollama:jo/own:v1", "ollama:mine"}
    nowhere = {"TUI_HUB_OLLAMA__REGISTRY": f"{ollama.url}/x", "TUI_HUB_OLLAMA__LIBRARY": ""}
    assert program.json("sync", "ollama:library", "--full", **nowhere).error == "unreachable"
    assert program.json("search", "tiny").document["models"][0]["removed"] is False


def test_where_there_is_no_ollama_its_feeds_are_skipped(program: Inside) -> None:
    nowhere = "http://127.0.0.1:1"
    names = ("OLLAMA_HOST", "TUI_HUB_OLLAMA__REGISTRY", "TUI_HUB_OLLAMA__LIBRARY")
    ran = program.json("sync", "ollama", "curated", **dict.fromkeys(names, nowhere))
    assert (ran.code, ran.document["status"]) == (0, "completed")
    states = {feed["feed"]: feed["status"] for feed in ran.document["feeds"]}
    assert (states["ollama:local"], states["ollama:library"]) == ("skipped", "skipped")


def test_names_that_cannot_be_had(program: Inside, ollama: OllamaServer) -> None:
    assert program.json("add", "ollama:nowhere").error == "not_found"
    assert program.json("show", "ollama:a:b:c").error == "usage"
    assert program.json("add", "ollama:registry.example.com/a/b").error == "refused"
    ollama.faults["/v2/library/page/manifests/latest"] = Said(b"<html>log in</html>")
    ran = program.json("add", "ollama:page")
    assert (ran.code, ran.error) == (6, "unreachable")
    ran = program.json("add", "ollama:tiny", TUI_HUB_OLLAMA__REGISTRY="http://127.0.0.1:1")
    assert (ran.code, ran.error) == (6, "unreachable")


def test_the_installed_program_does_the_same(program: Inside) -> None:
    ran = program.apart("download", "ollama:tiny", "--json")
    assert (ran.code, ran.document["status"]) == (0, "completed")


def test_a_model_that_a_daemon_made_of_ours_outlives_it(
    program: Inside, ollama: OllamaServer
) -> None:
    """As `ollama create` does it: a manifest of its own, with the weights that it was shown."""
    assert program("download", "ollama:tiny").code == 0
    shown = program.home / "store" / "ollama"
    tags = shown / "manifests" / "registry.ollama.ai" / "library"
    made = json.loads((tags / "tiny" / "latest").read_bytes())
    prompt = b"You are a pirate."
    digest = digest_of(prompt)
    (shown / "blobs" / digest.replace(":", "-")).write_bytes(prompt)
    made["layers"].append({"digest": digest, "size": len(prompt)})
    (tags / "mine").mkdir()
    (tags / "mine" / "latest").write_text(json.dumps(made))

    preview = program.json("delete", "ollama:tiny", "--dry-run").document["bytes_freed"]
    told = program.json("storage").document["models"][0]["bytes_freed"]
    freed = program.json("delete", "ollama:tiny", "--yes").document["bytes_freed"]
    swept = program.json("gc").document

    assert preview == told == freed < len(WEIGHTS)
    assert swept["pieces"] == []
    assert (tags / "mine" / "latest").is_file() and not (tags / "tiny").exists()
    for layer in made["layers"]:
        assert (shown / "blobs" / layer["digest"].replace(":", "-")).read_bytes()
    (tags / "mine" / "latest").unlink()
    assert program.json("gc").document["bytes"] >= len(WEIGHTS)
