"""What the daemon of Ollama has in memory: how it is told to load, to let go, and to say so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn

import msgspec

from tui_hub.domain.errors import DoesNotFitError, HubError, NotFoundError, UnreachableError
from tui_hub.domain.ollama import OllamaModel
from tui_hub.runtime.ollama_options import as_it_is, place_of
from tui_hub.text import clean

Ask = Callable[[str, object], Awaitable[tuple[int, bytes]]]
"""Asks the daemon for a path, with a document to be posted; gives the status and the body."""

_FOREVER = -1
_POLL = 0.25
_LISTED_SECONDS = 5.0
_GONE_SECONDS = 30.0
"""A request that the model is at work on goes to its end first."""


class _Loaded(msgspec.Struct):
    name: str
    size: int = 0
    size_vram: int = 0
    expires_at: str = ""
    context_length: int | None = None


class _List(msgspec.Struct):
    models: list[_Loaded] | None


class _Error(msgspec.Struct):
    error: str


class OllamaMemory:
    """The memory of the daemon."""

    def __init__(self, ask: Ask, ask_slowly: Ask) -> None:
        """Made of two ways to ask.

        Args:
            ask: for what is answered at once.
            ask_slowly: for what takes as long as a model takes to load.
        """
        self._ask = ask
        self._ask_slowly = ask_slowly

    async def loaded(self) -> tuple[OllamaModel, ...]:
        """What it has in memory.

        Raises:
            AbsentError: no daemon answers.
            UnreachableError: what answers is no daemon, or too old a one.
        """
        status, body = await self._ask("/api/ps", None)
        if status == 404:
            raise UnreachableError(
                "the Ollama daemon does not tell what it has in memory",
                hint="It is too old for that: update Ollama.",
            )
        if status != 200:
            _refuse(status, body)
        try:
            models = msgspec.json.decode(body, type=_List).models or []
        except msgspec.MsgspecError:
            raise _nonsense() from None
        return tuple(
            OllamaModel(
                name=one.name,
                size=max(one.size, 0),
                size_vram=max(min(one.size_vram, one.size), 0),
                expires_at=clean(one.expires_at, 40),
                context=one.context_length,
            )
            for one in models
            # By another name it could not be asked for.
            if clean(one.name, 200) == one.name
        )

    async def find(self, name: str) -> OllamaModel | None:
        """One model, if it is in memory."""
        wanted = whole_name(name)
        return next((one for one in await self.loaded() if whole_name(one.name) == wanted), None)

    async def load(self, name: str, options: Mapping[str, object]) -> OllamaModel:
        """Load a model, to stay until it is told to go.

        One that is in memory already stays as it is, where that is not another way than is asked.

        Args:
            name: the model.
            options: what Ollama calls parameters, `num_ctx` for example.

        Raises:
            NotFoundError: the daemon holds no such model.
            DoesNotFitError: it says that memory does not suffice.
            HubError: it cannot load it, or went away meanwhile.
        """
        there = await self.find(name)
        if there is not None and options.get("num_ctx") in (None, there.context):
            options = {**place_of(there), **options}
        await self._keep(self._ask_slowly, name, options)
        deadline = time.monotonic() + _LISTED_SECONDS
        while (found := await self.find(name)) is None:
            if time.monotonic() > deadline:
                raise HubError(
                    f"the Ollama daemon says that it loaded {clean(name, 200)}, and does not list "
                    "it among what it has in memory",
                    hint="Its log tells more; `ollama ps` shows what it holds.",
                )
            await asyncio.sleep(_POLL)
        return found

    async def pin(self, model: OllamaModel, options: Mapping[str, object]) -> None:
        """Have a model that is in memory stay there, as it is.

        Raises:
            HubError: when the daemon does not do that at once.
        """
        await self._keep(self._ask, model.name, as_it_is(model, options))

    async def unpin(self, before: OllamaModel, options: Mapping[str, object]) -> None:
        """Have a model leave by itself again, when it would have left before it was to stay.

        Raises:
            HubError: when the daemon does not do that at once.
        """
        now = await self.find(before.name)
        if now is None or before.stays:
            return
        seconds = max(round(before.seconds_left), 1)
        await self._keep(self._ask, now.name, as_it_is(now, options), seconds)

    async def _keep(
        self, ask: Ask, name: str, options: Mapping[str, object], keep_alive: int = _FOREVER
    ) -> None:
        document: dict[str, object] = {"model": name, "keep_alive": keep_alive}
        if options:
            document["options"] = options
        status, body = await ask("/api/generate", {**document, "stream": False})
        if status == 400 and b"does not support generate" in body:
            status, body = await ask("/api/embed", {**document, "input": ""})
        if status != 200:
            _refuse(status, body)
        _check_answer(body)

    async def create(
        self, name: str, file: str, sha256: str, parameters: Mapping[str, object]
    ) -> None:
        """Make a model of a GGUF file that the daemon was handed, in place of one of that name.

        Args:
            name: what the model is to be called.
            file: the name of its file.
            sha256: by what the daemon knows that.
            parameters: options that count for whoever asks the model without others.

        Raises:
            HubError: when it cannot make one of that.
        """
        document: dict[str, object] = {
            "model": name, "files": {file: f"sha256:{sha256}"}, "stream": False,
        }  # fmt: skip
        if parameters:
            document["parameters"] = parameters
        status, body = await self._ask_slowly("/api/create", document)
        if status != 200:
            _refuse(status, body)
        _check_answer(body)

    async def unload(self, name: str) -> None:
        """Have a model leave memory, and wait until it is gone.

        Raises:
            HubError: when it does not go, or the daemon cannot be asked.
        """
        document = {"model": name, "keep_alive": 0, "stream": False}
        status, body = await self._ask("/api/generate", document)
        if status == 400:
            embedding = {"model": name, "keep_alive": 0, "input": ""}
            status, body = await self._ask("/api/embed", embedding)
        if status not in (200, 404):
            _refuse(status, body)
        deadline = time.monotonic() + _GONE_SECONDS
        while await self.find(name) is not None:
            if time.monotonic() > deadline:
                raise HubError(
                    f"the Ollama daemon does not let go of {clean(name, 200)}",
                    hint="Perhaps a request is at work on it; `ollama ps` shows what it holds.",
                )
            await asyncio.sleep(_POLL)


def whole_name(name: str) -> str:
    """A name of the daemon's as it counts: in any case of letters, and never without a tag."""
    folded = name.casefold()
    return folded if ":" in folded.rpartition("/")[2] else f"{folded}:latest"


def _check_answer(body: bytes) -> None:
    """That the daemon answered as one does; an error may come with a status of success."""
    try:
        answer = msgspec.json.decode(body, type=dict[str, object])
    except msgspec.MsgspecError:
        raise _nonsense() from None
    if "error" in answer:
        _refuse(200, body)


def _refuse(status: int, body: bytes) -> NoReturn:
    """The daemon's refusal, as the error that a person sees."""
    try:
        words = clean(msgspec.json.decode(body, type=_Error).error, 300)
    except msgspec.MsgspecError:
        raise _nonsense(f"status {status}") from None
    message = f"the Ollama daemon refuses: {words}"
    if status == 404:
        raise NotFoundError(message, hint="`ollama list` shows what it has.")
    if "memory" in words and ("require" in words or "available" in words):
        raise DoesNotFitError(message, hint="`tui-hub gpus` shows who holds memory.")
    raise HubError(message, hint="Its log tells more.")


def _nonsense(why: str = "") -> UnreachableError:
    return UnreachableError(
        "what answers in the place of the Ollama daemon is none" + (f": {why}" if why else ""),
        hint="Is OLLAMA_HOST right?",
    )
