"""One try to call a hook: an address that gets a POST, or a command that is run."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import hmac
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self, TypeAlias

import msgspec

from tui_hub.domain.errors import HubError, RateLimitedError, UnsafeError
from tui_hub.runtime.spawning import without_secrets
from tui_hub.services.agent.service import environment_for
from tui_hub.services.hooks.payloads import HookCall
from tui_hub.settings import HOOK_VARIABLE, Configuration, HookSettings
from tui_hub.sources.exchange import Ask
from tui_hub.sources.http import Api
from tui_hub.sources.network import host_of
from tui_hub.text import clean, duration

_ANSWER_LIMIT = 1024**2
_LONGEST_PAUSE = 60.0
_PASSING = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY)
"""Why a program cannot be started now, though perhaps in a moment."""
_PIPE_BYTES = 64 * 1024
"""What a pipe of Linux holds (pipe(7))."""
_TAIL_BYTES = 4096
_OUTPUT_LIMIT = 200


class CallFailedError(HubError):
    """A try that came to nothing."""

    def __init__(self, message: str, *, final: bool = False, pause: float = 0.0) -> None:
        super().__init__(message)
        self.final = final
        """Whether another try would come to the same."""
        self.pause = pause
        """Seconds that were asked for before the next one."""


class Webhook:
    """An address that gets the document by POST, signed where a secret is named."""

    def __init__(self, hook: HookSettings, configuration: Configuration) -> None:
        self._hook = hook
        self._environment = configuration.environment
        network = msgspec.structs.replace(
            configuration.settings.network, timeout=hook.timeout, retries=1
        )
        self._api = Api(network, configuration.environment, offline=lambda: configuration.offline)

    async def call(self, call: HookCall) -> None:
        """Send the document once.

        Raises:
            CallFailedError: no answer, or one that is no success.
        """
        document = call.document()
        ask = Ask(
            method="POST",
            content=document,
            private=self._headers(call, document),
            limit=_ANSWER_LIMIT,
            patience=0.0,
        )
        timeout = self._hook.timeout
        try:
            async with asyncio.timeout(timeout):
                answer = await self._api.fetch(self._hook.url, ask)
        except TimeoutError:
            raise CallFailedError(f"no answer within {duration(timeout)}") from None
        except RateLimitedError as error:
            raise CallFailedError(
                error.message, pause=min(error.wait or 0.0, _LONGEST_PAUSE)
            ) from None
        except HubError as error:
            final = isinstance(error, UnsafeError)
            raise CallFailedError(error.message, final=final) from None
        if not 200 <= answer.status < 300:
            raise CallFailedError(f"{host_of(answer.url)} answers {answer.status}", final=True)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    def _headers(self, call: HookCall, document: bytes) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "x-tui-hub-event": call.event.value,
            "x-tui-hub-delivery": call.id,
        }
        if self._hook.secret:
            secret = self._environment.get(self._hook.secret)
            if not secret:
                raise CallFailedError(f"the variable {self._hook.secret} is not set", final=True)
            digest = hmac.new(secret.encode(), document, hashlib.sha256).hexdigest()
            headers["x-tui-hub-signature"] = f"sha256={digest}"
        return headers


class Command:
    """A program that gets the document on its stdin, and its main facts as variables.

    It has a session of its own, so that it can be ended with all that it started. Only when this
    process is killed does it go on to its own end.
    """

    def __init__(self, name: str, hook: HookSettings, configuration: Configuration) -> None:
        program, *arguments = hook.command
        self._command = (os.path.expanduser(program), *arguments)
        self._timeout = hook.timeout
        self._folder = configuration.paths.config_file.absolute().parent
        plain = replace(configuration, environment=configuration.plain_environment)
        self._environment = {**without_secrets(environment_for(plain)), HOOK_VARIABLE: name}

    async def call(self, call: HookCall) -> None:
        """Run the program; once it has begun, another try would do again what it did.

        Raises:
            CallFailedError: it cannot be run, fails, or takes too long.
        """
        try:
            with _Tail() as tail:
                status = await self._run(call, tail)
                last = tail.last_line()
        except OSError as error:
            why = f"{clean(self._command[0], 200)} cannot be run: {error.strerror}"
            raise CallFailedError(why, final=error.errno not in _PASSING) from None
        if status:
            words = f"exit status {status}" + (f": {last}" if last else "")
            raise CallFailedError(words, final=True)

    async def close(self) -> None:
        """Nothing is held between two calls."""

    async def _run(self, call: HookCall, tail: _Tail) -> int | None:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=self._folder if self._folder.is_dir() else Path("/"),
            env={**self._environment, **_variables(call)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=tail.inlet,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._timeout):
                await process.communicate(call.document())
        except TimeoutError:
            words = f"not done within {duration(self._timeout)}"
            raise CallFailedError(words, final=True) from None
        finally:
            # Also what it started itself and left behind when it was cut short.
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await asyncio.shield(process.wait())
        return process.returncode


class _Tail:
    """A pipe that takes whatever a program says, and keeps the end of it.

    The pipes of asyncio will not do: a program has not ended for them before everything that it
    left running in the background has closed its stderr, too.
    """

    def __enter__(self) -> Self:
        self._outlet, self.inlet = os.pipe()
        os.set_blocking(self._outlet, False)
        self._kept = b""
        asyncio.get_running_loop().add_reader(self._outlet, self._read)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._outlet)
        os.close(self._outlet)
        os.close(self.inlet)

    def last_line(self) -> str:
        """The last line so far, clean."""
        self._read()
        lines = self._kept.decode("utf-8", "replace").strip().splitlines()
        return clean(lines[-1].strip(), _OUTPUT_LIMIT) if lines else ""

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._kept = (self._kept + os.read(self._outlet, _PIPE_BYTES))[-_TAIL_BYTES:]


Callee: TypeAlias = Webhook | Command
"""Who is called. A `call` is one try, and raises `CallFailedError` when it comes to nothing."""


def callee(name: str, hook: HookSettings, configuration: Configuration) -> Callee:
    """Who is called by a hook of the settings."""
    return Webhook(hook, configuration) if hook.url else Command(name, hook, configuration)


def _variables(call: HookCall) -> Mapping[str, str]:
    """What the call is about, and the facts that are one word each, for scripts without JSON."""
    nested = call.facts.get("job")
    job = nested if isinstance(nested, Mapping) else {"id": nested, **call.facts}
    payload = job.get("payload")
    model = job.get("model") or (payload.get("model") if isinstance(payload, Mapping) else None)
    told = {
        "TUI_HUB_EVENT": call.event.value,
        "TUI_HUB_JOB": job.get("id"),
        "TUI_HUB_JOB_TYPE": job.get("type"),
        "TUI_HUB_STATUS": job.get("status"),
        "TUI_HUB_MODEL": model,
        "TUI_HUB_SLOT": call.facts.get("slot"),
        "TUI_HUB_COUNT": call.facts.get("count"),
    }
    return {name: clean(str(value)) for name, value in told.items() if value is not None}
