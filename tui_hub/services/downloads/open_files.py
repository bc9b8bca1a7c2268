"""How many files may be in work at a time, by how many a process may have open."""

from __future__ import annotations

import logging
import resource
from contextlib import suppress

_log = logging.getLogger(__name__)

_OTHERS = 128
"""Descriptors for all else that the program does: databases, listings, the screen."""
_WORKER = 40
"""Those of one worker at the most: a group of small files that wait to be committed together, or a
large one, with their lock and their connections."""


def affordable(workers: int) -> int:
    """So many workers as can have all their files open, out of those that are wished for.

    This process takes leave to open more where that is too few, as far as the box gives it.
    """
    wanted = _OTHERS + workers * _WORKER
    may, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _covers(may, wanted):
        return workers
    more = wanted if _covers(most, wanted) else most
    with suppress(OSError, ValueError):  # some systems have a lower limit of their own
        resource.setrlimit(resource.RLIMIT_NOFILE, (more, most))
        may = more
    if _covers(may, wanted):
        return workers
    fewer = max(1, (may - _OTHERS) // _WORKER)
    _log.warning(
        "%d files are fetched at a time, not %d: this process may open no more than %d (ulimit -n)",
        fewer,
        workers,
        may,
    )
    return fewer


def _covers(limit: int, wanted: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= wanted
