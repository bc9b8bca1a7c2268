"""The child as a process: what it answers, whom it outlives, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import save_file
from starting import Start
from waiting import gone, stop
from weight_files import sparse_weights, write_header

from tui_hub import processes
from tui_hub.domain.errors import (
    CorruptError,
    DoesNotFitError,
    HubError,
    RefusedError,
    UnsafeError,
)
from tui_hub.domain.runtime import Loaded, LoadProgress, LoadRequest
from tui_hub.runtime.sockets import connect
from tui_hub.runtime.torch_children import TorchChild

MIB = 1024**2
Doomed = Callable[[int], None]


def ignore(_: LoadProgress) -> None:
    """Progress that nobody looks at."""


async def test_a_child_from_its_start_to_its_end(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"w": torch.ones(8 * MIB), "b": torch.zeros(3, dtype=torch.bfloat16)}, path)
    told: list[LoadProgress] = []

    child = await start()
    info = await child.ready()
    assert info.version == torch.__version__
    (processor, *_) = await child.devices()
    assert processor.device == "cpu"
    assert processor.memory == psutil.virtual_memory().total
    assert processes.known_alive(child.owner)
    assert (await child.status()).state == "ready"

    loaded = await child.load(LoadRequest(files=(str(path),), device="cpu"), told.append)
    assert loaded.bytes == 32 * MIB + 6
    assert (loaded.tensors, loaded.parameters) == (2, 8 * MIB + 3)
    assert loaded.dtypes == {"float32": 8 * MIB, "bfloat16": 3}
    assert loaded.memory_peak is not None
    assert 32 * MIB <= loaded.memory_peak < 64 * MIB
    assert loaded.speed > 0
    assert told[-1] == LoadProgress(phase="test", done=loaded.bytes, total=loaded.bytes)

    status = await child.status()
    assert (status.pid, status.state, status.kept) == (child.pid, "loaded", False)
    assert status.loaded == loaded
    with pytest.raises(RefusedError, match="holds a model already"):
        await child.load(LoadRequest(files=(str(path),)), ignore)

    assert psutil.Process(child.pid).memory_info().rss > 32 * MIB
    await child.end()
    assert not Path(f"/proc/{child.pid}").exists()
    assert processes.known_alive(child.owner) is False
    assert await child.died() == "ended with exit status 0"
    assert not list((tmp_path / "state").iterdir())
    await child.end()


async def test_errors_keep_their_kind(child: TorchChild, tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    pickled = tmp_path / "pickled.pt"
    torch.save({}, pickled)
    nan = tmp_path / "nan.safetensors"
    save_file({"\x1b[2Jevil": torch.tensor([float("nan")])}, nan)
    cases: list[tuple[str, type[HubError], str]] = [
        (write_header(bad, b"{"), CorruptError, "not JSON"),
        (str(pickled), UnsafeError, "is a pickle"),
        (sparse_weights(tmp_path / "huge.safetensors", 1 << 40), DoesNotFitError, "1.0 TiB needed"),
        (str(tmp_path / "none.safetensors"), HubError, "No such file"),
        (str(tmp_path), RefusedError, "no regular file"),
        (str(nan), HubError, "�\\[2Jevil holds NaN"),
    ]
    for path, error, message in cases:
        with pytest.raises(error, match=message) as raised:
            await child.load(LoadRequest(files=(path,), device="cpu"), ignore)
        assert type(raised.value) is error
    with pytest.raises(RefusedError, match="no device cuda:99"):
        await child.load(LoadRequest(files=(str(nan),), device="cuda:99"), ignore)
    assert (await child.status()).state == "ready"


@pytest.mark.parametrize(
    ("room", "needed"), [(400 * MIB, "512.0 MiB"), (100 * MIB, "256.0 MiB")], ids=["copy", "map"]
)
async def test_memory_that_runs_out_in_the_middle_is_told(
    start: Start, tmp_path: Path, room: int, needed: str
) -> None:
    path = sparse_weights(tmp_path / "model.safetensors", 256 * MIB)
    child = await start(environment={**os.environ, "OMP_NUM_THREADS": "1"})
    await child.ready()
    limit = psutil.Process(child.pid).memory_info().vms + room
    resource.prlimit(child.pid, resource.RLIMIT_AS, (limit, limit))
    with pytest.raises(DoesNotFitError, match=f"memory ran out on cpu: {needed} needed"):
        await child.load(LoadRequest(files=(path,), device="cpu", dtype="float32"), ignore)
    assert (await child.status()).state == "ready"


async def test_others_see_how_far_a_load_is(start: Start, tmp_path: Path) -> None:
    path = sparse_weights(tmp_path / "model.safetensors", 256 * MIB)
    child = await start()
    begun = asyncio.Event()
    request = LoadRequest(files=(path,), device="cpu", dtype="float32")
    loading = asyncio.create_task(child.load(request, lambda _: begun.set()))
    async with asyncio.timeout(60):
        await begun.wait()
    other = await TorchChild.attach(tmp_path / "state", "llm")
    assert other is not None
    assert other.owner == child.owner
    status = await other.status()
    assert status.state == "loading"
    assert status.progress is not None
    assert 0 < status.progress.done <= status.progress.total
    with pytest.raises(RefusedError, match="a load is under way"):
        await other.load(request, ignore)
    loaded: Loaded = await loading
    assert (await other.status()).loaded == loaded
    await child.end()
    assert await other.died() == "has ended"
    with pytest.raises(HubError, match="has ended"):
        await other.status()
    await other.close()


async def test_a_child_killed_while_it_loads_is_told(start: Start, tmp_path: Path) -> None:
    path = sparse_weights(tmp_path / "model.safetensors", 1024 * MIB)
    child = await start()
    request = LoadRequest(files=(path,), device="cpu", dtype="float32")
    with pytest.raises(HubError, match="was killed; the kernel does that when memory runs out"):
        await child.load(request, lambda _: os.kill(child.pid, signal.SIGKILL))
    assert gone(child.pid)
    assert await TorchChild.attach(tmp_path / "state", "llm") is None
    assert not list((tmp_path / "state").iterdir()), "the dead child's socket is still there"


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGKILL, "was killed; the kernel does that when memory runs out"),
        (signal.SIGSEGV, "was ended by SIGSEGV"),
        (signal.SIGTERM, "ended with exit status 0"),
    ],
)
async def test_an_idle_child_that_dies_is_noticed(
    start: Start, tmp_path: Path, number: signal.Signals, reason: str
) -> None:
    child = await start()
    dying = asyncio.create_task(child.died())
    os.kill(child.pid, number)
    async with asyncio.timeout(60):
        assert await dying == reason
    assert gone(child.pid)
    with pytest.raises(HubError, match=reason):
        await child.status()
    assert await TorchChild.attach(tmp_path / "state", "llm") is None


async def test_a_child_that_does_not_listen_is_ended_all_the_same(start: Start) -> None:
    child = await start()
    stop(child.pid)
    await child.end(grace=0.2)
    assert gone(child.pid)
    assert "was killed" in await child.died()


async def test_a_stopped_child_does_not_hold_up_who_attaches(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_hub.runtime.children.ANSWER_SECONDS", 0.2)
    child = await start()
    stop(child.pid)
    with pytest.raises(HubError, match=f"the process {child.pid} .* does not answer"):
        await TorchChild.attach(tmp_path / "state", "llm")


async def test_nobody_else_can_reach_it_or_read_its_words(start: Start, tmp_path: Path) -> None:
    await start()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"state": 0o700, "llm": 0o600, "llm.log": 0o600}


async def test_no_secret_reaches_it(start: Start, tmp_path: Path) -> None:
    """The first module that its Python imports writes down what it was given."""
    (tmp_path / "site").mkdir()
    spy = f"import os\nopen({str(tmp_path / 'seen')!r}, 'w').write(repr(dict(os.environ)))\n"
    (tmp_path / "site" / "sitecustomize.py").write_text(spy)
    secrets = {
        "HF_TOKEN": "hf_CANARY",
        "REPLICATE_API_TOKEN": "CANARY",
        "AWS_ACCESS_KEY_ID": "CANARY",
        "AWS_PROFILE": "CANARY",
        "OPENAI_API_KEY": "CANARY",
        "my_secret": "CANARY",
        "DB_PASSWORD": "CANARY",
        "OPENAI_KEY": "CANARY",
        "LLM_KEY_2": "CANARY",
        "GITHUB_PAT": "CANARY",
        "MYSQL_PWD": "CANARY",
        "GOOGLE_APPLICATION_CREDENTIALS": "CANARY",
        "https_proxy": "http://me:CANARY@proxy:3128",
        "INDEX": "https://CANARY@index.example/simple",
        "all_proxy": "me:CANARY@proxy:3128",
        "HF_LOGIN": "hf_CANARYabcdefghijklmnop",
        "ALERT_WEBHOOK": "https://hooks.example/CANARY",
        "DOCKER_AUTH_CONFIG": "CANARY",
    }
    kept = {
        "NO_PROXY": "localhost",
        "HOME": "/home/me",
        "http_proxy": "http://proxy:3128",
        "OLDPWD": "/home",
        "KEYBOARD": "us",
        "MY_PATTERN": "*",
        "EMAIL": "me@example.org",
        "BASE": "hf_models",
    }
    environment = {"PYTHONPATH": str(tmp_path / "site"), **secrets, **kept}
    child = await start(environment=environment)
    seen = (tmp_path / "seen").read_text()
    assert "CANARY" not in seen
    assert all(f"{name!r}: {value!r}" in seen for name, value in kept.items())
    assert "'HF_HUB_OFFLINE': '1'" in seen
    if os.geteuid() == 0:
        assert b"CANARY" not in Path(f"/proc/{child.pid}/environ").read_bytes()
    limits = Path(f"/proc/{child.pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)


async def test_a_long_path_is_no_obstacle(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 120) / ("b" * 120)
    child = await start(folder=folder)
    other = await TorchChild.attach(folder, "llm")
    assert other is not None
    assert other.pid == child.pid
    await other.close()


async def test_a_name_is_taken_once(start: Start) -> None:
    child = await start()
    with pytest.raises(RefusedError, match=f"runs already, with the pid {child.pid}"):
        await start()
    assert (await child.status()).pid == child.pid
    await start(name="tts")


@pytest.mark.parametrize(
    "nonsense", [b"\n", b"[1]\n", b"\xff\n", b"[" * 100_000 + b"\n", b"x" * 2**21]
)
async def test_nonsense_costs_only_who_says_it(
    child: TorchChild, shared_folder: Path, nonsense: bytes
) -> None:
    connection = connect(shared_folder, "shared")
    assert connection is not None
    with connection, connection.makefile("rb") as answers:
        with contextlib.suppress(OSError):
            connection.sendall(nonsense)
        assert b"hello" in answers.readline()
        with contextlib.suppress(OSError):
            assert answers.readline() == b""
    assert (await child.status()).state == "ready"


async def test_where_nobody_lives_nobody_is_found(tmp_path: Path) -> None:
    assert await TorchChild.attach(tmp_path / "missing", "llm") is None
    assert await TorchChild.attach(tmp_path, "llm") is None


async def test_a_stranger_behind_the_socket_is_no_child(tmp_path: Path) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await writer.drain()

    async with await asyncio.start_unix_server(talk, tmp_path / "llm"):
        assert await TorchChild.attach(tmp_path, "llm") is None


STRANGER = """
import os, socket
os.setuid(65534)
listening = socket.socket(fileno=0)
listening.listen()
print("listening", flush=True)
client = listening.accept()[0]
client.send(b'{"hello": {"protocol": 1, "pid": 1}}\\n')
client.recv(1)
"""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: being somebody else needs root")
async def test_another_user_s_process_is_not_believed(tmp_path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "llm"))
    with (
        listening,
        subprocess.Popen(
            [sys.executable, "-c", STRANGER], stdin=listening, stdout=subprocess.PIPE
        ) as other,
    ):
        assert other.stdout is not None
        assert other.stdout.readline()
        with pytest.raises(UnsafeError, match="another user's"):
            await TorchChild.attach(tmp_path, "llm")


PARENT = """
import asyncio, os, sys
from pathlib import Path
from tui_hub.domain.runtime import LoadRequest
from tui_hub.runtime.torch_children import TorchChild

folder, stage, weights = Path(sys.argv[1]), sys.argv[2], sys.argv[3]

async def main():
    child = await TorchChild.start(
        python=None, folder=folder, name="llm", log=folder / "log", environment=dict(os.environ)
    )
    if stage == "importing":
        print(child.pid, flush=True)
        await asyncio.sleep(60)
    await child.ready()
    request = LoadRequest(files=(weights,), device="cpu", dtype="float32")
    if stage == "loading":
        await child.load(request, lambda _: print(child.pid, flush=True))
    await child.load(request, lambda _: None)
    await child.keep()
    print(child.pid, flush=True)
    if stage == "kept":
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("stage", ["importing", "loading"])
async def test_an_orphan_that_was_not_kept_ends(tmp_path: Path, stage: str, doomed: Doomed) -> None:
    weights = sparse_weights(tmp_path / "model.safetensors", 1024 * MIB)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path / "state", stage, weights], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        doomed(pid)
        parent.kill()
    assert gone(pid)
    assert not (tmp_path / "state" / "llm").exists()


@pytest.mark.parametrize("stage", ["kept", "kept and left"])
async def test_a_kept_child_outlives_its_parent(tmp_path: Path, stage: str, doomed: Doomed) -> None:
    weights = sparse_weights(tmp_path / "model.safetensors", MIB)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path / "state", stage, weights], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        doomed(pid)
        if stage == "kept":
            parent.kill()
        else:
            assert parent.wait(10) == 0
    child = await TorchChild.attach(tmp_path / "state", "llm")
    assert child is not None
    assert child.pid == pid
    status = await child.status()
    assert (status.state, status.kept) == ("loaded", True)
    assert os.getsid(pid) == pid
    await child.end()
    assert gone(pid)
