"""What is typed, in the order in which it was typed: each key is done before the next is looked at.

Textual hands a key to the widget in focus, and lets it climb from queue to queue up to the program,
which then looks for its command. Keys that come at once, as over SSH or from a paste, overtake one
another on that way: of `/quit` the second letter would be a command before the search box has the
focus, and a letter typed after a backspace would be the one that is deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from textual import events
from textual.message_pump import MessagePump
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.app import App

Typed = events.Key | events.Paste

_PATIENCE = 1.0
"""Seconds that what was typed waits at most for what was typed before it."""


class Keyboard:
    """Holds back what is typed until what was typed before is done with."""

    def __init__(
        self,
        app: App[Any],
        give: Callable[[Typed], Awaitable[None]],
        answered: Callable[[], Awaitable[None]],
    ) -> None:
        """Prepare; nothing is handed on before `hand_on`.

        Args:
            app: the program.
            give: hands on what was typed.
            answered: waits until the screen in front shows what it was asked for last; a command
                is for what a person will see there.
        """
        self._app = app
        self._give = give
        self._answered = answered
        self._typed: asyncio.Queue[Typed] = asyncio.Queue()
        self._words = False
        """Whether words were typed since the last command."""

    def take(self, typed: Typed) -> None:
        """Keep what was typed until it is its turn."""
        self._typed.put_nowait(typed)

    async def hand_on(self) -> None:
        """Hand on what is typed for as long as the program runs."""
        while True:
            typed = await self._typed.get()
            focused = self._app.focused
            try:
                if not self._is_word(typed, focused):
                    await self._catch_up(focused)
                await self._give(typed)
            except asyncio.CancelledError:
                # What a command waited for may have been cancelled, and not this.
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
            # All but a key of `press` may wait in the queue of the widget by now.
            await self._settle(None if isinstance(typed, events.Paste) else focused)
            self._typed.task_done()

    async def done(self) -> None:
        """Wait until all is done that was typed."""
        await self._typed.join()

    def _is_word(self, typed: Typed, focused: Widget | None) -> bool:
        if isinstance(typed, events.Paste):
            self._words = True
            return True
        word = focused is not None and focused.check_consume_key(typed.key, typed.character)
        self._words = self._words or word
        return word

    async def _catch_up(self, focused: Widget | None) -> None:
        """Let the words that were typed reach their screen, and its answer come."""
        if self._words and focused is not None:
            for node in focused.ancestors_with_self:
                await _reach(node)
        self._words = False
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._answered()

    async def _settle(self, focused: MessagePump | None) -> None:
        """Wait until a change of the focus or of the screen is through."""
        await _reach(self._app)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._app.screen._mounted_event.wait()
        now = self._app.focused
        if now is not None and now is not focused:
            await _reach(now)


async def _reach(node: MessagePump) -> None:
    """Wait until all is done that stands in the queue of a part of the screen by now."""
    reached = asyncio.Event()
    if node.call_later(reached.set):
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await reached.wait()


async def press(app: App[Any], key: events.Key) -> None:
    """Give a key to the widget in focus and to all that it lies in, then to the commands.

    All in one go, where Textual waits for the queue of each: with many threads at work a round of
    the loop takes milliseconds, and a key would need seven of them.
    """
    if await app._check_bindings(key.key, priority=True):
        return
    key._set_forwarded()
    key.bubble = False  # type: ignore[misc]  # it climbs here, and not from queue to queue
    for node in (app.focused or app.screen).ancestors_with_self:
        key.prevent_default(False)  # what one part leaves out says nothing of the next
        with node._context():
            await node._dispatch_message(key)
        if key._stop_propagation:
            return
