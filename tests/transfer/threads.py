"""The threads of transfers, by the names they have."""

from __future__ import annotations

import threading


def own_threads() -> list[str]:
    """The names of those that run now."""
    return [t.name for t in threading.enumerate() if t.name.startswith("transfer-")]
