"""What a process with torch is told of the GPUs by its environment."""

from __future__ import annotations

import logging

from tui_hub.domain.cuda import ALLOCATORS, BY_BUS, ORDER, UNCACHED, VISIBLE, shareable
from tui_hub.settings import Configuration

_log = logging.getLogger(__name__)


def torch_environment(configuration: Configuration) -> dict[str, str]:
    """Torch numbers the GPUs as the driver does, and is shown one of them when it is to load.

    Which may be taken we know. What it takes is memory that other programs can open.
    """
    environment = {**configuration.plain_environment, ORDER: BY_BUS}
    for name in (VISIBLE, *UNCACHED):
        environment.pop(name, None)
    for name in ALLOCATORS:
        given = environment.get(name, "")
        if (kept := shareable(given)) != given:
            _log.debug("%s=%s: programs could not attach, so torch gets %r", name, given, kept)
            environment[name] = kept
    return environment
