"""The daemon of Ollama: the models that it has, and those that it holds in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tui_hub import text
from tui_hub.domain.errors import AbsentError, HubError, NoConnectionError, NotFoundError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.domain.ollama import OllamaModel, OllamaRelease, OllamaState
from tui_hub.domain.runtime import OLLAMA
from tui_hub.events import HardwareSampled
from tui_hub.runtime.ollama import OllamaMemory, whole_name
from tui_hub.services.context import Context
from tui_hub.services.hardware import Hardware
from tui_hub.services.holders.memory import BACK_POLL, BACK_SECONDS, ENOUGH
from tui_hub.sources.limits import Clock
from tui_hub.sources.network import host_of
from tui_hub.sources.ollama_daemon import HELD, Daemon, is_loopback
from tui_hub.text import clean

_T = TypeVar("_T")
_CHUNK = 1024 * 1024
_AT_ONCE = 15.0
"""Seconds for what needs no loading."""


class Ollama:
    """Asks the daemon, and has it load and let go."""

    def __init__(self, context: Context, hardware: Hardware) -> None:
        self._context = context
        self._hardware = hardware
        configuration = context.configuration
        self._daemon = Daemon(configuration, Clock(), near=True)
        self.load_timeout = configuration.settings.ollama.load_timeout
        """Seconds until the daemon must have loaded a model."""
        self._slow = Daemon(configuration, Clock(), near=True, timeout=self.load_timeout)
        self.memory = OllamaMemory(self._ask, self._ask_slowly)
        """What it has in memory."""

    @property
    def address(self) -> str:
        """Where the daemon answers.

        Raises:
            UsageError: when the settings name no address.
        """
        return self._daemon.address

    @property
    def elsewhere(self) -> str | None:
        """The host of the daemon, where that is not this box."""
        return None if is_loopback(self.address) else host_of(self.address)

    async def held(self, model: str) -> Model | None:
        """A model as the daemon tells of it; `None` where it does not have it.

        Raises:
            AbsentError: no daemon answers.
            UnreachableError: what answers is no daemon.
        """
        wanted = str(ModelId.parse(model)).casefold()
        held = await _in_time(_AT_ONCE, self._daemon.held())
        return next((one for one in held.models if one.id.casefold() == wanted), None)

    async def give(
        self, name: str, file: Path, sha256: str, parameters: Mapping[str, object]
    ) -> None:
        """Let the daemon have a GGUF file as a model of its own, of which it keeps a copy.

        Args:
            name: what the model is to be called.
            file: the file.
            sha256: its hash.
            parameters: options that count for whoever asks the model without others.

        Raises:
            AbsentError: no daemon answers.
            HubError: when it does not take it.
        """
        if not await self._daemon.has_blob(sha256):
            size = (await self._context.on_disk(file.stat)).st_size
            answer = await self._slow.put_blob(sha256, size, self._bytes_of(file))
            if answer.status not in (200, 201):
                raise HubError(
                    f"the Ollama daemon does not take {clean(file.name, 100)}: {answer.status} "
                    f"{clean(answer.message, 200)}",
                    hint="Has the disk of its own store room for a copy?",
                )
        await self.memory.create(name, file.name, sha256, parameters)

    async def _bytes_of(self, file: Path) -> AsyncIterator[bytes]:
        opened = await self._context.on_disk(file.open, "rb")
        try:
            while chunk := await self._context.on_disk(opened.read, _CHUNK):
                yield chunk
        finally:
            opened.close()

    async def loaded(self) -> tuple[OllamaModel, ...]:
        """What the daemon has in memory, with the slot that each is active in.

        Raises:
            AbsentError: no daemon answers.
            UnreachableError: what answers is no daemon, or too old a one.
        """
        ours = {
            whole_name(slot.child): slot.type.value
            for slot in await self._context.hub.slots.list()
            if slot.runtime == OLLAMA and slot.child is not None
        }
        return tuple(
            replace(one, slot=ours.get(whole_name(one.name))) for one in await self.memory.loaded()
        )

    async def look(self) -> OllamaState | None:
        """What the daemon has in memory, or why it does not tell; `None` where there is none."""
        address = ""
        try:
            address = self.address
            return OllamaState(address=address, models=await self.loaded())
        except (AbsentError, NoConnectionError):
            return None
        except HubError as error:
            return OllamaState(address=address, error=error.message)

    async def release(self, *names: str) -> OllamaRelease:
        """Have models leave the daemon's memory; without names all that are active in no slot.

        Waits a moment until the GPUs have that memory back. The daemon loads a model again when
        somebody asks it for it.

        Raises:
            NotFoundError: when it has no such model in memory.
            HubError: when one does not go, or the daemon cannot be asked.
        """
        loaded = {whole_name(one.name): one for one in await self.loaded()}
        for name in names:
            if whole_name(name) not in loaded:
                raise NotFoundError(
                    f"the Ollama daemon does not have {clean(name, 200)} in memory",
                    hint="`tui-hub gpus` lists what it has.",
                )
        wanted = {whole_name(name) for name in names}
        going = [
            one for key, one in loaded.items() if (key in wanted if names else one.slot is None)
        ]
        release = OllamaRelease(models=tuple(going))
        before = await self._free_on_gpus() if release.promised else None
        for one in going:
            await self.memory.unload(one.name)
        if before is not None:
            release = replace(release, freed=await self._back(before, release.promised))
        self._context.bus.publish(HardwareSampled())
        return release

    async def held_by_gpu(self) -> dict[int, int]:
        """What the daemon's processes hold of each GPU, by the driver, as far as it tells."""
        if self.elsewhere is not None:
            return {}
        held: dict[int, int] = {}
        for gpu in (await self._hardware.read()).gpus:
            for one in gpu.processes:
                if (one.name or "").startswith(OLLAMA):
                    held[gpu.index] = held.get(gpu.index, 0) + (one.memory or 0)
        return held

    async def _free_on_gpus(self) -> int | None:
        """Free bytes of all GPUs together; `None` where the daemon's are not seen from here."""
        if self.elsewhere is not None:
            return None
        gpus = (await self._hardware.read()).gpus
        return sum(gpu.memory_free for gpu in gpus) if gpus else None

    async def _back(self, before: int, promised: int) -> int:
        """Bytes that are back once most are, or after a while."""
        deadline = time.monotonic() + BACK_SECONDS
        while True:
            back = max((await self._free_on_gpus() or before) - before, 0)
            if back >= ENOUGH * promised or time.monotonic() > deadline:
                return back
            await asyncio.sleep(BACK_POLL)

    async def close(self) -> None:
        """Close the connections."""
        await self._daemon.close()
        await self._slow.close()

    async def _ask(self, path: str, document: object) -> tuple[int, bytes]:
        answer = await _in_time(_AT_ONCE, self._daemon.ask(path, document))
        return answer.status, answer.body

    async def _ask_slowly(self, path: str, document: object) -> tuple[int, bytes]:
        answer = await _in_time(self.load_timeout, self._slow.ask(path, document))
        return answer.status, answer.body


async def _in_time(seconds: float, answer: Awaitable[_T]) -> _T:
    """An answer that is whole in time: a byte now and then is none.

    Raises:
        AbsentError: when it is not.
    """
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        raise AbsentError(
            f"the Ollama daemon did not answer within {text.duration(seconds)}",
            hint="Its log tells what it is at.",
        ) from None


def name_at_daemon(model: Model) -> str:
    """What the daemon calls a model that it told of."""
    return str(model.facts[HELD])
