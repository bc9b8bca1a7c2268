"""One try to call a hook: an address that gets a POST, or a command that is run."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Protocol

import msgspec

from tui_hub.domain.errors import HubError, RateLimitedError, UnsafeError
from tui_hub.runtime.spawning import without_secrets
from tui_hub.services.agent import environment_for
from tui_hub.services.hook_payloads import HookCall
from tui_hub.settings import HOOK_VARIABLE, Configuration, HookSettings
from tui_hub.sources.exchange import Ask
from tui_hub.sources.http import Api
from tui_hub.sources.network import host_of
from tui_hub.text import clean, duration

_ANSWER_LIMIT = 1024**2
_LONGEST_PAUSE = 60.0
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


class Callee(Protocol):
    """Who is called."""

    async def call(self, call: HookCall) -> None:
        """Try once.

        Raises:
            CallFailedError: when it came to nothing.
        """

    async def close(self) -> None:
        """Give back what it holds."""


def callee(name: str, hook: HookSettings, configuration: Configuration) -> Callee:
    """Who is called by a hook of the settings."""
    return Webhook(hook, configuration) if hook.url else Command(name, hook, configuration)


class Webhook:
    """An address that gets the document by POST, signed where a secret is named."""

    def __init__(self, hook: HookSettings, configuration: Configuration) -> None:
        self._hook = hook
        self._environment = configuration.environment
        network = msgspec.structs.replace(
            configuration.settings.network, timeout=hook.timeout, retries=1
        )
        self._api = Api(network, configuration.environment)

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
    """A program that gets the document on its stdin, and its main facts as variables."""

    def __init__(self, name: str, hook: HookSettings, configuration: Configuration) -> None:
        self._name = name
        self._hook = hook
        program, *arguments = hook.command
        self._command = (os.path.expanduser(program), *arguments)
        self._configuration = configuration

    async def call(self, call: HookCall) -> None:
        """Run the program once.

        Raises:
            CallFailedError: it cannot be run, fails, or takes too long.
        """
        timeout = self._hook.timeout
        with tempfile.TemporaryFile() as talk:
            process = await self._start(call, talk)
            try:
                async with asyncio.timeout(timeout):
                    await process.communicate(call.document())
            except TimeoutError:
                raise CallFailedError(f"not done within {duration(timeout)}") from None
            finally:
                # Also what it started itself and left behind when it was cut short.
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    await asyncio.shield(process.wait())
            if process.returncode:
                last = _last_line(talk)
                words = f"exit status {process.returncode}" + (f": {last}" if last else "")
                raise CallFailedError(words)

    async def close(self) -> None:
        """Nothing is held between two calls."""

    async def _start(self, call: HookCall, talk: IO[bytes]) -> asyncio.subprocess.Process:
        folder = self._configuration.paths.config_file.absolute().parent
        try:
            return await asyncio.create_subprocess_exec(
                *self._command,
                cwd=folder if folder.is_dir() else Path("/"),
                env=self._environment(call),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=talk,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise CallFailedError(
                f"{clean(self._command[0], 200)} cannot be run: {why}", final=True
            ) from None

    def _environment(self, call: HookCall) -> dict[str, str]:
        """The environment of this process without its secrets, and what the call is about."""
        environment = without_secrets(environment_for(self._configuration))
        environment.pop(self._hook.secret, None)
        return {
            **environment,
            **_variables(call),
            HOOK_VARIABLE: self._name,
            "TUI_HUB_EVENT": call.event.value,
        }


def _variables(call: HookCall) -> Mapping[str, str]:
    """The facts that are one word each, for scripts that read no JSON."""
    nested = call.facts.get("job")
    job = nested if isinstance(nested, Mapping) else {"id": nested, **call.facts}
    payload = job.get("payload")
    model = job.get("model") or (payload.get("model") if isinstance(payload, Mapping) else None)
    told = {
        "TUI_HUB_JOB": job.get("id"),
        "TUI_HUB_JOB_TYPE": job.get("type"),
        "TUI_HUB_STATUS": job.get("status"),
        "TUI_HUB_MODEL": model,
        "TUI_HUB_SLOT": call.facts.get("slot"),
        "TUI_HUB_COUNT": call.facts.get("count"),
    }
    return {name: clean(str(value)) for name, value in told.items() if value is not None}


def _last_line(talk: IO[bytes]) -> str:
    talk.seek(0, os.SEEK_END)
    talk.seek(max(0, talk.tell() - _TAIL_BYTES))
    lines = talk.read(_TAIL_BYTES).decode("utf-8", "replace").strip().splitlines()
    return clean(lines[-1].strip(), _OUTPUT_LIMIT) if lines else ""
