"""The servers of the user's own that hold models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tui_hub.domain.doctor import Finding
from tui_hub.domain.errors import HubError
from tui_hub.runtime.command import find_program
from tui_hub.services.doctor.findings import ok, warning
from tui_hub.services.holders.command_loader import folder_of
from tui_hub.settings import Configuration

_CHECK = "commands"


async def look(configuration: Configuration) -> AsyncIterator[Finding]:
    """Find the program of each; says nothing where the settings name none."""
    environment, folder = configuration.plain_environment, folder_of(configuration)
    for name, command in configuration.settings.runtime.commands.items():
        try:
            wanted = command.command[0]
            program = await asyncio.to_thread(find_program, wanted, environment, folder)
        except HubError as error:
            yield warning(_CHECK, f"{name}: {error.message}", error.hint)
        else:
            yield ok(_CHECK, f"{name} is {program}")
