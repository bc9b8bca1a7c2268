"""Examining a home, and looking at what was found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tui_hub.domain.doctor import Finding, FindingStatus
from tui_hub.services.doctor.visits import examine
from tui_hub.settings import Configuration

OK, WARNING, ERROR = FindingStatus.OK, FindingStatus.WARNING, FindingStatus.ERROR
SECONDS = 60.0
"""In which an examination must have ended, whatever hangs."""


async def examined(configuration: Configuration) -> tuple[Finding, ...]:
    """Everything that is found."""
    async with asyncio.timeout(SECONDS):
        return await examine(configuration)


def of(found: Sequence[Finding], check: str) -> list[Finding]:
    """What one check found."""
    return [finding for finding in found if finding.check == check]


def the(found: Sequence[Finding], check: str) -> Finding:
    """The only thing that one check found."""
    (finding,) = of(found, check)
    return finding


def errors(found: Sequence[Finding]) -> set[str]:
    """The checks that found errors."""
    return {finding.check for finding in found if finding.status is ERROR}


@asynccontextmanager
async def server(answer: bytes | None) -> AsyncIterator[str]:
    """The address of a server that gives one answer to everything, or none ever."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if answer is None:
                await reader.read()
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer or b"")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = running.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.close()
