"""The names that a shell offers at a place of a command line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tui_hub.domain.errors import HubError
from tui_hub.domain.types import ModelType

if TYPE_CHECKING:
    from tui_hub.cli.options import Options


def names(options: Options, kinds: Iterable[str], typed: str) -> list[str]:
    """The names of some kinds that go on from what was typed.

    A catalogue or settings that cannot be read give none: a shell has no place for a reason.
    """
    try:
        return [name for kind in kinds for name in _of_kind(options, kind, typed)]
    except HubError:
        return []


def _of_kind(options: Options, kind: str, typed: str) -> list[str]:
    if kind == "type":
        return [one.value for one in ModelType if one.value.startswith(typed)]
    if kind == "setting":
        from tui_hub.settings.keys import keys

        return [key for key in keys() if key.startswith(typed)]
    from tui_hub.services.completion import complete_feeds, complete_models

    configuration = options.configuration()
    if kind == "feed":
        return complete_feeds(configuration, typed)
    return asyncio.run(complete_models(configuration, typed, installed=kind == "installed"))
