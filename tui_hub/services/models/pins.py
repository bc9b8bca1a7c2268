"""Pinned models: what was installed where an imported registry came from, until it is here too."""

from __future__ import annotations

from collections.abc import Iterable

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import RefusedError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.domain.registry import Pin
from tui_hub.services.context import Context
from tui_hub.text import clean


async def mirror_pins(context: Context, pins: Iterable[Pin]) -> None:
    """Let the catalogue list pinned models that it does not know yet."""
    wanted = list(pins)
    known = await context.catalogue.models.known([pin.model for pin in wanted])
    models = [_model(pin) for pin in wanted if pin.model not in known]
    if models:
        await context.catalogue.models.merge(models)


async def settle_pin(context: Context, model: str, revision: str, paths: Iterable[str]) -> None:
    """Take a pin away once all that it names is here, or another revision is."""
    pin = await context.hub.pins.get(model)
    if pin is None:
        return
    missing = {file.path for file in pin.files}.difference(paths)
    if revision != pin.revision or not missing:
        await context.hub.pins.delete(model)


def refuse_difference(pin: Pin, files: Iterable[Artifact]) -> None:
    """Stop where the source has other files at the pinned revision than were installed.

    Raises:
        RefusedError: naming the first such file.
    """
    wanted = {file.path: file for file in pin.files}
    for file in files:
        known = wanted.get(file.path)
        if known is None:
            continue
        told = ((known.sha256, file.sha256), (known.size, file.size))
        if any(None not in pair and pair[0] != pair[1] for pair in told):
            raise RefusedError(
                f"{clean(file.path, 200)} of {pin.model} is another file at its source than the "
                "imported registry names",
                hint=f"`--revision {pin.revision}` takes it as its source has it.",
            )


def _model(pin: Pin) -> Model:
    """All that is known of a pinned model before its source was asked."""
    identifier = ModelId.parse(pin.model)
    sizes = [file.size for file in pin.files]
    return Model(
        id=pin.model,
        source=identifier.source,
        name=identifier.name,
        author=identifier.author,
        type=pin.type,
        license=pin.license,
        revision=pin.revision,
        size=None if None in sizes else sum(size for size in sizes if size is not None),
        origin="local",
        owner="local_sync_system",
    )
