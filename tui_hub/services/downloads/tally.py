"""The bytes that a home has downloaded in all its days, counted over processes and restarts."""

from __future__ import annotations

from tui_hub.domain.downloads import Download
from tui_hub.domain.jobs import Job
from tui_hub.services.context import Context
from tui_hub.services.downloads.pictures import remembered

_MARK = "downloaded bytes"


async def count_transferred(context: Context, job: Job, picture: Download) -> None:
    """Add what one attempt has transferred.

    Args:
        context: the home.
        job: the download as it was when the attempt began.
        picture: the download at the end of the attempt.
    """
    fresh = picture.bytes_transferred - remembered(job).bytes_transferred
    if fresh > 0:
        await context.hub.marks.add(_MARK, fresh)


async def transferred(context: Context) -> int:
    """The bytes that all attempts have transferred which have ended."""
    return await context.hub.marks.get(_MARK) or 0
