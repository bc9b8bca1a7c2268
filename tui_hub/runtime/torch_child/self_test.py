"""Whether weights that stand on a device are sound there."""

from __future__ import annotations

from typing import Any

from .placing import Progress, Tensors, pieces
from .process import Failure, Report

CHUNK_ELEMENTS = 16 * 1024 * 1024


def test(torch: Any, tensors: Tensors, device: Any, report: Report) -> list[str]:
    """Look for what is not a number, and calculate once; tells dtypes it could not look through.

    Infinities are allowed, since some checkpoints carry masks of them.
    """
    progress = Progress("test", tensors, report)
    untested = set()
    for name, tensor in tensors.items():
        if tensor.is_floating_point() or tensor.is_complex():
            try:
                if has_nan(torch, tensor):
                    raise Failure("failed", f"the tensor {name[:100]} holds NaN, not numbers")
            except NotImplementedError:
                untested.add(str(tensor.dtype).partition(".")[2])
        progress.advance(tensor.nbytes)
    ones = torch.ones(64, 64, device=device)
    if not bool((ones @ ones == 64).all()):
        raise Failure("failed", f"{device} calculates a small matrix product wrong")
    return sorted(untested)


def has_nan(torch: Any, tensor: Any) -> bool:
    """Whether any number in a floating tensor is none.

    The maximum of numbers with a NaN among them is NaN; on the processor it is found twenty times
    as fast as `isnan` looks at each.
    """
    flat = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    for chunk in pieces(flat.reshape(-1), CHUNK_ELEMENTS):
        wide = chunk.to(torch.float32) if chunk.element_size() == 1 else chunk
        if wide.numel() and bool(wide.amax().isnan()):
            return True
    return False
