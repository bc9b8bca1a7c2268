"""How a model is to be loaded: by which runtime, from which files, into how much memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tui_hub import text
from tui_hub.domain.artifacts import Variant, preferred_variant
from tui_hub.domain.errors import RefusedError, UnsafeError
from tui_hub.domain.fit import Need
from tui_hub.domain.storage import Install
from tui_hub.runtime.pythons import probe_torch
from tui_hub.services.context import Context
from tui_hub.services.repositories import Repositories
from tui_hub.services.weighing import Weigher

TORCH = "torch"
LINK = "link"
RUNTIMES = (TORCH, LINK)
_TORCH_FORMATS = ("safetensors", "pickle")
_LINKED = "published as a link; nothing was loaded into memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How one installed model becomes active."""

    runtime: str
    variant: str | None = None
    files: tuple[str, ...] = ()
    """Absolute paths of the weights."""
    parts: tuple[Need, ...] = ()
    """What the weights take in memory."""
    consent: bool = False
    """Whether the user agreed to have pickle files loaded, weights only."""
    note: str | None = None
    """Why nothing is loaded into memory, for a person who may expect it."""


class Runtimes:
    """Chooses the runtime of a model by its format, the settings and what this box has."""

    def __init__(self, context: Context, repositories: Repositories, weigher: Weigher) -> None:
        self._context = context
        self._settings = context.configuration.settings.runtime
        self._repositories = repositories
        self._weigher = weigher

    async def plan(
        self, install: Install, variant: str | None, runtime: str | None, *, consent: bool = False
    ) -> Loading:
        """How a model is loaded.

        Args:
            install: the model.
            variant: one of its installed variants; without one, the best that torch can load.
            runtime: `torch` or `link`; without one, what suits it.
            consent: whether pickle files may be loaded, weights only.

        Raises:
            RefusedError: when that runtime is not there, or cannot load this model.
            UnsafeError: for pickle files without consent.
        """
        wanted = runtime or (None if self._settings.use == "auto" else self._settings.use)
        if wanted not in (None, *RUNTIMES):
            raise RefusedError(
                f"the runtime {text.clean(wanted, 40)!r} is not part of this version",
                hint="`torch` loads into memory, `link` publishes the files to other programs.",
            )
        if wanted == LINK:
            return Loading(runtime=LINK, variant=variant, note=_LINKED)
        details = await self._repositories.details(install.model, revision=install.revision)
        here = [one for one in details.variants if one.name in install.variants]
        chosen = _chosen(here, variant)
        if chosen is None or chosen.format not in _TORCH_FORMATS:
            format_ = "no weights" if chosen is None else chosen.format
            if wanted == TORCH:
                raise RefusedError(
                    f"torch loads safetensors, and {install.model} has {format_}",
                    hint="`--runtime link` publishes its files to other programs.",
                )
            note = f"{_LINKED}: torch does not load {format_}"
            return Loading(runtime=LINK, variant=variant, note=note)
        environment = self._context.configuration.plain_environment
        if await probe_torch(self._settings.python, environment=environment) is None:
            if wanted == TORCH:
                raise RefusedError("there is no torch to load it with", hint=_NO_TORCH)
            note = f"{_LINKED}: torch is not installed. {_NO_TORCH}"
            return Loading(runtime=LINK, variant=variant, note=note)
        if chosen.format == "pickle" and not consent:
            raise UnsafeError(
                f"{install.model} is in pickle files, which can run any program when loaded",
                hint="Look for a safetensors version. `--allow-pickle` lets torch take nothing but "
                "weights from them; `--runtime link` publishes them unread.",
            )
        weight = await self._weigher.weigh(details, chosen)
        parts = tuple(part for part in weight.parts if part.part.startswith("weights"))
        return Loading(
            runtime=TORCH,
            variant=chosen.name,
            files=tuple(str(Path(install.path) / file.path) for file in weight.files),
            parts=parts,
            consent=consent,
        )


_NO_TORCH = (
    'Install it with `pip install "tui-hub[torch]"`, or name a Python that has it '
    "in the setting runtime.python."
)


def _chosen(here: Collection[Variant], wanted: str | None) -> Variant | None:
    if wanted is not None:
        return next((one for one in here if one.name == wanted), None)
    loadable = [one for one in here if one.format == "safetensors"]
    return preferred_variant(loadable or list(here)) or next(iter(loadable or here), None)
