"""Hooks: webhooks and commands of the user's, told of what this process did.

Each hook has a line of its own, so that one that hangs keeps no other from its calls, and nothing
here keeps the work itself from going on.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tui_hub import text
from tui_hub.domain.errors import HubError
from tui_hub.domain.hooks import HookEvent, HookState
from tui_hub.domain.jobs import Job
from tui_hub.services.context import Context
from tui_hub.services.hook_calls import Callee, CallFailedError, callee
from tui_hub.services.hook_payloads import MODELS, HookCall, of_job
from tui_hub.services.jobs import Jobs
from tui_hub.settings import HOOK_VARIABLE, HookSettings
from tui_hub.sources.limits import Clock, backoff
from tui_hub.version import __version__

_log = logging.getLogger(__name__)

GRACE = 10.0
"""Seconds that calls under way get at the end of the program."""
WAITING = 100
"""Calls that wait for one hook; what comes beyond that is dropped."""
_AT_ONCE = 4
_TRIES = 3


class Hooks:
    """Tells the hooks of the settings what happens in this process."""

    def __init__(self, context: Context, jobs: Jobs) -> None:
        configuration = context.configuration
        room = asyncio.Semaphore(_AT_ONCE)
        hooks = configuration.settings.hooks
        if configuration.environment.get(HOOK_VARIABLE):
            hooks = {}  # a hook runs this very program, which must not go round in circles
        if configuration.settings.network.offline:
            hooks = {name: hook for name, hook in hooks.items() if not hook.url}
        self._host = context.owner.host
        self._lines = [
            _Line(name, hook, callee(name, hook, configuration), context, room)
            for name, hook in hooks.items()
            if hook.enabled
        ]
        jobs.tell(self._job_ended)

    def new_models(self, count: int, models: Sequence[str]) -> None:
        """Tell of models that a sync found as new.

        Args:
            count: how many they are.
            models: ids of the foremost; some fifty are passed on.
        """
        if count:
            self._tell(HookEvent.NEW_MODELS, {"count": count, "models": list(models[:MODELS])})

    async def close(self) -> None:
        """Give calls under way a little time, and give the rest up."""
        await asyncio.gather(*(line.close() for line in self._lines))

    def _job_ended(self, job: Job) -> None:
        for event, facts in of_job(job):
            self._tell(event, facts)

    def _tell(self, event: HookEvent, facts: Mapping[str, object]) -> None:
        call = HookCall(
            id=uuid.uuid4().hex,
            event=event,
            facts=facts,
            host=self._host,
            program=f"tui-hub/{__version__}",
        )
        for line in self._lines:
            line.put(call)


class _Line:
    """The calls of one hook, one after the other."""

    def __init__(
        self,
        name: str,
        hook: HookSettings,
        called: Callee,
        context: Context,
        room: asyncio.Semaphore,
    ) -> None:
        self._name = name
        self._events = frozenset(hook.events or HookEvent)
        self._callee = called
        self._context = context
        self._table = context.hub.hooks
        self._pace = Clock(sleep=context.clock.sleep, random=context.clock.random)
        self._room = room
        self._calls: asyncio.Queue[HookCall] = asyncio.Queue(WAITING)
        self._worker: asyncio.Task[None] | None = None
        self._dropped = 0

    def put(self, call: HookCall) -> None:
        """Have a call made, if the hook wants it and the line is not too long."""
        if call.event not in self._events:
            return
        try:
            self._calls.put_nowait(call)
        except asyncio.QueueFull:
            if not self._dropped:
                _log.warning("hook %s is too slow: calls are dropped", self._name)
            self._dropped += 1
            return
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name=f"hook {self._name}")

    async def close(self) -> None:
        """Wait for the calls, though not for long, and make no more."""
        if self._worker is not None:
            try:
                async with asyncio.timeout(GRACE):
                    await self._calls.join()
            except TimeoutError:
                await self._settle(f"given up at the end of the program, after {GRACE:.0f} s")
            finally:
                self._worker.cancel()
                await asyncio.gather(self._worker, return_exceptions=True)
        await self._callee.close()

    async def _work(self) -> None:
        while True:
            call = await self._calls.get()
            try:
                async with self._room:
                    error = await self._deliver(call)
                await self._settle(error)
            except Exception:  # a hook never brings anything else down
                _log.exception("hook %s ended by a fault of the program", self._name)
            finally:
                self._calls.task_done()
            if self._dropped and self._calls.empty():
                _log.warning("hook %s: %d calls were dropped", self._name, self._dropped)
                self._dropped = 0

    async def _deliver(self, call: HookCall) -> str | None:
        """Make a call, with a few tries; why it came to nothing, if so."""
        for attempt in range(_TRIES):
            try:
                await self._callee.call(call)
            except CallFailedError as failed:
                error = failed.message
                _log.debug("hook %s, try %d: %s", self._name, attempt + 1, error)
                if failed.final or attempt + 1 == _TRIES:
                    return error
                await self._pace.sleep(max(failed.pause, backoff(attempt, self._pace)))
            else:
                return None
        return None

    async def _settle(self, error: str | None) -> None:
        try:
            await self._note(error)
        except HubError as failed:
            _log.warning("hook %s: its call was not noted: %s", self._name, failed.message)

    async def _note(self, error: str | None) -> None:
        """Write down how a call went, for the doctor; the log hears of changes only."""
        before = await self._table.get(self._name) or HookState(name=self._name, called_at="")
        told = None if error is None else text.clean(error, 500)
        if told is not None and before.error is None:
            _log.warning("hook %s failed: %s", self._name, told)
        elif told is None and before.error is not None:
            _log.info("hook %s works again", self._name)
        state = replace(
            before,
            called_at=text.now(),
            error=told,
            failures=0 if told is None else before.failures + 1,
        )
        await self._table.put(state)
