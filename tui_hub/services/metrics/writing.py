"""The metrics file on disk: replaced in one step, and readable for the collector."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tui_hub.domain.errors import RefusedError
from tui_hub.services.metrics.families import PREFIX

_BEGINS = f"# HELP {PREFIX}".encode()
_MODE = 0o644
"""The collector runs as another user."""


def metrics_path(file: str) -> Path | None:
    """Where the settings want the file; `None` where they want none."""
    return Path(os.path.expanduser(file)) if file else None


def age(path: Path, now: float) -> float | None:
    """Seconds since the file was written; `None` where there is none."""
    try:
        return max(0.0, now - path.stat().st_mtime)
    except OSError:
        return None


def write(path: Path, document: str) -> None:
    """Replace the file, so that nobody ever reads half of it. Blocks.

    Raises:
        RefusedError: when it cannot be written, or is something else's file.
    """
    try:
        check(path)
        # A collector takes what ends as the file does, and must not take this.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(document)
                os.fchmod(file.fileno(), _MODE)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RefusedError(
            f"the metrics file {path} cannot be written: {error.strerror}",
            hint="Its folder must be there, and one that this user can write.",
        ) from None


def check(path: Path) -> None:
    """Make sure that the file is this program's, or none.

    Raises:
        RefusedError: when it is something else's.
        OSError: when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            begins = file.read(len(_BEGINS))
    except FileNotFoundError:
        return
    if begins and begins != _BEGINS:
        raise RefusedError(
            f"{path} is not a metrics file of this program, and stays as it is",
            hint="Name another one: `tui-hub config set metrics.file FILE`.",
        )
