"""The LoRA adapters that are set for a model: where they lie, and what their makers say of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tui_hub import text
from tui_hub.domain.errors import CorruptError, RefusedError
from tui_hub.domain.runtime import Adapter
from tui_hub.domain.storage import Install
from tui_hub.services.context import Context

CONFIGURATION = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_MOST_BYTES = 1024 * 1024
_LAYER = re.compile(r"[\w.-]{1,200}")
_TAKES_FROM_BASE = re.compile(r"(pissa|corda|olora|loftq|lora_ga).*", re.IGNORECASE)
"""Beginnings that PEFT takes out of the model's weights, before it adds what was learned."""


class _Configuration(msgspec.Struct, frozen=True):
    """What PEFT writes beside an adapter: `LoraConfig`, and as far as it changes the weights."""

    peft_type: str
    lora_alpha: float = 8.0
    use_rslora: bool = False
    use_dora: bool = False
    init_lora_weights: bool | str | None = True
    alora_invocation_tokens: list[int] | None = None
    fan_in_fan_out: bool = False
    alpha_pattern: dict[str, float] | None = None
    layer_replication: list[object] | None = None
    base_model_name_or_path: str | None = None


class Adapters:
    """Finds the adapters of a model among what is installed."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def of(
        self, base: Install, models: Sequence[str]
    ) -> tuple[tuple[Adapter, ...], str | None]:
        """The adapters of these ids, in their order, and what a person should know of them.

        Raises:
            RefusedError: when one is not installed, or none that torch can add to weights.
            CorruptError: when what it says of itself cannot be read.
        """
        found, strangers = [], []
        for model in models:
            install = await self._context.hub.installs.get(model)
            if install is None:
                raise RefusedError(
                    f"the adapter {model} is not installed",
                    hint=f"`tui-hub download {model}` brings it here; "
                    f"`tui-hub configure {base.model} --unset adapters` goes without.",
                )
            folder = Path(install.path)
            told = await asyncio.to_thread(_read, model, folder)
            found.append(_adapter(model, folder, told))
            named = told.base_model_name_or_path
            if named and named not in (base.model, base.model.partition(":")[2]):
                strangers.append(f"{model} says that it was made for {text.clean(named, 80)}")
        return tuple(found), "; ".join(strangers) or None


def _read(model: str, folder: Path) -> _Configuration:
    """What an adapter says of itself."""
    for name in (CONFIGURATION, WEIGHTS):
        if not (folder / name).is_file():
            raise RefusedError(
                f"{model} has no {name}, so it is no LoRA adapter in the layout of PEFT",
                hint="Torch applies adapters that PEFT saved as safetensors.",
            )
    try:
        with (folder / CONFIGURATION).open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=_Configuration)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise CorruptError(
            f"{CONFIGURATION} of the adapter {model} cannot be read: {text.clean(str(error), 200)}",
            hint=f"`tui-hub verify {model}` checks its files.",
        ) from None


def _adapter(model: str, folder: Path, told: _Configuration) -> Adapter:
    """The adapter, unless it changes a model in a way that adding to its weights does not."""
    kind = text.clean(told.peft_type, 40)
    alphas = told.alpha_pattern or {}
    why = None
    if told.peft_type != "LORA":
        why = f"it is of the kind {kind}"
    elif told.use_dora:
        why = "it is of the kind DoRA"
    elif told.alora_invocation_tokens:
        why = "it counts from certain words on alone"
    elif _TAKES_FROM_BASE.fullmatch(begun := str(told.init_lora_weights)):
        why = f"it began as {text.clean(begun, 40)}, which takes from its model's weights first"
    elif told.layer_replication:
        why = "it repeats layers of its model"
    elif not all(map(_LAYER.fullmatch, alphas)):
        why = "it tells layers by patterns"
    if why is not None:
        raise RefusedError(
            f"the adapter {model} cannot be added to weights: {why}",
            hint="Torch applies plain LoRA adapters in the layout of PEFT.",
        )
    return Adapter(
        name=model,
        file=str(folder / WEIGHTS),
        alpha=told.lora_alpha,
        alphas=alphas,
        rank_stabilized=told.use_rslora,
        transposed=told.fan_in_fan_out,
    )
