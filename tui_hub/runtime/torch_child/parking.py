"""Weights that wait in the memory of the host, so that a GPU is free and they are soon back."""

from __future__ import annotations

from typing import Any

from .loading import Weights
from .memory import give_back
from .process import Failure
from .staging import Staging


class Parking:
    """The weights of one model outside their device; made by moving them there."""

    def __init__(self, torch: Any, weights: Weights) -> None:
        """Copy the weights to the host, and give the memory of their device back."""
        self._torch = torch
        self._weights = weights
        arena = weights.arena
        if not all(map(arena.holds, weights.tensors.values())):
            raise Failure("refused", "the weights are those of the files, which need no parking")
        self._places = {
            name: (arena.offset_of(tensor), tensor.dtype, tensor.shape)
            for name, tensor in weights.tensors.items()
        }
        self._host = torch.empty(arena.size, dtype=torch.uint8)
        staging = Staging(torch, arena.device)
        staging.fetch(arena.bytes, self._host)
        staging.finish()
        weights.tensors.clear()
        arena.release()
        if arena.device.type == "cuda":
            torch.cuda.ipc_collect()
            give_back(torch)

    def end(self) -> None:
        """Bring the weights back to their device."""
        arena = self._weights.arena
        arena.reserve()
        if arena.region is not None:
            self._weights.regions.add(arena.region)
        staging = Staging(self._torch, arena.device)
        staging.send(self._host, arena.bytes)
        staging.finish()
        for name, (offset, dtype, shape) in self._places.items():
            self._weights.tensors[name] = arena.view(offset, dtype, shape)
