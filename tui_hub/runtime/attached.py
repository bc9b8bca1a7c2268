"""Weights that another process holds, as tensors of this one."""

from __future__ import annotations

import base64
import importlib
import math
import mmap
import os
import socket
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tui_hub.domain.errors import HubError, RefusedError
from tui_hub.domain.slots import Slot
from tui_hub.runtime.receiving import Handle, Place, Received
from tui_hub.runtime.torch_child.kernel import mapped
from tui_hub.runtime.torch_child.process import short


class Lease:
    """The connection that says that this process has the weights."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._wanted = False

    @property
    def wanted_back(self) -> bool:
        """Whether the runtime asked for the weights, or is gone."""
        if not self._wanted:
            try:
                self._connection.recv(4096)
                self._wanted = True  # Nothing else is ever said, and nothing at all at the end.
            except BlockingIOError:
                pass
            except OSError:
                self._wanted = True
        return self._wanted

    def close(self) -> None:
        """Say that this process has them no more."""
        self._connection.close()

    def __del__(self) -> None:
        self.close()


class Attached(Mapping[str, Any]):
    """The tensors of an active model by name, in the memory of the process that holds them.

    None is copied. What is written to one on the processor stays in this process, and takes
    memory then; on a GPU everybody would see it. The process counts among those that hold the
    model until the last of the tensors is gone: leaving `with`, or `close`, drops those that are
    not in use elsewhere.
    """

    def __init__(self, slot: Slot, tensors: dict[str, Any], device: str, lease: Lease) -> None:
        self._tensors = tensors
        self._lease: Lease | None = lease
        self.model = slot.model
        """The model's id."""
        self.path = Path(slot.path)
        """The folder with its files: configuration and tokenizer, for example."""
        self.device = device
        """Where the tensors are, as this process's torch calls it."""
        self.pid = slot.pid
        """The process that holds them."""

    @property
    def wanted_back(self) -> bool:
        """Whether the slot is to be emptied or changed, so that these tensors should go."""
        return self._lease is not None and self._lease.wanted_back

    def close(self) -> None:
        """Let go of all tensors; those in use elsewhere stay until they are dropped there."""
        self._tensors = {}
        self._lease = None

    def __getitem__(self, name: str) -> Any:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        return f"<{len(self)} tensors of {self.model} on {self.device}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def import_torch() -> Any:
    """The torch of this process, imported if it was not.

    Raises:
        RefusedError: when there is none.
    """
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise RefusedError(
            f"tensors need torch, which this Python cannot import: {error}",
            hint='pip install "tui-hub[torch]" into the environment of this program.',
        ) from None


def tensors_of(torch: Any, received: Received[Any], lease: Lease) -> tuple[dict[str, Any], str]:
    """The tensors in memory that was handed over and mapped, and their device.

    Raises:
        RefusedError: when this torch, or what it may see of the GPUs, does not suffice.
    """
    places = received.places
    if received.handle is None:
        for memory in received.memory:
            memory.lease = lease  # which lasts for as long as any of the memory is in use
        tensors = {n: _in_memory(torch, received.memory, place) for n, place in places.items()}
        return tensors, "cpu"
    storage, device = _on_gpu(torch, received.handle)
    weakref.finalize(storage, lease.close)
    return {name: in_storage(torch, storage, place) for name, place in places.items()}, device


def map_memory(descriptor: int) -> Any:
    """Memory of the runtime's, mapped here for as long as a tensor lies in it."""
    # Privately, so that a write here reaches nobody else, and pages are shared until then.
    access = mmap.PROT_READ | mmap.PROT_WRITE
    return mapped(descriptor, os.fstat(descriptor).st_size, mmap.MAP_PRIVATE, access)


def _in_memory(torch: Any, memory: Sequence[Any], place: Place) -> Any:
    dtype, count = _dtype(torch, place), math.prod(place.shape)
    if not count:
        return torch.empty(place.shape, dtype=dtype)
    whole = memory[place.region]
    return torch.frombuffer(whole, dtype=dtype, count=count, offset=place.offset).view(place.shape)


def _on_gpu(torch: Any, handle: Handle) -> tuple[Any, str]:
    """The storage behind a handle of CUDA's, as torch's own `multiprocessing` opens it."""
    try:
        seen = range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
        uuids = [str(torch.cuda.get_device_properties(index).uuid) for index in seen]
        index = uuids.index(handle.uuid)
    except (AttributeError, ValueError):
        raise RefusedError(
            f"the weights are on the GPU {handle.uuid}, which this program's torch does not see",
            hint="See that CUDA_VISIBLE_DEVICES does not hide it, and torch is built for CUDA.",
        ) from None
    except RuntimeError as error:  # a process that was forked has no use of CUDA, for example
        raise HubError(f"this program cannot use its GPUs: {short(error)}") from None
    try:
        _, memory, size, offset, counter, counter_offset, event, synchronize = handle.words
        storage = torch.UntypedStorage._new_shared_cuda(
            index,
            base64.b64decode(memory),
            size,
            offset,
            base64.b64decode(counter),
            counter_offset,
            base64.b64decode(event),
            synchronize,
        )
    except (RuntimeError, TypeError, ValueError) as error:
        raise HubError(
            f"the weights on the GPU cannot be opened here: {short(error)}",
            hint="A container needs the host's namespaces, `--ipc=host --pid=host`; and torch's "
            "own allocator, not cudaMallocAsync.",
        ) from None
    return storage, f"cuda:{index}"


def in_storage(torch: Any, storage: Any, place: Place) -> Any:
    """A tensor in memory that a storage of torch's stands for."""
    tensor = torch.empty(0, dtype=_dtype(torch, place), device=storage.device)
    if not math.prod(place.shape):
        return tensor.view(place.shape)
    strides = [math.prod(place.shape[number + 1 :]) for number in range(len(place.shape))]
    offset = place.offset // tensor.element_size()
    return tensor.set_(storage, offset, tuple(place.shape), tuple(strides))


def _dtype(torch: Any, place: Place) -> Any:
    dtype = getattr(torch, place.dtype, None)
    if not isinstance(dtype, torch.dtype):
        raise RefusedError(
            f"the weights are {place.dtype}, which torch {torch.__version__} does not know",
            hint="Use the torch that `runtime.python` has.",
        )
    return dtype
