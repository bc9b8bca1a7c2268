"""How long a context a model takes, as what is here of it tells."""

from __future__ import annotations

from tui_hub import text
from tui_hub.domain.artifacts import preferred_variant
from tui_hub.domain.configuration import ModelConfiguration
from tui_hub.domain.errors import HubError
from tui_hub.services.fit.weighing import Weigher
from tui_hub.services.models.repositories import Repositories


async def context_notes(
    model: str, configuration: ModelConfiguration, repositories: Repositories, weigher: Weigher
) -> tuple[str, ...]:
    """What is to be said of the context that is set for a model; asks no source.

    More than the model was made for stays allowed: some are stretched on purpose.
    """
    if configuration.context is None:
        return ()
    limit = await _limit(model, configuration, repositories, weigher)
    if limit is None or configuration.context <= limit:
        return ()
    wanted, told = text.grouped(configuration.context), text.grouped(limit)
    return (f"the context is set to {wanted} tokens; the model's files tell of {told}",)


async def _limit(
    model: str, configuration: ModelConfiguration, repositories: Repositories, weigher: Weigher
) -> int | None:
    try:
        details = await repositories.details(model)
        here = [one for one in details.variants if one.name in details.installed_variants]
        meant = [one for one in here if one.name == configuration.variant]
        variant = preferred_variant(meant or here)
        if variant is not None:
            weight = await weigher.weigh(details, variant, configuration)
            if weight.profile.architecture is not None:
                return weight.profile.architecture.context
    except HubError:
        return None
    told = details.model.facts.get("context_length")
    return told if isinstance(told, int) else None
