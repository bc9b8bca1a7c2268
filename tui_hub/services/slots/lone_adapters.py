"""Adapters are no models: none of them alone can stand in a slot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from tui_hub import text
from tui_hub.domain.artifacts import Artifact, ArtifactKind, present
from tui_hub.domain.errors import RefusedError
from tui_hub.domain.identifiers import ModelId, is_repository
from tui_hub.domain.storage import Install
from tui_hub.services.context import Context
from tui_hub.services.fit.base import base_by_tag
from tui_hub.services.slots.adapters import CONFIGURATION

_NAMES = ("adapter_model.", "pytorch_lora_weights.")
"""How PEFT and diffusers begin the names of an adapter's weights."""
_WHOLE = ("config.json", "model_index.json")
"""What lies beside the weights of whole models."""
_MOST_BYTES = 1024 * 1024


class _Named(msgspec.Struct, frozen=True):
    """What PEFT writes beside an adapter, as far as it names the model that it changes."""

    base_model_name_or_path: str | None = None


async def refuse_adapter(context: Context, install: Install, tags: Sequence[str]) -> None:
    """See that what is installed is a whole model.

    Args:
        context: the open home.
        install: what is to stand in a slot.
        tags: what its source says of it.

    Raises:
        RefusedError: for weights that only change another model, naming that one.
    """
    files = present(await context.hub.artifacts.of(install.model, install.revision))
    base = base_by_tag(tags)
    if not _only_changes(files, tagged=base is not None):
        return
    is_told = any(file.path == CONFIGURATION for file in files)
    if base is None and is_told:
        base = await context.on_disk(_named, Path(install.path) / CONFIGURATION)
    shown = text.clean(base, 120) if base else "another model"
    known = base is not None and is_repository(base)
    name = str(ModelId("hf", base)) if base is not None and known else "BASE"
    hint = f"`tui-hub configure {name} adapters={install.model}` adds it to that model."
    if not is_told:
        hint = "Programs load it beside that model; torch here adds those that PEFT saved."
    raise RefusedError(
        f"{install.model} is no whole model: it is an adapter for {shown}", hint=hint
    )


async def set_apart(
    context: Context, installs: Iterable[Install]
) -> tuple[tuple[Install, ...], tuple[Install, ...]]:
    """Whole models, and adapters; by the same rules as `refuse_adapter`."""
    whole: list[Install] = []
    adapters: list[Install] = []
    for install in installs:
        entry = await context.catalogue.models.get(install.model)
        tagged = entry is not None and base_by_tag(entry.tags) is not None
        files = present(await context.hub.artifacts.of(install.model, install.revision))
        (adapters if _only_changes(files, tagged=tagged) else whole).append(install)
    return tuple(whole), tuple(adapters)


def _only_changes(files: Sequence[Artifact], *, tagged: bool) -> bool:
    """Whether these are the files of an adapter, with no weights of a whole model among them."""
    names = [PurePosixPath(one.path).name for one in files if one.kind is ArtifactKind.WEIGHTS]
    others = [name for name in names if not name.startswith(_NAMES)]
    if names and not others:
        return True
    # Some have a name of their own. What was merged or converted may keep the tag of an adapter.
    whole = any(file.path in _WHOLE for file in files)
    return tagged and bool(names) and not whole and all(map(_may_change, others))


def _may_change(name: str) -> bool:
    return name.endswith((".safetensors", ".bin", ".pt"))


def _named(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=_Named).base_model_name_or_path
    except (OSError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
