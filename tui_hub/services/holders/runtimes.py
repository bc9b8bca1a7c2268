"""Which runtime makes a model active: what is asked for, else the first that is suited."""

from __future__ import annotations

from dataclasses import replace

from tui_hub import text
from tui_hub.domain.artifacts import Verified
from tui_hub.domain.configuration import AUTO, ModelConfiguration
from tui_hub.domain.errors import RefusedError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.runtime import LINK, OLLAMA, TORCH
from tui_hub.domain.storage import Install
from tui_hub.services.context import Context
from tui_hub.services.downloads.whole_weights import BROKEN, why_broken
from tui_hub.services.holders.holders import Holders
from tui_hub.services.holders.loading import Asked, Loading, UnsuitedError
from tui_hub.services.models.repositories import Repositories
from tui_hub.services.slots.contents import look_into

_NOT_VOUCHED = (Verified.SIZE, Verified.NONE)
_PICKLE = "Its weights are pickle files, which can run any program when loaded"


class Runtimes:
    """Chooses the runtime of a model by its format, the settings and what this box has."""

    def __init__(self, context: Context, repositories: Repositories, holders: Holders) -> None:
        self._context = context
        self._settings = context.configuration.settings.runtime
        self._repositories = repositories
        self._holders = holders

    async def plan(
        self,
        install: Install,
        variant: str | None,
        runtime: str | None,
        configuration: ModelConfiguration,
        *,
        consent: bool = False,
    ) -> Loading:
        """How a model is loaded.

        Args:
            install: the model.
            variant: one of its installed variants; without one, the best of them.
            runtime: `torch`, `ollama`, `link` or the name of a command; without one, what suits
                it.
            configuration: what is set for the model, of which runtime and variant are decided
                on already.
            consent: whether pickle files may be loaded, weights only.

        Raises:
            RefusedError: when that runtime is not there, or cannot load this model, or it would
                be a link to weights that are not whole.
            PickleError: for pickle files that nobody agreed to.
            UnsafeError: for files that hide what they are, or ask for more than weights.
        """
        wanted = self.wanted(runtime)
        asked = Asked(
            install=install, variant=variant, consent=consent, configuration=configuration
        )
        if install.path:
            details = await self._repositories.details(install.model, revision=install.revision)
            here = tuple(one for one in details.variants if one.name in install.variants)
            asked = replace(asked, details=details, variants=here)
        # Whether somebody agreed to pickles is asked once it is known which files are opened.
        loading = await self._plan(wanted, replace(asked, consent=True))
        loading = await look_into(self._context, asked, replace(loading, consent=False))
        return replace(loading, configuration=configuration)

    async def _plan(self, wanted: str | None, asked: Asked) -> Loading:
        if wanted == LINK:
            await self._refuse_broken(asked)
            return Loading(runtime=LINK, variant=asked.variant)
        if wanted is not None:
            return await self._holders.plan(wanted, asked)
        why = ""
        for name in self._candidates(asked.install):
            try:
                return await self._holders.plan(name, asked)
            except UnsuitedError as error:
                why = why or error.why
        chosen = asked.best(("safetensors",))
        if chosen is not None and chosen.format == "pickle":
            why = f"{why.removesuffix('.')}. {_PICKLE}"
        await self._refuse_broken(asked)
        return Loading(runtime=LINK, variant=asked.variant, note=why)

    async def _refuse_broken(self, asked: Asked) -> None:
        """See that weights are whole that nobody loads, and nobody vouched for by a hash.

        Raises:
            RefusedError: naming the first that is not.
        """
        wanted = {
            path
            for one in asked.variants
            if asked.variant in (None, one.name)
            for path in one.paths
        }
        store = self._context.store
        for file in asked.details.files if asked.details is not None else ():
            if file.blob and file.path in wanted and file.verified in _NOT_VOUCHED:
                why = await self._context.on_disk(why_broken, store.path(file.blob), file.path)
                if why is not None:
                    raise RefusedError(f"{text.clean(file.path, 200)} is {why}", hint=BROKEN)

    def wanted(self, runtime: str | None) -> str | None:
        """The runtime that is asked for, by a person or by the settings; `None` for what suits.

        Raises:
            RefusedError: when there is none of that name.
        """
        wanted = runtime or self._settings.use
        known = (TORCH, OLLAMA, LINK, *self._settings.commands)
        if wanted == AUTO or wanted in known:
            return None if wanted == AUTO else wanted
        raise RefusedError(
            f"the runtime {text.clean(wanted, 40)!r} is not known here",
            hint=f"There are {', '.join(known)}; `[runtime.commands]` in the settings adds more.",
        )

    def _candidates(self, install: Install) -> tuple[str, ...]:
        """The runtimes that are tried for a model, in this order."""
        commands = [name for name, one in self._settings.commands.items() if one.formats]
        daemon = [OLLAMA] if ModelId.parse(install.model).source == "ollama" else []
        return (*daemon, *commands, TORCH)
