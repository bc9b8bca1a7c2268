"""Whether torch works, seen once for each that is installed: to import it takes seconds."""

from __future__ import annotations

import asyncio

from tui_hub.runtime.pythons import probe_torch, torch_installed, try_torch
from tui_hub.services.context import Context

_MARK = "torch imported"


async def tried_torch(context: Context) -> str | None:
    """The version of the torch that loads models; `None` where that Python has none.

    This program's own is remembered once it was imported, until another one is installed.

    Raises:
        HubError: when that Python cannot be run, or cannot import the torch that it has.
    """
    configuration, marks = context.configuration, context.hub.marks
    python, environment = configuration.settings.runtime.python, configuration.plain_environment
    installed = None if python else await asyncio.to_thread(torch_installed)
    if installed is not None and await marks.get(_MARK) == installed:
        return await probe_torch(None)
    version = await try_torch(python, environment=environment)
    if version is not None and installed is not None:
        await marks.put(_MARK, installed)
    return version
