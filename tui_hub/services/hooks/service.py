"""Hooks: webhooks and commands of the user's, told of what this process did.

Each hook has a line of its own with one call under way, so that one that hangs keeps no other from
its calls, and nothing here keeps the work itself from going on.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tui_hub import text
from tui_hub.domain.hooks import HookEvent, HookState
from tui_hub.domain.jobs import Job
from tui_hub.services.context import Context
from tui_hub.services.hooks.calls import Callee, CallFailedError, callee
from tui_hub.services.hooks.payloads import MODELS, HookCall, of_job
from tui_hub.services.jobs.service import HOOK, Jobs
from tui_hub.settings import HOOK_VARIABLE, HookSettings
from tui_hub.sources.limits import Clock, backoff
from tui_hub.version import __version__

_log = logging.getLogger(__name__)

GRACE = 10.0
"""Seconds that calls under way get at the end of the program."""
WAITING = 100
"""Calls that wait for one hook; what comes beyond that is dropped."""
_TRIES = 3


class Hooks:
    """Tells the hooks of the settings what happens in this process."""

    def __init__(self, context: Context, jobs: Jobs) -> None:
        self._configuration = configuration = context.configuration
        hooks = configuration.settings.hooks
        if configuration.environment.get(HOOK_VARIABLE):
            hooks = {}  # what a hook's program does is told to none: see `HOOK`
        self._host = context.owner.host
        self._lines = [
            _Line(name, hook, callee(name, hook, configuration), context)
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
        if HOOK in job.payload:
            return
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
            if not (line.remote and self._configuration.offline):
                line.put(call)


class _Line:
    """The calls of one hook, one after the other."""

    def __init__(self, name: str, hook: HookSettings, called: Callee, context: Context) -> None:
        self._name = name
        self.remote = bool(hook.url)
        """Whether its calls need the network."""
        self._events = frozenset(hook.events or HookEvent)
        self._callee = called
        self._table = context.hub.hooks
        self._pace = Clock(sleep=context.clock.sleep, random=context.clock.random)
        self._calls: asyncio.Queue[HookCall] = asyncio.Queue(WAITING)
        self._calling = False
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
            given_up = 0
            try:
                async with asyncio.timeout(GRACE):
                    await self._calls.join()
            except TimeoutError:
                given_up = self._calls.qsize() + self._calling
            finally:
                self._worker.cancel()
                await asyncio.gather(self._worker, return_exceptions=True)
            if given_up:
                why = f"given up at the end of the program, after {GRACE:.0f} s"
                await self._settle(why, given_up)
        await self._callee.close()

    async def _work(self) -> None:
        while True:
            call = await self._calls.get()
            self._calling = True
            try:
                error = await self._deliver(call)
            except Exception:  # a hook never brings anything else down
                _log.exception("hook %s ended by a fault of the program", self._name)
                error = "a fault of the program, which the log tells"
            self._calling = False
            await self._settle(error)
            self._calls.task_done()
            if self._dropped and self._calls.empty():
                _log.warning("hook %s: %d calls were dropped", self._name, self._dropped)
                self._dropped = 0

    async def _deliver(self, call: HookCall) -> str | None:
        """Make a call, with a few tries; why it came to nothing, if so."""
        attempt = 0
        while True:
            try:
                await self._callee.call(call)
            except CallFailedError as failed:
                _log.debug("hook %s, try %d: %s", self._name, attempt + 1, failed.message)
                if failed.final or attempt + 1 == _TRIES:
                    return failed.message
                await self._pace.sleep(max(failed.pause, backoff(attempt, self._pace)))
                attempt += 1
            else:
                return None

    async def _settle(self, error: str | None, calls: int = 1) -> None:
        try:
            await self._note(error, calls)
        except Exception as failed:
            _log.warning("hook %s: its call was not noted: %s", self._name, failed)

    async def _note(self, error: str | None, calls: int) -> None:
        """Write down how calls went, for the doctor; the log hears of changes only."""
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
            failures=0 if told is None else before.failures + calls,
        )
        await self._table.put(state)
