"""What happens on the demo hub while it runs, so that a second sync has something to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tui_hub.demo.hub import DemoHub

_EVERY = 20.0
"""Seconds between two events."""


class Life:
    """A few changes, one after the other: a new model, a commit, another licence, a removal."""

    def __init__(self, hub: DemoHub, now: float) -> None:
        self._hub = hub
        self._next = now + _EVERY
        self._last = hub.registry.entries()[-1].head.id
        self._events: list[Callable[[], None]] = [
            lambda: self._change("demo-lab/lumen-chat", id="demo-lab/lumen-chat-next"),
            lambda: self._change("demo-lab/still-diffusion"),
            lambda: self._change("demo-lab/lumen-chat-large", license="mit"),
            lambda: self._hub.registry.remove(self._last),
        ]

    def go_on(self, now: float) -> None:
        """Let happen what is due at a moment of a monotonic clock."""
        if self._events and now >= self._next:
            self._next = now + _EVERY
            self._events.pop(0)()

    def catch_up(self) -> None:
        """Let everything have happened, so that each commit of an earlier life is served."""
        while self._events:
            self._events.pop(0)()

    def _change(self, name: str, **changes: Any) -> None:
        """A commit to a repository; to another one where the id is among the changes."""
        entry = self._hub.registry.find(name)
        if entry is not None:
            changed = replace(entry.head.repository, last_modified=None)
            self._hub.put(replace(changed, **changes))
