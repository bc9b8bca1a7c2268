"""Models in Ollama's daemon and in servers of the user's, by the command line."""

from __future__ import annotations

import http.client
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Inside
from ollama_server import OllamaServer

from tui_hub.demo import DemoHub

SCRIPT = Path(__file__).parents[1] / "server_script.py"


@pytest.fixture
def ollama() -> Iterator[OllamaServer]:
    server = OllamaServer()
    server.hold("llama3.1:8b")
    server.hold("qwen3:4b", 2_000_000)
    server.memory["qwen3:4b"] = {"name": "qwen3:4b", "size": 2_000_000, "size_vram": 1_000_000}
    yield server
    server.close()


@pytest.fixture
def program(hub: DemoHub, ollama: OllamaServer, tmp_path: Path) -> Inside:
    environment = {"HF_ENDPOINT": hub.endpoint, "OLLAMA_HOST": ollama.url}
    return Inside(tmp_path / "home", {**environment, "TUI_HUB_RUNTIME__USE": "auto"})


def test_a_model_of_the_daemon_becomes_active(program: Inside, ollama: OllamaServer) -> None:
    done = program.json("activate", "ollama:llama3.1:8b").document
    assert (done["status"], done["runtime"], done["path"]) == ("active", "ollama", None)
    (slot,) = program.json("active").document["slots"]
    assert (slot["url"], slot["path"], slot["memory"]["used_after"]) == (
        ollama.url,
        None,
        5_000_000,
    )
    environment = program.json("env", "llm").document["environment"]
    assert environment["TUI_HUB_URL"] == ollama.url
    refused = program.json("active", "llm", "--path")
    assert (refused.code, refused.error) == (5, "refused")
    shown = program("active")
    assert shown.code == 0 and ollama.url in shown.out
    assert program("deactivate", "llm").code == 0 and "llama3.1:8b" not in ollama.memory


def test_gpus_lists_what_ollama_holds_and_releases_it_on_request(
    program: Inside, ollama: OllamaServer
) -> None:
    assert program("activate", "ollama:llama3.1:8b").code == 0
    listed = program.json("gpus").document["ollama"]
    assert listed["address"] == ollama.url
    assert {one["name"]: one["slot"] for one in listed["models"]} == {
        "qwen3:4b": None,
        "llama3.1:8b": "llm",
    }
    assert "qwen3:4b" in program("gpus").out
    released = program.json("gpus", "--release", "ollama").document
    assert released["released"] == ["qwen3:4b"]
    assert set(ollama.memory) == {"llama3.1:8b"}, "what stands in a slot stays"
    assert program.json("gpus", "--release", "ollama:nothing").code == 4
    assert program("gpus", "--release", "nvidia").code == 2
    one = program("gpus", "--release", "ollama:llama3.1:8b")
    assert (one.code, ollama.memory) == (0, {})
    (slot,) = program.json("active").document["slots"]
    assert slot["status"] == "error"


def test_an_address_that_is_none_hides_no_gpu(program: Inside) -> None:
    wrong = Inside(program.home, {**program.environment, "OLLAMA_HOST": "http://me:word@box"})
    ran = wrong.json("gpus")
    assert ran.code == 0 and ran.document["host"]["memory"]
    assert "OLLAMA_HOST cannot be used" in ran.document["ollama"]["error"]
    assert "OLLAMA_HOST cannot be used" in wrong("gpus").out
    assert wrong("gpus", "--release", "ollama").code == 2


def test_without_a_daemon_that_is_said(program: Inside, ollama: OllamaServer) -> None:
    ollama.daemon = None
    ollama.close()
    assert program.json("gpus").document["ollama"] is None
    ran = program.json("gpus", "--release", "ollama")
    assert (ran.code, ran.error) == (6, "unreachable")
    ran = program.json("activate", "ollama:llama3.1:8b", "--runtime", "ollama")
    assert (ran.code, ran.error) == (6, "unreachable")
    ran = program.json("activate", "ollama:llama3.1:8b")
    assert (ran.code, ran.error) == (4, "not_found")


def test_a_server_of_the_settings_is_started_and_ended(program: Inside) -> None:
    words = [sys.executable, str(SCRIPT), "{port}", "--model", "{name}"]
    program.home.mkdir()
    (program.home / "config.toml").write_text(f"[runtime.commands.tiny]\ncommand = {words!r}\n")
    assert program("download", "acme/tiny-llm").code == 0
    ran = program("activate", "acme/tiny-llm", "--runtime", "tiny")
    assert ran.code == 0 and "in memory on cpu" in ran.out and "at http://127.0.0.1:" in ran.out
    (slot,) = program.json("active").document["slots"]
    assert (slot["runtime"], slot["command"], slot["status"]) == ("command", "tiny", "active")
    with urllib.request.urlopen(f"{slot['url']}/health", timeout=60) as answer:
        assert answer.read() == b"tiny-llm"
    assert program("config").code == 0
    told = program("config", "get", "runtime.commands")
    assert told.code == 4
    assert program("run", "llm", "--", "printenv", "TUI_HUB_URL").out.strip() == slot["url"]
    with pytest.raises(http.client.HTTPException):
        urllib.request.urlopen(f"{slot['url']}/die", timeout=60)
    told = program("env", "llm")
    while "llm: " not in told.err:
        told = program("env", "llm")
    assert "export TUI_HUB_URL" not in told.out and "tui-hub reload llm" in told.err
    assert program("deactivate", "llm").code == 0
    shutil.rmtree(program.home / "logs")
    wrong = program.json("activate", "acme/tiny-llm", "--runtime", "other")
    assert (wrong.code, wrong.error) == (5, "refused")
