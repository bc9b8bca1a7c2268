"""What the process that holds weights hands over to other programs, and to whom."""

from __future__ import annotations

import asyncio
import mmap
import os
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
from tui_hub.runtime.attached import Lease, tensors_of
from tui_hub.runtime.receiving import receiving
from tui_hub.runtime.sockets import connect
from tui_hub.runtime.torch_children import TorchChild

CHAT = """
import os, pathlib, time
from tui_hub.runtime.receiving import receiving
from tui_hub.runtime.sockets import connect
connection = connect(pathlib.Path(os.environ["STATE"]), "llm")
with receiving(connection):
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
    with receiving(connection) as received:
        return tensors_of(torch, received, Lease(connection))[0]


async def load(child: TorchChild, *files: Path, consent: bool = False, dtype: str = "") -> None:
    request = LoadRequest(files=tuple(map(str, files)), device="cpu", consent=consent, dtype=dtype)
    await child.load(request, lambda _: None)


async def test_more_files_are_handed_over_than_one_message_holds(
    start: Start, tmp_path: Path
) -> None:
    files = [tmp_path / f"model-{number:05}-of-00600.safetensors" for number in range(600)]
    for number, file in enumerate(files):
        save_file({f"layer.{number}": torch.full((3,), float(number))}, file)
    child = await start()
    await load(child, *files)
    tensors = await asyncio.to_thread(attached, tmp_path)
    assert len(tensors) == 600
    assert all(tensors[f"layer.{number}"].eq(number).all() for number in range(600))


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
    assert str(program).endswith(f"(pid {program.pid}, user {program.user})")
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
    with closing(connection), receiving(connection) as received:
        (memory,) = received.memory
        with pytest.raises(PermissionError):
            mmap.mmap(memory, 4096, flags=mmap.MAP_SHARED)
        with pytest.raises(OSError, match=r"not permitted|Bad file descriptor"):
            os.pwrite(memory, b"evil", 0)
        with pytest.raises(OSError, match=r"not permitted|Invalid argument"):
            os.ftruncate(memory, 0)
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
        with closing(ours), pytest.raises(HubError, match="not hand it over"), receiving(ours):
            pytest.fail("nothing was handed over")


def test_a_refusal_is_shown_clean() -> None:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        theirs.send(b'{"id": 1, "error": {"kind": "refused", "message": "no\\u001b[31m"}}\n')
        with pytest.raises(RefusedError, match="no") as told, receiving(ours):
            pytest.fail("nothing was handed over")
        assert "\x1b" not in told.value.message
