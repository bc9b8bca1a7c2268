"""The `ollama` runtime: a model in the memory of Ollama's daemon, which loads it and lets it go."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import replace
from pathlib import Path

from tui_hub.domain.artifacts import is_shard, main_file
from tui_hub.domain.errors import AbsentError, HubError, UnreachableError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.ollama import OllamaModel
from tui_hub.domain.runtime import OLLAMA
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.runtime.ollama import whole_name
from tui_hub.runtime.ollama_options import options_of
from tui_hub.services.context import Context
from tui_hub.services.holders.loading import Asked, Loading, UnsuitedError
from tui_hub.services.holders.memory import Memory
from tui_hub.services.holders.ollama import Ollama, name_at_daemon
from tui_hub.services.holders.ollama_loader import OllamaLoader
from tui_hub.services.slots.swap_progress import SwapProgress

_log = logging.getLogger(__name__)

_NAME_LENGTH = 80
"""Characters of a part of a name, by Ollama's `types/model/name.go`."""
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


class OllamaHolder:
    """Has the daemon hold each model."""

    def __init__(self, context: Context, ollama: Ollama, memory: Memory) -> None:
        self._context = context
        self._ollama = ollama
        self._memory = memory

    async def plan(self, asked: Asked) -> Loading:
        """How the daemon loads a model of its own.

        Raises:
            UnsuitedError: when it is not there, or does not have the model.
        """
        install = asked.install
        if ModelId.parse(install.model).source != "ollama":
            return await self._plan_giving(asked)
        try:
            held = await self._ollama.held(install.model)
        except HubError as error:
            raise UnsuitedError(error.message, hint=error.hint) from None
        if held is None:
            way = f"`ollama pull {ModelId.parse(install.model).path}` gives it to it"
            view = self._context.store.root / "ollama"
            if await self._context.on_disk(view.is_dir):
                way += f"; one that runs with OLLAMA_MODELS={view} has it already"
            raise UnsuitedError(
                f"the Ollama daemon does not have {install.model}",
                hint=f"{way}.",
                why=f"the Ollama daemon does not have it; {way}",
            )
        differs = install.path and held.revision not in (None, install.revision)
        return Loading(
            runtime=OLLAMA,
            variant=asked.variant,
            served=name_at_daemon(held),
            note="the Ollama daemon has another version of it than the store" if differs else None,
        )

    async def _plan_giving(self, asked: Asked) -> Loading:
        """How the daemon is given a GGUF file of another source, and loads it then."""
        install, chosen = asked.install, asked.best(("gguf",))
        files = () if asked.details is None else asked.details.files
        path = None if chosen is None else main_file(files, chosen.name)
        file = next((one for one in files if one.path == path), None)
        if (
            chosen is None
            or chosen.format != "gguf"
            or file is None
            or file.blob is None
            or is_shard(file.path)
        ):
            raise UnsuitedError(
                f"the Ollama daemon takes models of one GGUF file, and {install.model} is none",
                hint="`--runtime link` publishes its files to other programs.",
            )
        name = _name_for(ModelId.parse(install.model), chosen.name)
        return Loading(
            runtime=OLLAMA,
            variant=chosen.name,
            files=(str(Path(install.path) / file.path),),
            served=name,
            given=file.blob,
            note=f"the Ollama daemon keeps a copy of it; `ollama rm {name}` removes that",
        )

    def loader(self, kind: ModelType, progress: SwapProgress) -> OllamaLoader:
        """A loader for one model."""
        return OllamaLoader(self._ollama, self._memory, progress)

    async def end(self, slot: Slot) -> str | None:
        """Have the daemon let go of a slot's model, unless another slot has it too.

        A daemon that cannot be asked is left alone: with it went the model, or nothing can be done
        from here, and it is told how to do it later.

        Raises:
            HubError: when the daemon refuses.
        """
        if slot.child is None or await self._is_shared(slot):
            return None
        try:
            await self._ollama.memory.unload(slot.child)
        except (AbsentError, UnreachableError) as error:
            _log.warning("%s was not told to go: %s", slot.model, error.message)
            return (
                f"{error.message}; if it runs, it may hold {slot.model} in memory still, until "
                f"`tui-hub gpus --release ollama:{slot.child}`"
            )
        return None

    async def look(self, slot: Slot) -> Slot:
        """The slot as the daemon tells of it now."""
        try:
            found = await self._ollama.memory.find(slot.child or "")
        except HubError as error:
            return replace(slot, error=error.message)
        if found is None:
            return replace(slot, error="the Ollama daemon has let go of it")
        if not found.stays:
            await self._pin(slot, found)
        by_driver = slot.memory.used_after if (slot.device or "").startswith("cuda") else None
        used = by_driver or found.size_vram or found.size
        figures = replace(slot.memory, used_after=used)
        return replace(slot, error=None, memory=figures)

    async def _pin(self, slot: Slot, found: OllamaModel) -> None:
        """Have it stay, after another program asked it with a `keep_alive` of its own."""
        wanted = slot.configuration.context
        if wanted not in (None, found.context):
            return  # that program wants another context, and the two would take turns for ever
        try:
            await self._ollama.memory.pin(found, options_of(slot.configuration))
        except HubError as error:
            _log.warning("%s may leave memory by itself: %s", slot.model, error.message)

    async def _is_shared(self, slot: Slot) -> bool:
        name = whole_name(slot.child or "")
        others = [one for one in await self._context.hub.slots.list() if one.type is not slot.type]
        return any(one.runtime == OLLAMA and whole_name(one.child or "") == name for one in others)


def _name_for(model: ModelId, variant: str) -> str:
    """What the daemon is to call a model of another source, and no second one."""
    whole = model.path if model.source == "hf" else f"{model.source}/{model.path}"
    # No name on the Hub has two dashes in a row.
    name, tag = (_ODD.sub("-", part.replace("/", "--")).strip("-.") for part in (whole, variant))
    if len(name) > _NAME_LENGTH:
        name = f"{name[: _NAME_LENGTH - 9]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
    return f"tui-hub/{name}:{tag[:_NAME_LENGTH] or 'latest'}"
