"""Weights files: what torch opens, each as tensors by name that are mapped and not yet read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .pickles import open_pickle
from .process import Failure
from .regions import Regions
from .safetensors_files import open_safetensors

PICKLES = (".pt", ".pth", ".bin", ".ckpt")


def open_file(torch: Any, path: str, consent: bool, regions: Regions) -> Iterator[tuple[str, Any]]:
    """The tensors of a file by name, mapped into memory with no byte of them read yet.

    Mappings that other programs can make as well join the regions.
    """
    name = Path(path).name[:100]
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise Failure("refused", f"{name} is no regular file")
    suffix = Path(path).suffix.lower()
    if suffix == ".safetensors":
        return open_safetensors(torch, path, name, regions)
    if suffix not in PICKLES:
        raise Failure("refused", f"torch loads safetensors and, with consent, pickles; not {name}")
    if not consent:
        raise Failure("unsafe", f"{name} is a pickle, which can run code of its maker's")
    return open_pickle(torch, path, name)


def with_components(files: list[str]) -> list[tuple[str, str]]:
    """Each file with what goes before the names of its tensors.

    The components of a pipeline lie in folders of their own, and have tensors of the same names:
    `unet/` and `vae/`. Shards lie in one folder, and have not.
    """
    folders = [str(Path(path).parent) for path in files]
    root = os.path.commonpath(folders) if folders else ""
    parts = [os.path.relpath(folder, root) for folder in folders]
    return [(path, "" if part == "." else part + "/") for path, part in zip(files, parts)]
