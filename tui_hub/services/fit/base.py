"""Adapters need the model that they change: it is weighed with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tui_hub.domain.artifacts import preferred_variant
from tui_hub.domain.configuration import ModelConfiguration
from tui_hub.domain.errors import HubError
from tui_hub.domain.fit import BASE_WEIGHTS
from tui_hub.domain.identifiers import ModelId, is_repository
from tui_hub.domain.models import Details
from tui_hub.services.fit.weighing import Weigher, Weight
from tui_hub.services.models.repositories import Repositories
from tui_hub.text import clean

_ADAPTER = "base_model:adapter:"
"""How the Hub tags a model that only changes another one."""
_ADAPTER_CONFIG = "adapter_config.json"
"""The file of PEFT that names the base model."""


async def on_base(
    weight: Weight, details: Details, repositories: Repositories, weigher: Weigher
) -> Weight:
    """The need of an adapter with that of its base model; that of any other model as it is.

    The base is taken as it is here, else as a download would offer it first.
    """
    name = await _base_of(details, weigher)
    if name is None:
        return weight
    warning = f"an adapter: the model that it changes is not counted, {clean(name, 120)}"
    if not is_repository(name):
        # Some name a folder of their maker's machine.
        return _warned(weight, warning)
    try:
        base = await repositories.details(ModelId("hf", name))
        here = [one for one in base.variants if one.name in base.installed_variants]
        variant = preferred_variant(here or base.variants)
        if variant is None or base.model.id == details.model.id:
            return _warned(weight, f"{warning}: {base.note or 'it has no weights'}")
        found = await weigher.weigh(base, variant, ModelConfiguration())
    except HubError as error:
        return _warned(weight, f"{warning}: {error.message}")
    needs = [
        replace(need, part=BASE_WEIGHTS, source=f"{base.model.id} {variant.name}: {need.source}")
        for need in found.profile.weights
    ]
    profile = replace(
        weight.profile,
        weights=(*weight.profile.weights, *needs),
        architecture=found.profile.architecture,
        width=found.profile.width,
        working=found.profile.working or weight.profile.working,
    )
    counted = f"an adapter: {base.model.id} {variant.name} is counted with it"
    return replace(weight, profile=profile, warnings=(*weight.warnings, counted, *found.warnings))


def _warned(weight: Weight, words: str) -> Weight:
    return replace(weight, warnings=(*weight.warnings, words))


def base_by_tag(tags: Sequence[str]) -> str | None:
    """The repository that an adapter changes, as the Hub tells it; `None` where it does not."""
    tag = next((tag for tag in tags if tag.startswith(_ADAPTER)), None)
    return None if tag is None else tag.removeprefix(_ADAPTER)


async def _base_of(details: Details, weigher: Weigher) -> str | None:
    """The repository that this one changes; `None` for a whole model."""
    tagged = base_by_tag(details.model.tags)
    if tagged is not None:
        return tagged
    config: Mapping[str, object] | None = await weigher.document(details, _ADAPTER_CONFIG)
    named = None if config is None else config.get("base_model_name_or_path")
    return named if isinstance(named, str) else None
