"""What a process with torch is told of the GPUs by its environment."""

from __future__ import annotations

import logging

from tui_hub.domain.cuda import (
    ALLOCATORS,
    BY_BUS,
    ORDER,
    VISIBLE,
    names_slice,
    without_expandable,
)
from tui_hub.settings import Configuration

_log = logging.getLogger(__name__)


def shows_slice(configuration: Configuration) -> bool:
    """Whether torch is shown a slice of a GPU alone, and has its way with that."""
    return names_slice(configuration.environment.get(VISIBLE))


def torch_environment(configuration: Configuration) -> dict[str, str]:
    """Torch sees all GPUs and numbers them as the driver does: which may be taken we know.

    What it takes is memory that other programs can open.
    """
    environment = {**configuration.plain_environment, ORDER: BY_BUS}
    if not shows_slice(configuration):
        environment.pop(VISIBLE, None)
    for name in ALLOCATORS:
        given = environment.get(name, "")
        if (kept := without_expandable(given)) != given:
            _log.debug("%s=%s: programs could not attach, so torch gets %r", name, given, kept)
            environment[name] = kept
    return environment
