"""What `torch.save` wrote, read weights-only and never in any other way."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .process import Failure, short

NESTING_LIMIT = 16
PICKLE_TORCH = (2, 10)
"""The first torch whose weights-only loading has no known hole: CVE-2025-32434, CVE-2026-24747."""


def open_pickle(torch: Any, path: str, name: str) -> Iterator[tuple[str, Any]]:
    """The tensors of what `torch.save` wrote, read weights-only and never in any other way."""
    version = tuple(int(number) for number in re.findall(r"\d+", torch.__version__)[:2])
    if version < PICKLE_TORCH:
        raise Failure(
            "unsafe",
            f"{name} is a pickle, and torch {torch.__version__} can be made to run its code; "
            f"{'.'.join(map(str, PICKLE_TORCH))} is the first that is safe enough",
        )
    archive = zipfile.is_zipfile(path)
    if archive:
        with zipfile.ZipFile(path) as members:
            entries = members.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise Failure("unsafe", f"{name} holds compressed data, which torch never writes")
        if sum(entry.file_size for entry in entries) > Path(path).stat().st_size:
            raise Failure("unsafe", f"{name} holds more data than it is long")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except MemoryError:
        raise
    except Exception as error:
        raise Failure("unsafe", f"{name} cannot be loaded weights-only: {short(error)}") from None
    yield from named_tensors(torch, found, name)


def named_tensors(torch: Any, found: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The tensors in nested dictionaries and lists, named by the way to them with dots."""
    waiting = [("", found, 0)]
    while waiting:
        key, value, depth = waiting.pop()
        if isinstance(value, torch.Tensor):
            strided = value.layout == torch.strided and not value.is_quantized
            if not strided or value.device.type != "cpu":
                raise Failure("refused", f"{name}: {key[:100]} is no plain tensor")
            if value.nbytes > value.untyped_storage().nbytes():
                raise Failure("unsafe", f"{name}: {key[:100]} claims more than the file holds")
            yield key or "tensor", value.detach()
        elif isinstance(value, (dict, list, tuple)):
            if depth == NESTING_LIMIT:
                raise Failure("corrupt", f"{name} is nested too deep")
            items = value.items() if isinstance(value, dict) else enumerate(value)
            below = [(f"{key}.{part}" if key else str(part), one, depth + 1) for part, one in items]
            waiting += reversed(below)
