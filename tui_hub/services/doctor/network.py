"""The Hub, the clock by the Hub's, and the token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec

from tui_hub.domain.doctor import Finding
from tui_hub.domain.errors import HubError, UnauthorizedError, UsageError
from tui_hub.services.doctor.findings import error, failure, ok, warning
from tui_hub.settings import Configuration
from tui_hub.sources.huggingface import HuggingFace
from tui_hub.text import duration

SECONDS = 45.0
_PATIENCE = 10.0
"""Seconds for which each of two answers is waited for."""
_CLOCK = 300.0
"""Seconds: signed addresses and certificates bear no more."""


async def look(configuration: Configuration) -> AsyncIterator[Finding]:
    """Ask the Hub once without the token, and once with it."""
    settings = configuration.settings
    if configuration.offline:
        yield ok(
            "network",
            "offline, as the settings or the options ask: nothing was tried",
            "Leave out --offline, or unset HF_HUB_OFFLINE, to use the network.",
        )
        return
    patience = min(settings.network.timeout, _PATIENCE)
    network = msgspec.structs.replace(settings.network, retries=1, timeout=patience)
    settings = msgspec.structs.replace(settings, network=network)
    source = HuggingFace(replace(configuration, settings=settings))
    try:
        async for finding in _ask(source, _named(configuration)):
            yield finding
    finally:
        await source.close()


def _named(configuration: Configuration) -> str:
    """Who says which Hub is asked, where it is not the usual one."""
    if configuration.settings.huggingface.endpoint:
        return ", the endpoint of huggingface.endpoint,"
    return ", the endpoint of HF_ENDPOINT," if configuration.environment.get("HF_ENDPOINT") else ""


async def _ask(source: HuggingFace, named: str) -> AsyncIterator[Finding]:
    try:
        reached = await source.reach()
    except UsageError as wrong:
        yield failure("network", wrong)
        return
    except HubError as failed:
        yield warning("network", failed.message, _offline(failed))
        return
    way = " through a proxy" if reached.proxied else ""
    yield ok("network", f"{reached.host}{named} answers{way} in {reached.seconds * 1000:.0f} ms")
    if reached.ahead is not None:
        yield _clock(reached.ahead)
    try:
        name = await source.whoami()
    except UnauthorizedError as refused:
        yield failure("token", refused)
    except HubError as failed:
        yield warning("token", f"it could not be tried: {failed.message}", failed.hint)
    else:
        yield _token(name)


def _offline(failed: HubError) -> str:
    return f"{failed.hint or ''} What is here works without it.".strip()


def _clock(ahead: float) -> Finding:
    if abs(ahead) < _CLOCK:
        return ok("clock", "it agrees with the Hub's")
    way = "ahead of" if ahead > 0 else "behind"
    return error(
        "clock",
        f"it is {duration(abs(ahead))} {way} the Hub's: certificates and signed addresses fail",
        "`timedatectl set-ntp true` lets it follow the network's time.",
    )


def _token(name: str | None) -> Finding:
    if name is None:
        return ok(
            "token",
            "there is none: models that anybody may have can be downloaded",
            "For gated and private ones set HF_TOKEN, or run `hf auth login`.",
        )
    return ok("token", f"accepted, for the account {name}" if name else "accepted")
