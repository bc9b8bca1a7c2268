"""Handing the weights to other programs of the user's, and knowing who has them.

A program asks {"id": 1, "command": "attach", "program": "chat.py", "pid": 8} and gets, with
descriptors beside it, {"id": 1, "result": {"descriptors": 3, "handle": null}}. The first is a file
of JSON that says where each tensor lies, the others are the memory itself. On a GPU there is the
first alone, and `handle` is what CUDA opens the memory by. The program has the weights for as long
as its connection is open. When they are to go it is told {"release": {}}.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pwd
import threading
from pathlib import Path
from typing import Any

from .loading import Weights
from .process import Client, Failure, Message, peer
from .regions import OwnRegion, Region

HARMLESS = ("-m", "-u", "-B", "-E", "-I", "-O", "-s", "-S")
"""Options of Python itself that stand before the name of a program, or of its module."""
MEMORY = 1
"""The place of the memory's handle among the words by which it is opened."""
COUNTERS = 4
"""That of the name of the file where torch counts who has it."""
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - where the C library makes what `shm_open` is asked for
HANDLE_BYTES = 64
"""`CUDA_IPC_HANDLE_SIZE` of CUDA's `driver_types.h`."""
WORDS = 2
"""Python and its program; of any other program the name, and what it was told first."""


class Sharing:
    """The weights of one model as others can have them."""

    def __init__(self, torch: Any, weights: Weights) -> None:
        self._torch = torch
        self._weights = weights
        self._on_gpu = weights.arena.device.type == "cuda"
        self._regions: dict[Region, int] = {}
        places = {name: self._place(tensor) for name, tensor in weights.tensors.items()}
        table = json.dumps({"tensors": places}).encode()
        self._table = OwnRegion.make(torch, len(table))
        self._table.map[:] = table
        for region in (self._table, weights.arena.region):
            if region is not None:
                region.seal()
        self._programs: dict[Client, Message] = {}
        self._changed = threading.Condition()

    def attach(self, client: Client, message: Message) -> None:
        """Give a program the weights, until it hangs up."""
        pid, user = peer(client.connection)
        if user != os.getuid():
            raise Failure("refused", "another user's process has no part in these weights")
        program = command_of(pid or 0) or str(message.get("program", ""))[:300]
        with self._changed:
            self._programs[client] = {
                "pid": pid or message.get("pid", 0),
                "user": name_of(user),
                "program": program,
            }
        regions = [self._table, *self._regions]
        result = {"descriptors": len(regions), "handle": self._handle()}
        try:
            client.hand_over(one.opened() for one in regions)
        except Failure:
            self.gone(client)
            raise
        client.send({"id": message.get("id"), "result": result})

    def gone(self, client: Client) -> None:
        """A program hung up, or ended."""
        with self._changed:
            if self._programs.pop(client, None) is not None:
                self._changed.notify_all()

    def programs(self) -> list[Message]:
        """Who has the weights."""
        with self._changed:
            return list(self._programs.values())

    def release(self, seconds: float) -> list[Message]:
        """Ask all programs to let go, and wait so long for that; those that have not."""
        with self._changed:
            for client in self._programs:
                client.send({"release": {}})
            self._changed.wait_for(lambda: not self._programs, seconds)
        return self.programs()

    def _place(self, tensor: Any) -> list[Any]:
        """The region of a tensor, its place there, its dtype and its shape."""
        words = [str(tensor.dtype).partition(".")[2], list(tensor.shape)]
        if not tensor.numel():
            return [0, 0, *words]
        if self._on_gpu:
            return [0, self._weights.arena.offset_of(tensor), *words]
        region = self._weights.regions.of(tensor)
        assert region is not None, "tensors on the processor all lie in regions"  # noqa: S101
        number = self._regions.setdefault(region, len(self._regions))
        return [number, tensor.data_ptr() - region.address, *words]

    def _handle(self) -> Message | None:
        """What CUDA opens the memory of a GPU by, for one program.

        The words are those that `torch.multiprocessing.reductions` hands from process to process.
        """
        if not self._on_gpu:
            return None
        arena = self._weights.arena
        # Shared from a storage beside their own. Torch keeps what was shared until all who have it
        # counted themselves off (`CudaIPCTypes.cpp`), which who is killed never does; who has the
        # weights is known here by the connections.
        beside = self._torch._C._construct_storage_from_data_pointer(
            arena.bytes.data_ptr(), arena.device, arena.size
        )
        words = list(beside._share_cuda_())
        words[MEMORY] = bare(words[MEMORY])
        forget_counters(words[COUNTERS])
        plain = [base64.b64encode(one).decode() if type(one) is bytes else one for one in words]
        gpu = self._torch.cuda.get_device_properties(arena.device)
        return {"uuid": str(gpu.uuid), "words": plain}


def forget_counters(name: bytes) -> None:
    """Take the file of torch's counts out of its folder, which would stay there for ever.

    Torch removes it when a process comes to the end of its program, and this one is ended before.
    Who has the weights counts himself off in silence where it is not there: `StorageSharing.cpp`.
    """
    with contextlib.suppress(OSError):
        Path(SHARED_MEMORY, name.decode().lstrip("/")).unlink()


def bare(handle: bytes) -> bytes:
    """A handle of CUDA's as every torch opens it: without the two bytes that newer ones put first.

    A torch refuses those of a later one, though the rest is the same (`CUDACachingAllocator.cpp`,
    `MemHandleCacheEntry`).
    """
    return handle[2:] if len(handle) == 2 + HANDLE_BYTES and handle[1:2] == b"c" else handle


def command_of(pid: int) -> str:
    """What a process runs: the first words of its command line; empty where it cannot be seen.

    It gets into the log of a job, and behind these words people put tokens.
    """
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
    found: list[str] = []
    for word in line.rstrip("\0").split("\0"):
        if len([one for one in found if one not in HARMLESS]) == WORDS:
            break
        if word.startswith("-") and word not in HARMLESS:
            break
        found.append(word)
    return " ".join(found)[:300]


def name_of(user: int) -> str:
    """The name of a user, or the number of one that has none."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
