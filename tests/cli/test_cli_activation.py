"""Loading models from the command line: what bad input gets, as a document and as an exit code."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch
from activation_homes import torch_repositories
from command_line import Inside, Program, until
from safetensors.torch import save_file
from small_models import tensors_file

import tui_hub
from tui_hub.demo import DemoHub, Repository, RepositoryFile

GROUPS = Path("/sys/fs/cgroup/memory")
LARGE = 150_000_000


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    """A hub with models that torch can load, and some that it must refuse."""
    models = torch_repositories(tmp_path_factory.mktemp("hub"))
    with DemoHub(repositories=models, per_connection=0, total=0) as running:
        yield running


@pytest.fixture(scope="module")
def program(hub: DemoHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """A home whose models are loaded into memory, with one in its slot."""
    environment = {"HF_ENDPOINT": hub.endpoint, "TUI_HUB_RUNTIME__USE": "auto"}
    program = Inside(tmp_path_factory.mktemp("loading") / "home", environment)
    for model in ("first", "cut", "nan", "pickle"):
        assert program("download", f"acme/{model}").code == 0
    assert program("activate", "acme/first").code == 0
    yield program
    program("deactivate", "llm")


def slot(program: Inside) -> dict[str, object]:
    (only,) = program.json("active").document["slots"]
    found: dict[str, object] = only
    return found


@pytest.mark.parametrize(
    ("model", "code", "error", "words"),
    [
        ("acme/nan", 1, "failed", "blown.weight"),
        ("acme/cut", 1, "corrupt", "model.safetensors"),
        ("acme/pickle", 5, "unsafe", "pickle"),
        ("acme/nothing", 4, "not_found", "acme/nothing"),
    ],
)
def test_what_cannot_be_loaded_says_why_and_leaves_the_old_model(
    program: Inside, model: str, code: int, error: str, words: str
) -> None:
    before = slot(program)
    ran = program.json("switch", model)
    assert (ran.code, ran.error) == (code, error)
    assert words in ran.document["error"]["message"]
    assert ran.document["status"] == ("rolled_back" if code == 1 else "error")
    assert slot(program) == before


def test_who_has_the_weights_is_told(program: Inside) -> None:
    assert slot(program)["programs"] == []
    environment = {**os.environ, "TUI_HUB_HOME": str(program.home)}
    with tui_hub.attach("llm", environment=environment):
        (one,) = slot(program)["programs"]  # type: ignore[misc]
        assert (one["pid"], set(one)) == (os.getpid(), {"pid", "user", "program"})
        told = program("active").out
        name = Path(str(one["program"]).split()[0]).name
        assert f"llm is in use by pid {os.getpid()} of {one['user']}: {name}" in told
    # The other process may hear of the end of a connection a moment later.
    until(lambda: slot(program)["programs"] == [])


def test_a_model_of_more_files_than_may_be_open(tmp_path: Path) -> None:
    few, shards = 100, 300
    folder = tmp_path / "there" / "acme" / "many"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "tiny"}')
    for number in range(1, shards + 1):
        name = f"model-{number:05}-of-{shards:05}.safetensors"
        save_file({f"layer.{number}": torch.full((3,), float(number))}, folder / name)
    program = Program(tmp_path / "home", {"TUI_HUB_RUNTIME__USE": "auto"})
    model = "local:many"
    for words in (
        ("scan", str(folder), "--adopt", "--mode", "hardlink"),
        ("check", model),
        ("activate", model),
        ("verify", model),
        ("reload", model),
        ("deactivate", model),
    ):
        process = program.start(*words)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (few, few))
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, (words, out, err)
        assert words[0] not in ("activate", "reload") or "in memory on cpu" in out


def test_the_words_for_people_say_who_is_active_still(program: Inside) -> None:
    ran = program("switch", "acme/nan")
    assert ran.out.startswith("llm: hf:acme/first is active still; hf:acme/nan could not take its")
    assert "blown.weight" in ran.err


def test_a_taken_slot_names_switch(program: Inside) -> None:
    ran = program.json("activate", "acme/pickle", "--runtime", "link")
    assert (ran.code, ran.error) == (5, "refused")
    assert "tui-hub switch hf:acme/pickle" in ran.document["error"]["hint"]


def test_a_runtime_that_is_none_is_refused(program: Inside) -> None:
    ran = program.json("switch", "acme/first", "--runtime", "vllm")
    assert (ran.code, ran.error) == (5, "refused")


def test_a_folder_that_is_gone_is_handed_to_nobody(program: Inside) -> None:
    folder = Path(program("active", "llm", "--path").out.strip())
    folder.rename(folder.with_name("elsewhere"))
    for verb in (["active", "llm", "--path"], ["env", "llm"], ["run", "llm", "--", "true"]):
        ran = program(*verb)
        assert (ran.code, ran.out) == (5, "")
        assert "is not there any more" in ran.err and "`tui-hub download hf:acme/first`" in ran.err
    assert program("download", "acme/first", "-q").code == 0
    assert program("active", "llm", "--path").out == f"{folder}\n"
    assert slot(program)["error"] is None, "its weights were in memory all the time"


def test_a_dead_process_is_told_and_reloaded(program: Inside) -> None:
    pid = slot(program)["pid"]
    assert isinstance(pid, int)
    process = psutil.Process(pid)
    process.send_signal(signal.SIGKILL)
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    dead = slot(program)
    assert (dead["status"], dead["pid"]) == ("error", None) and str(pid) in str(dead["error"])
    told = program("active")
    assert "not loaded" in told.out and "tui-hub reload llm" in told.err
    assert program("active", "llm", "--path").code == 0
    again = program.json("reload", "llm")
    assert (again.code, again.document["status"]) == (0, "active")
    assert slot(program)["status"] == "active"


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group with little memory."""
    ours = GROUPS / f"tui-hub-test-{os.getpid()}"
    try:
        ours.mkdir()
        (ours / "memory.limit_in_bytes").write_text(str(500 * 2**20))
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error.strerror}")
    yield ours
    ours.rmdir()


@pytest.mark.root
def test_a_model_too_big_for_the_memory_there_is(tmp_path: Path, group: Path) -> None:
    files = [RepositoryFile("model.safetensors", tensors_file(1))]
    large = [RepositoryFile("model.safetensors", tensors_file(2, LARGE))]
    models = [
        Repository(id="acme/small", files=tuple(files), task="text-generation"),
        Repository(id="acme/large", files=tuple(large), task="text-generation"),
    ]
    with DemoHub(repositories=models, per_connection=0, total=0) as hub:
        environment = {"HF_ENDPOINT": hub.endpoint, "TUI_HUB_RUNTIME__USE": "auto"}
        program = Inside(tmp_path / "home", environment)
        for model in ("acme/small", "acme/large"):
            assert program("download", model).code == 0
        small = program.json("activate", "acme/small").document
        ran = subprocess.run(
            ["sh", "-c", 'echo $$ > "$0" && exec "$@"', group / "cgroup.procs",
             sys.executable, "-m", "tui_hub", "switch", "acme/large", "--json"],
            env=program.whole({}), capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert ran.returncode == 5, ran.stderr
        assert '"does_not_fit"' in ran.stdout and "too little" in ran.stdout
        assert slot(program)["pid"] == small["pid"]
        assert program("deactivate", "llm").code == 0
