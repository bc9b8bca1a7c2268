"""What the process that holds weights hands over to other programs, and to whom."""

from __future__ import annotations

import asyncio
import mmap
import os
import resource
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from starting import Start

from tui_hub.domain.errors import HubError, RefusedError
from tui_hub.domain.runtime import LoadRequest
from tui_hub.runtime.attached import Lease, map_memory, tensors_of
from tui_hub.runtime.receiving import receive
from tui_hub.runtime.sockets import connect
from tui_hub.runtime.torch_children import TorchChild

CHAT = """
import os, pathlib, time
from tui_hub.runtime.receiving import receive
from tui_hub.runtime.sockets import connect
connection = connect(pathlib.Path(os.environ["STATE"]), "llm")
receive(connection, os.dup)
print("attached")
time.sleep(600)
"""
"""A program that asks for the weights."""


def connected(folder: Path) -> socket.socket:
    connection = connect(folder / "state", "llm")
    assert connection is not None
    return connection


def attached(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of the child, as another program gets them."""
    connection = connected(folder)
    return tensors_of(torch, receive(connection, map_memory), Lease(connection))[0]


async def load(child: TorchChild, *files: Path, consent: bool = False, dtype: str = "") -> None:
    request = LoadRequest(files=tuple(map(str, files)), device="cpu", consent=consent, dtype=dtype)
    await child.load(request, lambda _: None)


FEW, SHARDS = 256, 1200
"""Files that a process may have open on some systems, and files of the largest models."""
MANY = """
import pathlib, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]),) * 2)
import torch
from tui_hub.runtime.attached import Lease, map_memory, tensors_of
from tui_hub.runtime.receiving import receive
from tui_hub.runtime.sockets import connect
connection = connect(pathlib.Path(sys.argv[1]), "llm")
tensors, _ = tensors_of(torch, receive(connection, map_memory), Lease(connection))
print(len(tensors), all(t.eq(int(name)).all() for name, t in tensors.items()), flush=True)
sys.stdin.read()
"""


async def test_a_model_of_more_files_than_may_be_open_is_loaded_and_handed_over(
    start: Start, tmp_path: Path
) -> None:
    files = [tmp_path / f"model-{number:05}-of-{SHARDS:05}.safetensors" for number in range(SHARDS)]
    for number, file in enumerate(files):
        save_file({str(number): torch.full((3,), float(number))}, file)
    child = await start()
    resource.prlimit(child.pid, resource.RLIMIT_NOFILE, (FEW, FEW))
    await load(child, *files)
    few = [sys.executable, "-c", MANY, str(tmp_path / "state"), str(FEW)]
    for _ in range(2):
        with subprocess.Popen(few, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None and other.stdin is not None
            told = await asyncio.to_thread(other.stdout.readline)
            assert told.split() == [str(SHARDS).encode(), b"True"]
            (program,) = (await child.status()).programs
            assert program.pid == other.pid
            other.stdin.close()
        assert await child.release(20) == ()
    assert len(list(Path(f"/proc/{child.pid}/fd").iterdir())) < 50
    assert len(await asyncio.to_thread(attached, tmp_path)) == SHARDS


@pytest.mark.parametrize("gone", [True, False])
async def test_a_file_that_is_another_by_now_is_handed_to_nobody(
    start: Start, tmp_path: Path, gone: bool
) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"w": torch.ones(3)}, file)
    child = await start()
    await load(child, file)
    file.unlink()
    if not gone:
        save_file({"w": torch.zeros(3)}, file)
    words = "deleted" if gone else "replaced"
    with pytest.raises(RefusedError, match=f"model.safetensors was {words} since it was loaded"):
        await asyncio.to_thread(attached, tmp_path)
    assert (await child.status()).programs == ()


async def test_pickles_odd_places_and_nothings_are_handed_over(
    start: Start, tmp_path: Path
) -> None:
    made = {"w": torch.randn(40, 30).T, "none": torch.empty(0, 4), "one": torch.tensor(7.5)}
    torch.save(made, tmp_path / "model.pt")
    child = await start()
    await load(child, tmp_path / "model.pt", consent=True)
    tensors = await asyncio.to_thread(attached, tmp_path)
    assert tensors.keys() == made.keys()
    assert all(tensors[name].equal(tensor) for name, tensor in made.items())


async def test_weights_outlive_the_process_that_held_them(start: Start, tmp_path: Path) -> None:
    weights = torch.randn(1000)
    save_file({"w": weights}, tmp_path / "model.safetensors")
    child = await start()
    await load(child, tmp_path / "model.safetensors", dtype="float16")
    tensors = await asyncio.to_thread(attached, tmp_path)
    (program,) = await child.release(0)
    assert str(program).startswith(f"pid {program.pid} of {program.user}: ")
    await child.end()
    (tmp_path / "model.safetensors").unlink()
    assert tensors["w"].equal(weights.half())


@pytest.mark.parametrize("more", [("--token", "hf_secret"), ("hf_secret",), ("-thf_secret",)])
async def test_who_has_them_is_named_without_what_it_was_told(
    start: Start, tmp_path: Path, more: tuple[str, ...]
) -> None:
    save_file({"w": torch.ones(3)}, tmp_path / "model.safetensors")
    (tmp_path / "chat.py").write_text(CHAT)
    child = await start()
    await load(child, tmp_path / "model.safetensors")
    words = [sys.executable, "-u", str(tmp_path / "chat.py"), *more]
    state = {**os.environ, "STATE": str(tmp_path / "state")}
    with subprocess.Popen(words, env=state, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == b"attached\n"
        (program,) = (await child.status()).programs
        process.kill()
    assert program.pid == process.pid
    assert program.program == " ".join(words[:3])


@pytest.mark.parametrize("dtype", ["", "float16"])
async def test_nobody_writes_into_what_others_have(
    start: Start, tmp_path: Path, dtype: str
) -> None:
    save_file({"w": torch.ones(4096)}, tmp_path / "model.safetensors")
    child = await start()
    await load(child, tmp_path / "model.safetensors", dtype=dtype)
    connection = connected(tmp_path)
    with closing(connection):
        (memory,) = receive(connection, os.dup).memory
        with pytest.raises(PermissionError):
            mmap.mmap(memory, 4096, flags=mmap.MAP_SHARED)
        with pytest.raises(OSError, match=r"not permitted|Bad file descriptor"):
            os.pwrite(memory, b"evil", 0)
        with pytest.raises(OSError, match=r"not permitted|Invalid argument"):
            os.ftruncate(memory, 0)
        os.close(memory)
    tensors = await asyncio.to_thread(attached, tmp_path)
    assert tensors["w"].eq(1).all()


async def test_without_weights_there_is_nothing_to_hand_over(start: Start, tmp_path: Path) -> None:
    child = await start()
    with pytest.raises(RefusedError, match="holds no weights"):
        await asyncio.to_thread(attached, tmp_path)
    save_file({"w": torch.ones(4)}, tmp_path / "model.safetensors")
    await load(child, tmp_path / "model.safetensors", dtype="float16")
    await child.park()
    with pytest.raises(RefusedError, match="wait outside their device"):
        await asyncio.to_thread(attached, tmp_path)
    await child.unpark()
    assert (await asyncio.to_thread(attached, tmp_path))["w"].equal(torch.ones(4).half())


async def test_weights_that_others_have_are_not_parked(start: Start, tmp_path: Path) -> None:
    save_file({"w": torch.ones(4)}, tmp_path / "model.safetensors")
    child = await start()
    await load(child, tmp_path / "model.safetensors", dtype="float16")
    tensors = await asyncio.to_thread(attached, tmp_path)
    with pytest.raises(RefusedError, match="other programs have the weights"):
        await child.park()
    assert tensors["w"].sum() == 4
    assert (await child.status()).state == "loaded"


async def test_weights_on_their_way_off_are_handed_to_nobody(start: Start, tmp_path: Path) -> None:
    save_file({"w": torch.ones(50_000_000)}, tmp_path / "model.safetensors")
    child = await start()
    await load(child, tmp_path / "model.safetensors", dtype="float16")
    for _ in range(5):
        parked, given = await asyncio.gather(
            child.park(), asyncio.to_thread(attached, tmp_path), return_exceptions=True
        )
        (refused,) = [one for one in (parked, given) if isinstance(one, BaseException)]
        assert isinstance(refused, RefusedError)
        del given
        assert await child.release(20) == ()
        await child.unpark()


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"",
        b'{"hello": {}}\n{"id": 1, "result": {"descriptors": 2}}\n',
        b'{"id": 1}\n',
        b'{"id": 1, "result": 5}\n',
        b"\xff\n",
        b"x" * 2**21,
    ],
)
def test_who_does_not_speak_the_protocol_is_told_apart(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    with closing(theirs):
        theirs.setblocking(False)
        theirs.send(said) if said else None
        theirs.shutdown(socket.SHUT_WR)
        with closing(ours), pytest.raises(HubError, match="not hand it over"):
            receive(ours, os.dup)


def test_a_refusal_is_shown_clean() -> None:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        theirs.send(b'{"id": 1, "error": {"kind": "refused", "message": "no\\u001b[31m"}}\n')
        with pytest.raises(RefusedError, match="no") as told:
            receive(ours, os.dup)
        assert "\x1b" not in told.value.message
