"""The changes of slots that other processes are at, as their journal and their jobs tell."""

from __future__ import annotations

from collections.abc import Collection

from tui_hub.domain.errors import NotFoundError
from tui_hub.domain.jobs import Progress
from tui_hub.domain.slots import slot_lease
from tui_hub.domain.swaps import Swap, SwapPicture, SwapStep
from tui_hub.domain.types import ModelType
from tui_hub.services.context import Context
from tui_hub.services.jobs import leases
from tui_hub.services.jobs.service import Jobs


async def swaps_elsewhere(
    context: Context, jobs: Jobs, here: Collection[ModelType]
) -> tuple[SwapPicture, ...]:
    """What living processes are at, but for the slots that this one changes.

    Args:
        context: the open home.
        jobs: its jobs.
        here: the slots that this process changes.
    """
    found = []
    for swap in await context.hub.swaps.list():
        holder = await leases.holder(context.hub, slot_lease(swap.type))
        if swap.type not in here and holder is not None:
            found.append(_picture(swap, await _progress(jobs, swap.job)))
    return tuple(found)


async def _progress(jobs: Jobs, job: str | None) -> Progress:
    try:
        return Progress() if job is None else (await jobs.get(job)).progress
    except NotFoundError:
        return Progress()


def _picture(swap: Swap, progress: Progress) -> SwapPicture:
    total = progress.total or 0
    if swap.committed:
        step = SwapStep.PUBLISHING
    elif swap.wanted is None:
        step = SwapStep.RELEASING
    else:
        step = SwapStep.LOADING if total else SwapStep.CHECKING
    return SwapPicture(
        type=swap.type,
        model=swap.wanted.model if swap.wanted else None,
        previous=swap.previous.model if swap.previous else None,
        step=step,
        done=progress.done if step is SwapStep.LOADING else 0,
        total=total if step is SwapStep.LOADING else 0,
        local=False,
    )
