"""The hooks: whether each could be called, and how that went last."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tui_hub import text
from tui_hub.database import HubDatabase
from tui_hub.domain.doctor import Finding
from tui_hub.services.doctor.findings import ok, warning
from tui_hub.settings import Configuration


async def look(configuration: Configuration, hub: HubDatabase) -> AsyncIterator[Finding]:
    """One finding for each hook of the settings; nothing where there are none."""
    for name, hook in configuration.settings.hooks.items():
        if not hook.enabled:
            yield ok("hooks", f"{name} is switched off")
            continue
        if hook.url and hook.secret and not configuration.environment.get(hook.secret):
            yield warning(
                "hooks",
                f"{name} is not called: the variable {hook.secret} is not set",
                f"Set {hook.secret} where the program runs, or take `secret` out of the hook.",
            )
            continue
        state = await hub.hooks.get(name)
        if state is None:
            yield ok("hooks", f"{name} was not called yet")
        elif state.error is None:
            yield ok("hooks", f"{name} was called {text.ago(state.called_at)}")
        else:
            times = "once" if state.failures == 1 else f"{state.failures} times in a row"
            yield warning(
                "hooks",
                f"{name} failed {times}, last {text.ago(state.called_at)}: {state.error}",
                f"Mend what it calls, or [hooks.{name}] in {configuration.paths.config_file}.",
            )
