"""The schedule of the sync, the feeds, and the agent that runs them without a screen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime

from tui_hub import text
from tui_hub.domain.doctor import Finding
from tui_hub.domain.feeds import FeedState, FeedStatus
from tui_hub.services.agent.service import Agent
from tui_hub.services.agent.unit import NAME, unit_path
from tui_hub.services.doctor.findings import failure, ok, warning
from tui_hub.services.sync.scheduler import Scheduler
from tui_hub.services.sync.service import Sync
from tui_hub.services.sync.timetable import Timetable
from tui_hub.settings import Configuration

_AGENT = "`tui-hub agent --install` lets it run without a screen."
_LOGINCTL_SECONDS = 5.0


async def look(scheduler: Scheduler, sync: Sync, now: datetime) -> AsyncIterator[Finding]:
    """Who runs the feeds, and which of them fail or wait."""
    state = await scheduler.state()
    statuses = await sync.status()
    if state.off is not None:
        yield ok("schedule", f"it is off: {state.off}")
    elif state.holder is None:
        yield ok("schedule", "it rests: no screen and no agent of this home is open", _AGENT)
    else:
        host = text.clean(state.holder.host, 60)
        yield ok("schedule", f"process {state.holder.pid} on {host} runs it")
    timetable = sync.turns.timetable
    for problem in timetable.problems.values():
        yield failure("feeds", problem)
    if state.off is None and state.holder is None:
        for finding in _waiting(timetable, statuses, now):
            yield finding
    failed = [
        status
        for status in statuses
        if status.state is FeedState.FAILED and status.feed not in timetable.problems
    ]
    for why in dict.fromkeys(status.error for status in failed):
        yield _failed([status for status in failed if status.error == why])


def _waiting(
    timetable: Timetable, statuses: Sequence[FeedStatus], now: datetime
) -> Iterator[Finding]:
    if all(status.state is FeedState.NEVER for status in statuses):
        yield ok("feeds", "nothing was synced yet", "`tui-hub sync` fills the catalogue.")
        return
    due = [status.feed for status in statuses if timetable.is_due(status, now)]
    if due:
        shown = ", ".join(due[:3]) + (f" and {len(due) - 3} more" if len(due) > 3 else "")
        yield warning(
            "feeds", f"overdue, as nobody runs them: {shown}", f"`tui-hub sync`; {_AGENT}"
        )
    else:
        yield ok("feeds", "none is overdue")


def _failed(statuses: Sequence[FeedStatus]) -> Finding:
    """One finding for all feeds that failed for the same reason."""
    first = statuses[0]
    why = first.error or "no reason is known"
    next_run = min((one.next_run for one in statuses if one.next_run), default=None)
    again = f"; tried again {text.clock(next_run)}" if next_run else ""
    if len(statuses) > 1:
        return warning(
            "feeds", f"{len(statuses)} feeds failed: {why}{again}", "`tui-hub sync` tries now."
        )
    return warning(
        "feeds", f"{first.feed} failed: {why}{again}", f"`tui-hub sync {first.feed}` tries now."
    )


async def look_at_agent(agent: Agent, configuration: Configuration) -> AsyncIterator[Finding]:
    """Whether an agent works, and whether its systemd unit lets it."""
    holder = await agent.holder()
    installed = unit_path(configuration.environment).exists()
    if holder is not None:
        yield ok("agent", f"it is process {holder.pid} on {text.clean(holder.host, 60)}")
    elif installed:
        yield warning(
            "agent",
            "its systemd unit is installed, but no agent works",
            f"`systemctl --user enable --now {NAME}`; `systemctl --user status {NAME}` says more.",
        )
    else:
        yield ok("agent", "none works; work goes on while a screen is open", _AGENT)
    if installed and await _lingers(configuration) is False:
        yield warning(
            "agent", "it ends when this user logs out of the box", "`loginctl enable-linger`"
        )


async def _lingers(configuration: Configuration) -> bool | None:
    """Whether services of this user outlive the login (loginctl(1)); `None` if nobody tells."""
    path = configuration.environment.get("PATH", os.defpath)
    loginctl = shutil.which("loginctl", path=path)
    if loginctl is None:
        return None
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return None
    process = await asyncio.create_subprocess_exec(
        loginctl,
        "show-user",
        user,
        "--property=Linger",
        "--value",
        env={"PATH": path},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_LOGINCTL_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return {b"yes": True, b"no": False}.get(said.strip())
