"""What is set for models: looked up, changed, taken back; and which runtime would heed it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from tui_hub import text
from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.configuration import (
    AUTO,
    KEYS,
    OPTION,
    ConfigurationReport,
    ConfigurationVersion,
    Effective,
    ModelConfiguration,
    Origin,
    Value,
    changed,
    newest,
)
from tui_hub.domain.errors import NotFoundError, UsageError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.runtime import LINK, OLLAMA, TORCH
from tui_hub.events import ModelChanged
from tui_hub.runtime.command import placeholders
from tui_hub.services.context import Context
from tui_hub.services.downloads.choices import named_variant
from tui_hub.services.fit.context_limits import context_notes
from tui_hub.services.fit.weighing import Weigher
from tui_hub.services.models.catalogue import Catalogue
from tui_hub.services.models.metadata import Metadata
from tui_hub.services.models.repositories import Repositories
from tui_hub.services.slots.contents import consents_to
from tui_hub.services.slots.standing import slots_of
from tui_hub.services.sync.renames import name_here
from tui_hub.settings import CommandSettings
from tui_hub.settings.sections import RuntimeSettings


class Configuring:
    """The configurations of models. A model in a slot takes a new one over when it is reloaded."""

    def __init__(
        self,
        context: Context,
        catalogue: Catalogue,
        repositories: Repositories,
        metadata: Metadata,
    ) -> None:
        self._context = context
        self._catalogue = catalogue
        self._repositories = repositories
        self._weigher = Weigher(context, metadata)
        self._settings = context.configuration.settings.runtime

    async def show(self, model: str | ModelId) -> ConfigurationReport:
        """What is set for a model, what counts for it, and what was set before.

        Raises:
            NotFoundError: when there is no such model.
        """
        return await self._report(await self._known(model))

    async def change(
        self, model: str | ModelId, values: Mapping[str, str], unset: Iterable[str] = ()
    ) -> ConfigurationReport:
        """Set some values and take others out, all of them or none, as a new version.

        Args:
            model: the model's id.
            values: by key: `runtime`, `device`, `dtype`, `context`, `variant`, `adapters`,
                `options.NAME`.
            unset: keys to be taken out; `options` takes all options out.

        Raises:
            NotFoundError: when there is no such model.
            UsageError: when a key or value is wrong, or nothing would take an option.
        """
        unset = tuple(unset)
        changed(ModelConfiguration(), values, unset)  # before anything is asked or looked up
        wanted = await self._known(model)
        if "runtime" in values:
            self._check_runtime(values["runtime"])
        if "variant" in values:
            values = {**values, "variant": await self._variant(wanted, values["variant"])}

        def decide(versions: Sequence[ConfigurationVersion]) -> ModelConfiguration:
            after = changed(newest(versions), values, unset)
            if any(key == "runtime" or key.startswith(OPTION) for key in values):
                _refuse_untaken(after, wanted, self._settings)
            return after

        return await self._decide(wanted, decide)

    async def reset(self, model: str | ModelId) -> ConfigurationReport:
        """Take everything out that is set for a model, as a new version.

        Raises:
            NotFoundError: when there is no such model.
        """
        return await self._decide(await self._known(model), lambda _: ModelConfiguration())

    async def take_back(self, model: str | ModelId, version: int) -> ConfigurationReport:
        """Let an older version count again, as a new one.

        Raises:
            NotFoundError: when there is no such model or version.
        """
        wanted = await self._known(model)

        def decide(versions: Sequence[ConfigurationVersion]) -> ModelConfiguration:
            found = [one.configuration for one in versions if one.version == version]
            if not found:
                known = f"There are 1 to {versions[0].version}." if versions else "There is none."
                raise NotFoundError(
                    f"{wanted} has no version {version} of its configuration", hint=known
                )
            return found[0]

        return await self._decide(wanted, decide)

    async def _decide(
        self, model: str, decide: Callable[[Sequence[ConfigurationVersion]], ModelConfiguration]
    ) -> ConfigurationReport:
        if await self._context.hub.configurations.change(model, decide):
            self._context.bus.publish(ModelChanged(model))
        return await self._report(model)

    async def _report(self, model: str) -> ConfigurationReport:
        versions = await self._context.hub.configurations.of(model)
        now, slots = newest(versions), await slots_of(self._context, model)
        otherwise = _otherwise(self._settings)
        own = {key: Effective(value, Origin.MODEL) for key, value in now.values.items()}
        return ConfigurationReport(
            model=model,
            configuration=now,
            effective=otherwise | own,
            otherwise=otherwise,
            consents=await consents_to(self._context, await self._files(model)),
            versions=tuple(versions),
            active=tuple(slot.type for slot in slots),
            stale=tuple(slot.type for slot in slots if slot.needs_reload(now)),
            notes=await context_notes(model, now, self._repositories, self._weigher),
        )

    async def refuse_pickles(self, model: str | ModelId) -> ConfigurationReport:
        """Take back that pickle files of a model may be loaded; what is in memory stays there.

        Raises:
            NotFoundError: when there is no such model.
        """
        wanted = await self._known(model)
        blobs = {file.blob for file in await self._files(wanted) if file.blob}
        await self._context.hub.consents.withdraw(blobs)
        self._context.bus.publish(ModelChanged(wanted))
        return await self._report(wanted)

    async def _files(self, model: str) -> Sequence[Artifact]:
        """The files of the revision that is installed."""
        install = await self._context.hub.installs.get(model)
        if install is None:
            return ()
        return await self._context.hub.artifacts.of(model, install.revision)

    async def _known(self, model: str | ModelId) -> str:
        """The id under which this home has a model."""
        wanted = await name_here(self._context, model)
        if await self._context.hub.installs.get(wanted) is not None:
            return wanted
        # The daemon of Ollama may be the only one that knows of it.
        if any(slot.model == wanted for slot in await self._context.hub.slots.list()):
            return wanted
        return (await self._catalogue.get(wanted)).id

    @property
    def runtimes(self) -> tuple[str, ...]:
        """What a runtime may be set to."""
        return (AUTO, TORCH, OLLAMA, LINK, *self._settings.commands)

    def _check_runtime(self, given: str) -> None:
        if given not in self.runtimes:
            raise UsageError(
                f"the runtime {text.clean(given, 40)!r} is not known here",
                hint=f"There are {', '.join(self.runtimes)}; `[runtime.commands]` in the settings "
                "adds more.",
            )

    async def _variant(self, model: str, given: str) -> str:
        """The name of a variant as its model spells it."""
        details = await self._repositories.details(model)
        try:
            return named_variant(details, given).name
        except NotFoundError as error:
            raise UsageError(error.message, hint=error.hint) from None


def _otherwise(settings: RuntimeSettings) -> dict[str, Effective]:
    """What counts for each key where nothing is set for a model, and who decided on it."""
    default = RuntimeSettings()
    others: dict[str, tuple[Value | None, Value | None]] = {
        "runtime": (settings.use, default.use),
        "device": (settings.device, default.device),
        "dtype": (settings.dtype or AUTO, default.dtype or AUTO),
    }
    found = dict.fromkeys(KEYS, Effective(None, Origin.DEFAULT))
    for key, (value, plain) in others.items():
        found[key] = Effective(value, Origin.DEFAULT if value == plain else Origin.SETTINGS)
    return found


def _refuse_untaken(now: ModelConfiguration, model: str, settings: RuntimeSettings) -> None:
    """Stop a configuration with an option that nothing takes which may load the model.

    Raises:
        UsageError: naming the option, and what takes options.
    """
    runtime = now.runtime or settings.use
    commands = {name: _taken(command) for name, command in settings.commands.items()}
    if runtime == AUTO:
        meant = {name for name, one in settings.commands.items() if one.formats}
        daemon = ModelId.parse(model).source == "ollama"
    else:
        meant, daemon = {runtime}, runtime == OLLAMA
    taken = {option for name in meant for option in commands.get(name, ())}
    for option in sorted(now.options):
        if daemon or option in taken:
            continue
        told = [f"{name} takes {', '.join(sorted(has))}" for name, has in commands.items() if has]
        raise UsageError(
            f"nothing would take {OPTION}{option}: the runtime of {model} is {runtime}",
            hint="; ".join(
                (
                    "runtime=ollama takes all that Ollama knows",
                    "a command of the settings takes what it names, as {options.NAME}",
                    *told,
                )
            )
            + ".",
        )


def _taken(command: CommandSettings) -> set[str]:
    """The options that a command of the settings leaves to be filled in."""
    texts = (*command.command, command.health, *command.environment.values())
    return {one.removeprefix(OPTION) for one in placeholders(texts) if one.startswith(OPTION)}
