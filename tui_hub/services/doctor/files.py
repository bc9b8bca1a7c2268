"""The settings file, and secrets in files that others may read."""

from __future__ import annotations

import asyncio
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path

from tui_hub.domain.doctor import Finding
from tui_hub.services.doctor.findings import ok, warning
from tui_hub.settings import Configuration
from tui_hub.sources.login import token_file

_SECRET = re.compile(r"\b(hf|r8)_[A-Za-z0-9]{16,}")


async def look(configuration: Configuration) -> AsyncIterator[Finding]:
    """What the loader has not refused already."""
    for finding in await asyncio.to_thread(_look, configuration):
        yield finding


def _look(configuration: Configuration) -> list[Finding]:
    file = configuration.paths.config_file
    try:
        content = file.read_text("utf-8", "replace")
        said = f"{file} is in order"
    except OSError:  # the loader refuses one that is there and cannot be read
        content, said = "", f"there is no {file}; the defaults count"
    found = [ok("settings", said)]
    if _SECRET.search(content) and _open_to_others(file):
        found.append(
            warning(
                "settings",
                f"{file} holds a token, and other users may read it",
                f"`chmod 600 {file}`; the program takes tokens from HF_TOKEN or `hf auth login`.",
            )
        )
    token = token_file(configuration.environment)
    if _open_to_others(token):
        found.append(
            warning("token", f"other users may read the token in {token}", f"`chmod 600 {token}`")
        )
    return found


def _open_to_others(file: Path) -> bool:
    try:
        return bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False
