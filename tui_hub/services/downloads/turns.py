"""Whose turn it is to fetch a file that several processes want."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from tui_hub.blobs import BlobStore
from tui_hub.domain.errors import InterruptedJobError

_WAIT_SECONDS = 0.3
_SILENCE = 120.0
"""Seconds after which somebody who fetches a file and gets no further is not waited for."""


def await_turn(
    store: BlobStore,
    key: str,
    until: ExitStack,
    stopped: threading.Event,
    tell: Callable[[], None],
) -> None:
    """Wait while somebody else fetches a file, and gets on with it.

    A process may be stopped while it has the lock, which then tells nothing any more.

    Args:
        store: where the file is to be.
        key: the file.
        until: holds the lock from then on.
        stopped: ends the wait.
        tell: called at each look while it is not the turn.

    Raises:
        InterruptedJobError: when it was stopped.
    """
    signs, since = store.signs(key), time.monotonic()
    while not _take(store, key, until):
        seen = store.signs(key)
        if seen != signs:
            signs, since = seen, time.monotonic()
        elif time.monotonic() - since > _SILENCE:
            return
        tell()
        stopped.wait(_WAIT_SECONDS)
        if stopped.is_set():
            raise InterruptedJobError("stopped before it began")


def _take(store: BlobStore, key: str, until: ExitStack) -> bool:
    """Take the lock for as long as `until` says; leave nothing open where somebody has it."""
    with ExitStack() as attempt:
        if not attempt.enter_context(store.lock(key)):
            return False
        until.enter_context(attempt.pop_all())
        return True
