"""Weights that are spread over several files, known by their names: `model-00001-of-00005.gguf`."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})(\.[A-Za-z0-9_.]+)", re.DOTALL)
_MOST = 2000


def shards_of(path: str) -> tuple[str, ...]:
    """The names of all files of the set that a file belongs to; none when it stands alone."""
    found = _SHARD.fullmatch(path)
    if found is None or not 1 <= int(found[2]) <= int(found[3]) <= _MOST:
        return ()
    stem, total, suffix = found[1], found[3], found[4]
    return tuple(f"{stem}-{number:05d}-of-{total}{suffix}" for number in range(1, int(total) + 1))


def missing_shards(paths: Iterable[str]) -> set[str]:
    """The files that must belong to sets of which only some are there."""
    here = set(paths)
    return {one for path in here for one in shards_of(path)} - here
