"""The metrics file: whether it can be written, and whether a collector would take it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tui_hub import text
from tui_hub.domain.doctor import Finding
from tui_hub.domain.errors import HubError
from tui_hub.services.doctor.findings import failure, ok, warning
from tui_hub.services.metrics.writing import age, check, metrics_path
from tui_hub.settings import Configuration

_CHECK = "metrics"


async def look(configuration: Configuration) -> AsyncIterator[Finding]:
    """One finding where a file is wanted; nothing where none is."""
    path = metrics_path(configuration.settings.metrics.file)
    if path is None:
        return
    yield await asyncio.to_thread(_look, path)


def _look(path: Path) -> Finding:
    try:
        check(path)
    except HubError as error:
        return failure(_CHECK, error)
    except OSError as error:
        return warning(_CHECK, f"{path} cannot be read: {error.strerror}", "See who owns it.")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        return warning(
            _CHECK,
            f"the folder {path.parent} is not there, or cannot be written",
            "Make it, and let this user write in it; until then no metrics are written.",
        )
    old = age(path, time.time())
    written = "not written yet" if old is None else f"written {text.duration(old)} ago"
    return ok(_CHECK, f"{path}, {written}")
