"""A GPU that is none, under the real torch: what is on it, what it has done, and what is free.

Its memory is the host's, and behaves as that of CUDA under torch's caching allocator does:

- what is freed stays reserved until the cache is emptied (`CUDACachingAllocator.cpp`);
- copies between pinned memory and it, and inside it, are done when their stream is waited for;
- memory that was shared from is kept for as long as somebody counts as having it
  (`CudaIPCTypes.cpp`), also somebody who was killed.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

GPU = torch.device("cuda:0")
PRODUCTS = (torch.Tensor.matmul, torch.Tensor.__matmul__)
"""What cuBLAS calculates, which keeps its workspace."""
OFFSET = 4096
"""Of what was shared in its block of memory."""
WORKSPACE = 32 << 20
"""Its bytes on a Hopper, `CUDABlas.cpp`."""
UUID = "6f2a1b7c-0000-4000-8000-00000000000a"


class PretendStream:
    """Work that was begun, and is done when somebody waits for it."""

    def __init__(self, device: Any = GPU) -> None:
        self.waiting: list[Callable[[], object]] = []

    def synchronize(self) -> None:
        """Have all of it done."""
        while self.waiting:
            self.waiting.pop(0)()


class Within:
    """What `torch.cuda.stream` gives, which may be entered again."""

    def __init__(self, streams: list[PretendStream], stream: PretendStream) -> None:
        self._streams, self._stream = streams, stream

    def __enter__(self) -> None:
        self._streams.append(self._stream)

    def __exit__(self, *_: object) -> None:
        self._streams.pop()


@dataclass(repr=False)
class Sent:
    """What was shared once: torch keeps it until the count is zero."""

    storage: Any
    count: int = 1


@dataclass(repr=False)
class PretendGpu(TorchFunctionMode):
    """The GPU; what torch calculates while it is entered happens on it or beside it."""

    total: int = 1 << 40
    sent: list[Sent] = field(default_factory=list)
    peak: int = 0
    most_pinned: int = 0
    up: bool = False
    """Whether torch has made itself ready for CUDA, without which it counts nothing."""
    counters: Path = Path(f"/dev/shm/torch_{os.getpid()}_tests_0")
    """Where torch counts who has what was shared."""

    def __post_init__(self) -> None:
        super().__init__()
        self._live: dict[int, int] = {}
        self._cached: list[int] = []
        self._pinned: dict[int, int] = {}
        self._cached_pinned: list[int] = []
        self._workspaces: list[Any] = []
        self._streams = [PretendStream()]
        self._made: list[PretendStream] = []

    @property
    def allocated(self) -> int:
        """Bytes in use."""
        return sum(self._live.values())

    @property
    def reserved(self) -> int:
        """The same with what was in use, and could be given back."""
        return self.allocated + sum(self._cached)

    @property
    def pinned(self) -> int:
        """Bytes of the host that are pinned, in use or kept for the next time."""
        return sum(self._pinned.values()) + sum(self._cached_pinned)

    def holds(self, tensor: Any) -> bool:
        """Whether a tensor lies on the GPU."""
        return tensor.untyped_storage().data_ptr() in self._live

    def init(self, *_: object) -> None:
        """Have torch ready."""
        self.up = True

    def reset_peak(self, device: Any) -> None:
        """Count the most memory from now on."""
        if not self.up:
            raise RuntimeError("Invalid device argument 0: did you call init?")
        self.peak = self.reserved

    def empty_cache(self) -> None:
        """Give back what nobody uses."""
        self._cached.clear()

    def ipc_collect(self) -> None:
        """Let go of what was shared and nobody counts as having."""
        self.sent = [one for one in self.sent if one.count]

    def synchronize(self, device: Any = None) -> None:
        """Have the work of all streams done."""
        for stream in (self._streams[0], *self._made):
            stream.synchronize()

    def share(self, storage: Any) -> tuple[Any, ...]:
        """`_share_cuda_` of torch 2.13, `StorageSharing.cpp`."""
        self.sent.append(Sent(storage))
        self.counters.touch()
        handle, event = b"\x03c" + bytes(range(64)), bytes(64)
        size, number = storage.nbytes(), len(self.sent) - 1
        return 0, handle, size, OFFSET, f"/{self.counters.name}".encode(), number, event, True

    def open(self, index: int, handle: bytes, size: int, offset: int, *rest: Any) -> Any:
        """`_new_shared_cuda`, of whatever version: one takes a bare handle, or its own."""
        _, number, event, synchronize = rest
        assert (index, len(handle), len(event), synchronize) == (0, 64, 64, True)
        assert offset == OFFSET
        place = self.sent[number].storage.data_ptr()
        return torch._C._construct_storage_from_data_pointer(place, torch.device("cpu"), size)

    def stream(self, device: Any = None) -> PretendStream:
        """A new one."""
        self._made.append(PretendStream())
        return self._made[-1]

    def within(self, stream: PretendStream) -> Within:
        """Begin work on another stream, each time that it is entered."""
        return Within(self._streams, stream)

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.Tensor.device.__get__:
            return GPU if self.holds(args[0]) else func(*args)
        if func is torch.Tensor.copy_:
            self._copy(*args, **kwargs)
            return args[0]
        pinned = kwargs.pop("pin_memory", False)
        wanted = kwargs.get("device")
        if wanted == GPU:
            kwargs["device"] = "cpu"
        if GPU in [one for one in args if isinstance(one, torch.device)]:
            wanted, args = GPU, tuple("cpu" if one == GPU else one for one in args)
        if func in (torch.empty, torch.ones) and wanted == GPU:
            self._need(
                torch.Size(shape_of(args)).numel() * kwargs.get("dtype", torch.float).itemsize
            )
        found = func(*args, **kwargs)
        if isinstance(found, torch.Tensor) and func is not torch.frombuffer:
            there = any(isinstance(one, torch.Tensor) and self.holds(one) for one in args)
            if wanted == GPU or (there and wanted is None):
                self._take(found, self._live, self._cached)
            elif pinned:
                self._take(found, self._pinned, self._cached_pinned)
            if func in PRODUCTS and there and not self._workspaces:
                self._workspaces.append(torch.empty(WORKSPACE, dtype=torch.uint8))
                self._take(self._workspaces[0], self._live, self._cached)
        return found

    def _copy(self, into: Any, source: Any, non_blocking: bool = False) -> None:
        there = [self.holds(into), self.holds(source)]
        host = [one for one, gpu in zip((into, source), there, strict=True) if not gpu]
        stream = self._streams[-1]

        def copy() -> None:
            with torch._C.DisableTorchFunction():
                into.copy_(source)

        if not any(there):
            copy()
        elif not host or (non_blocking and self._is_pinned(host[0])):
            stream.waiting.append(copy)
        else:
            stream.synchronize()
            copy()

    def _is_pinned(self, tensor: Any) -> bool:
        return tensor.untyped_storage().data_ptr() in self._pinned

    def _need(self, size: int) -> None:
        if self.reserved + size > self.total and size not in self._cached:
            self.empty_cache()
        if self.allocated + size > self.total:
            raise torch.cuda.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {size} bytes")

    def _take(self, tensor: Any, live: dict[int, int], cached: list[int]) -> None:
        storage = tensor.untyped_storage()
        place, size = storage.data_ptr(), storage.nbytes()
        if not size or place in live:
            return
        live[place] = size
        if size in cached:
            cached.remove(size)
        self.peak = max(self.peak, self.reserved)
        self.most_pinned = max(self.most_pinned, self.pinned)
        weakref.finalize(storage, lambda: cached.append(live.pop(place)))


def shape_of(args: Any) -> Any:
    """The shape that a new tensor is asked for."""
    return args[0] if args and not isinstance(args[0], int) else args


@contextlib.contextmanager
def pretended(monkeypatch: pytest.MonkeyPatch, total: int = 1 << 40) -> Iterator[PretendGpu]:
    """Have torch see one GPU, inside the block."""
    gpu = PretendGpu(total=total)
    told = SimpleNamespace(name="Pretended", total_memory=total, uuid=UUID)
    for name, value in {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "init": gpu.init,
        "set_device": lambda device: None,
        "get_device_properties": lambda device: told,
        "get_device_name": lambda device: told.name,
        "mem_get_info": lambda device: (gpu.total - gpu.reserved, gpu.total),
        "memory_reserved": lambda device: gpu.reserved,
        "max_memory_reserved": lambda device: gpu.peak,
        "reset_peak_memory_stats": gpu.reset_peak,
        "synchronize": gpu.synchronize,
        "empty_cache": gpu.empty_cache,
        "ipc_collect": gpu.ipc_collect,
        "Stream": gpu.stream,
        "stream": gpu.within,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # which a load may change
    for place, name, value in (
        (torch._C, "_cuda_clearCublasWorkspaces", gpu._workspaces.clear),
        (torch.accelerator, "empty_host_cache", gpu._cached_pinned.clear),
    ):
        monkeypatch.setattr(place, name, value, raising=False)
    monkeypatch.setattr(torch.UntypedStorage, "_share_cuda_", lambda one: gpu.share(one))
    monkeypatch.setattr(torch.UntypedStorage, "_new_shared_cuda", gpu.open)
    with gpu:
        yield gpu
