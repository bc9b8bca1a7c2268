"""What is to stand in a slot, looked at before anything is changed."""

from __future__ import annotations

import shlex
from pathlib import Path

from tui_hub import text
from tui_hub.domain.artifacts import present
from tui_hub.domain.errors import HubError, NotFoundError, RefusedError, UsageError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.runtime import OLLAMA
from tui_hub.domain.slots import Slot
from tui_hub.domain.storage import Install
from tui_hub.domain.types import ModelType
from tui_hub.services.context import Context
from tui_hub.services.holders.loading import Loading
from tui_hub.services.holders.ollama import Ollama
from tui_hub.services.holders.runtimes import Runtimes
from tui_hub.services.slots.lone_adapters import refuse_adapter
from tui_hub.services.sync.renames import name_here


@dataclass(frozen=True, slots=True)
class Change:
    """What is to stand in a slot."""

    slot: ModelType
    install: Install
    loading: Loading

    @property
    def wanted(self) -> Slot:
        """The slot as it is to be, before anything is loaded."""
        return Slot(
            type=self.slot,
            model=self.install.model,
            revision=self.install.revision,
            runtime=self.loading.runtime,
            path=self.install.path,
            since=text.now(),
            variant=self.loading.variant,
            command=self.loading.command,
            configuration=self.loading.configuration,
        )

    @property
    def words(self) -> str:
        """What has to be said besides the model's name, for a command that means the same."""
        kind = "" if self.slot is self.install.type else f" --type {self.slot}"
        several = len(self.install.variants) > 1 and self.loading.variant is not None
        return kind + (f" --variant {shlex.quote(self.loading.variant or '')}" if several else "")

    def is_done(self, slot: Slot) -> bool:
        """Whether a slot holds already what is wanted."""
        wanted = self.wanted
        set_otherwise = slot.configuration.differs(wanted.configuration, wanted.runtime)
        return slot.error is None and _what(slot) == _what(wanted) and not set_otherwise


class Changes:
    """Turns what a person asks for into a change that can be made."""

    def __init__(self, context: Context, runtimes: Runtimes, ollama: Ollama) -> None:
        self._context = context
        self._runtimes = runtimes
        self._ollama = ollama

    async def of(
        self,
        model: str | ModelId,
        kind: str | ModelType | None,
        variant: str | None,
        runtime: str | None,
        consent: bool,
    ) -> Change:
        """What a person asks for, once it is sure that it can be tried.

        Raises:
            NotFoundError: when there is no such model.
            RefusedError: when it, or that variant of it, is not wholly here, or it is an adapter.
            UnsafeError: for pickle files without consent.
        """
        wanted = await name_here(self._context, model)
        configuration = await self._context.hub.configurations.current(wanted)
        runtime, named = runtime or configuration.runtime, variant
        variant = variant or configuration.variant
        install = await self._context.hub.installs.get(wanted)
        entry = await self._context.catalogue.models.get(wanted)
        if install is not None and not self._context.store_is_there():
            await self._context.prepare_store()
        if install is None:
            install = await self._at_daemon(wanted, self._runtimes.wanted(runtime))
        if install is None:
            error = NotFoundError if entry is None else RefusedError
            raise error(
                f"{wanted} is not installed", hint=f"`tui-hub download {wanted}` brings it here."
            )
        if variant is not None and variant not in install.variants:
            otherwise = f" `tui-hub configure {wanted} --unset variant` takes the best of them."
            raise RefusedError(
                f"the variant {text.clean(variant, 80)!r} of {wanted} is not installed",
                hint=f"Installed: {', '.join(install.variants)}.{'' if named else otherwise}",
            )
        if install.path and not await self._is_whole(install):
            raise RefusedError(
                f"files of {wanted} are missing from the store",
                hint=f"`tui-hub download {wanted}` fetches them again.",
            )
        if install.path:
            await refuse_adapter(self._context, install, entry.tags if entry is not None else ())
        if variant is None and len(install.variants) == 1:
            variant = install.variants[0]
        own = entry.type if entry is not None else install.type
        slot = own if kind is None else model_type(kind)
        loading = await self._runtimes.plan(
            install, variant, runtime, configuration, consent=consent
        )
        return Change(slot, install, loading)

    async def again(self, slot: Slot, consent: bool) -> Change:
        """The model of a slot as it was asked for, but for what was set for it since.

        Raises:
            HubError: as `of`.
        """
        now, then = await self._context.hub.configurations.current(slot.model), slot.configuration
        variant = slot.variant if now.variant == then.variant else None
        runtime = slot.chosen_by if now.runtime == then.runtime else None
        return await self.of(slot.model, slot.type, variant, runtime, consent)

    async def _is_whole(self, install: Install) -> bool:
        """Whether the view is there, and every blob of it with its size."""
        files = await self._context.hub.artifacts.of(install.model, install.revision)
        blobs = [(file.blob or "", file.size) for file in present(files)]
        store = self._context.store

        def look() -> bool:
            here = all(store.has(blob, size) for blob, size in blobs)
            return here and Path(install.path).is_dir()

        return bool(blobs) and await self._context.on_disk(look)

    async def back_to(self, slot: Slot) -> Loading:
        """How the model of a slot was loaded, to have it again.

        Raises:
            HubError: when it cannot be loaded any more.
        """
        install = await self._context.hub.installs.get(slot.model)
        if install is None and not slot.path:
            install = await self._at_daemon(slot.model, slot.runtime)
        if install is None or (slot.path and install.revision != slot.revision):
            raise RefusedError(f"{slot.model} is not installed any more as it was")
        # It was loaded before, so whatever consent that took was given.
        return await self._runtimes.plan(
            install, slot.variant, slot.chosen_by, slot.configuration, consent=True
        )

    async def _at_daemon(self, model: str, runtime: str | None) -> Install | None:
        """A model that the daemon of Ollama alone has, as if it was installed.

        Raises:
            HubError: when the daemon is meant and cannot be asked.
        """
        if runtime not in (None, OLLAMA) or ModelId.parse(model).source != "ollama":
            return None
        try:
            held = await self._ollama.held(model)
        except HubError:
            if runtime is None:
                return None
            raise
        if held is None:
            return None
        return Install(
            model=model,
            revision=held.revision or "",
            type=held.type,
            name=held.name,
            author=held.author,
            path="",
            installed_at=text.now(),
            bytes=held.size or 0,
        )


def _what(slot: Slot) -> tuple[str | None, ...]:
    """What stands in a slot, and by which runtime."""
    return slot.model, slot.revision, slot.variant, slot.runtime, slot.command


def model_type(name: str | ModelType) -> ModelType:
    """A type as a person names it.

    Raises:
        UsageError: when there is none of that name.
    """
    try:
        return ModelType(name)
    except ValueError:
        raise UsageError(
            f"there is no model type {text.clean(name, 40)!r}",
            hint=f"The types: {', '.join(ModelType)}.",
        ) from None
