"""Examining a home from outside, one too that cannot be opened."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tui_hub.domain.doctor import Finding
from tui_hub.domain.errors import HubError
from tui_hub.services import open_services
from tui_hub.services.doctor.findings import failure
from tui_hub.settings import Configuration

_PATIENCE = 20.0
"""Seconds for the opening, which waits where another process keeps a database locked."""


async def examine(configuration: Configuration) -> tuple[Finding, ...]:
    """Open a home and look at everything; where that fails, at what can be seen without it."""
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(_PATIENCE):
                services = await stack.enter_async_context(open_services(configuration))
        except TimeoutError:
            closed = HubError(
                f"this home could not be opened within {_PATIENCE:.0f} s",
                hint="Another process keeps it locked, or its disk hangs; `processes` below names "
                "those that have it open.",
            )
        except HubError as error:
            closed = error
        except OSError as error:
            closed = HubError(
                f"this home could not be opened: {error.strerror or error} ({error.filename})",
                hint="Check the permissions of its folders and the health of its disk.",
            )
        else:
            return await services.doctor.examine()
    return failure("home", closed), *await _examine_closed(configuration)


async def _examine_closed(configuration: Configuration) -> tuple[Finding, ...]:
    """Stand on an empty home for as long as it takes, to look at the box around the real one."""
    with TemporaryDirectory(prefix="tui-hub-doctor-") as name:
        folder = Path(name)
        paths = replace(
            configuration.paths,
            hub_database=folder / "hub.db",
            catalogue_database=folder / "catalogue.db",
            store=folder / "store",
            logs=folder / "logs",
            state=folder / "state",
        )
        async with open_services(replace(configuration, paths=paths)) as services:
            return await services.doctor.examine_box(configuration)
