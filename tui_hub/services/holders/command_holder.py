"""The `command` runtime: a model in a server of the user's, such as llama-server or vLLM."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tui_hub import processes
from tui_hub.domain.artifacts import main_file
from tui_hub.domain.errors import HubError, UnsafeError
from tui_hub.domain.runtime import COMMAND
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.runtime.command import unfilled, values_of
from tui_hub.services.context import Context
from tui_hub.services.fit.weighing import Weigher
from tui_hub.services.hardware import Hardware
from tui_hub.services.holders.children import Children
from tui_hub.services.holders.command_loader import GRACE, CommandLoader
from tui_hub.services.holders.loading import Asked, Loading, UnsuitedError, weights_of
from tui_hub.services.holders.memory import Memory
from tui_hub.services.slots.swap_progress import SwapProgress
from tui_hub.settings import CommandSettings


class CommandHolder:
    """Holds each model in a server of its own."""

    def __init__(
        self,
        context: Context,
        children: Children,
        memory: Memory,
        hardware: Hardware,
        weigher: Weigher,
    ) -> None:
        self._context = context
        self._weigher = weigher
        self._commands = context.configuration.settings.runtime.commands
        self._children = children
        self._memory = memory
        self._hardware = hardware

    async def plan(self, asked: Asked) -> Loading:
        """How a server of the user's is given a model.

        Raises:
            UnsuitedError: when it does not serve such models.
            UnsafeError: for pickle files, unless its settings name them.
        """
        name, install = asked.command, asked.install
        settings = self._commands[name]
        chosen = asked.best(settings.formats)
        format_ = "no weights" if chosen is None else chosen.format
        if asked.details is None:
            raise UnsuitedError(f"only the Ollama daemon has the files of {install.model}")
        if settings.formats and format_ not in settings.formats:
            served = ", ".join(settings.formats)
            raise UnsuitedError(f"{name} serves {served}, and {install.model} has {format_}")
        if settings.types and install.type not in settings.types:
            served = ", ".join(settings.types)
            raise UnsuitedError(f"{name} serves {served}, and {install.model} is {install.type}")
        if format_ == "pickle" and "pickle" not in settings.formats:
            raise UnsafeError(
                f"{install.model} is in pickle files, which can run any program when loaded, and "
                f"nobody can tell how {name} loads them",
                hint="Look for a safetensors version. Where that server takes nothing but weights "
                f'from them, `formats = ["pickle"]` in the settings of {name} lets it have them.',
            )
        self._refuse_gaps(name, settings, asked)
        file = None if chosen is None else main_file(asked.details.files, chosen.name)
        if file is None and any("{file}" in word for word in settings.command):
            raise UnsuitedError(
                f"{install.model} has no one file of weights that {name} could be given",
                hint="`{path}` in its settings stands for the whole folder.",
            )
        weight = (
            None
            if chosen is None
            else await self._weigher.weigh(asked.details, chosen, asked.configuration)
        )
        return Loading(
            runtime=COMMAND,
            variant=asked.variant if chosen is None else chosen.name,
            files=() if file is None else (str(Path(install.path) / file),),
            parts=() if weight is None else weights_of(weight.parts),
            command=name,
            served=install.name,
        )

    def _refuse_gaps(self, name: str, settings: CommandSettings, asked: Asked) -> None:
        texts = (*settings.command, settings.health, *settings.environment.values())
        given = values_of(asked.configuration)
        for placeholder in sorted(unfilled(texts, given)):
            raise UnsuitedError(
                f"{name} wants {{{placeholder}}}, which is not set for {asked.install.model}",
                hint=f"`tui-hub configure {asked.install.model} {placeholder}=VALUE` sets it; "
                f"`{{{placeholder}:VALUE}}` in the settings of the command says what counts else.",
            )

    def loader(self, kind: ModelType, progress: SwapProgress) -> CommandLoader:
        """A loader for one model."""
        return CommandLoader(
            self._context, self._children, self._memory, self._hardware, progress, kind
        )

    async def end(self, slot: Slot) -> str | None:
        """End a slot's server and all that it started, and wait until it is gone.

        Raises:
            HubError: when it does not end.
        """
        settings = self._commands.get(slot.command or "")
        patience = CommandSettings(command=["-"]).stop_timeout
        if settings is not None:
            patience = settings.stop_timeout
        await self._children.end(slot, patience + GRACE)
        return None

    async def look(self, slot: Slot) -> Slot:
        """The slot as the process that keeps its server tells of it."""
        lives = None if slot.holder is None else processes.known_alive(slot.holder)
        if lives is False:
            # A server that nobody keeps would hold its memory and its port for good.
            await self._children.end_left(slot)
        if not lives:
            return slot
        try:
            status = await self._children.server_status(slot)
        except HubError as error:
            return replace(slot, error=error.message)
        if status is None or status.state == "running":
            return replace(slot, error=None)
        return replace(slot, error=status.trouble or f"its server is {status.state}")
