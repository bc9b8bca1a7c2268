"""Running checks side by side, so that none of them can crash, hang or hold up the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence

from tui_hub.domain.doctor import Finding
from tui_hub.domain.errors import HubError
from tui_hub.domain.frozen import dataclass
from tui_hub.services.doctor import findings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at."""

    name: str
    look: Callable[[], AsyncIterator[Finding]]
    seconds: float = 15.0
    """How long it may take."""


async def run(checks: Sequence[Check]) -> tuple[Finding, ...]:
    """The findings of all checks, in the order of the checks."""
    found = await asyncio.gather(*map(_run, checks))
    return tuple(finding for some in found for finding in some)


async def _run(check: Check) -> list[Finding]:
    """What a check finds, with what it found before it failed."""
    found: list[Finding] = []
    try:
        async with asyncio.timeout(check.seconds):
            async for finding in check.look():
                found.append(finding)
    except TimeoutError:
        found.append(
            findings.error(
                check.name,
                f"no answer within {check.seconds:.0f} s",
                "A disk, a driver or another process hangs; `dmesg` may tell which.",
            )
        )
    except HubError as failed:
        found.append(findings.failure(check.name, failed))
    except Exception as fault:  # what cannot be looked at is a finding too
        _log.exception("the check %s failed", check.name)
        found.append(
            findings.error(
                check.name,
                f"this could not be looked at: {type(fault).__name__}: {fault}",
                "The log tells more; `tui-hub paths` names its folder.",
            )
        )
    return found
