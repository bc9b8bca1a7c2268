"""The settings as the file and the environment tell them now, and changing one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from tui_hub.domain.frozen import dataclass
from tui_hub.services.context import Context
from tui_hub.settings import Configuration, file, loading, values
from tui_hub.settings.values import Setting, Value

Keys = Mapping[str, object]
"""Keys by the names of commands, as they were written."""
_AT_ONCE = ("sync.", "screen.theme", "downloads.limit")
"""What a run takes over while it goes on; all else counts from its next start."""


@dataclass(frozen=True, slots=True)
class Preference:
    """A setting, and whether this run goes by it already."""

    setting: Setting
    waits: bool
    """Whether it counts from the next start only."""


class Preferences:
    """Lists the settings and writes them into the file."""

    def __init__(self, context: Context) -> None:
        self._configuration = context.configuration
        self._stamp: file.Stamp | None = ()
        """Of the file of which the keys were told last; none's at first, as it may have changed."""

    async def list(self) -> tuple[Preference, ...]:
        """All settings, section by section.

        Raises:
            UsageError: when the file is broken, or something in it is wrong.
        """
        begun, now = await asyncio.to_thread(self._read)
        return tuple(
            Preference(new, new.value != old.value and not new.key.startswith(_AT_ONCE))
            for old, new in zip(begun, now, strict=True)
        )

    async def new_keys(self) -> Keys | None:
        """The keys of commands by name, where the file changed since they were asked for last.

        Raises:
            UsageError: when the file is broken now, or something in it is wrong.
        """
        path = self._configuration.paths.config_file
        seen = await asyncio.to_thread(file.stamp, path)
        if seen == self._stamp:
            return None
        self._stamp = seen
        now = await asyncio.to_thread(loading.read, path, self._configuration.environment)
        return now.keys

    async def set(self, key: str, words: str) -> Value:
        """Write a setting into the file as a person typed it, and return its value there.

        Raises:
            NotFoundError: when there is no such setting.
            UsageError: when it cannot have this value, or the file is broken.
            RefusedError: when the file cannot be changed.
        """
        path = self._configuration.paths.config_file
        return await asyncio.to_thread(values.set_value, path, key, words)

    async def unset(self, key: str) -> bool:
        """Take a setting out of the file; whether it stood there. Raises as `set` does."""
        path = self._configuration.paths.config_file
        return await asyncio.to_thread(values.unset, path, key)

    def _read(self) -> tuple[tuple[Setting, ...], tuple[Setting, ...]]:
        begun = self._configuration
        told = loading.read(begun.paths.config_file, begun.environment)
        if begun.settings.network.offline and not told.network.offline:
            network = msgspec.structs.replace(told.network, offline=True)
            told = msgspec.structs.replace(told, network=network)
        now: Configuration = replace(begun, settings=told)
        return values.list_settings(begun), values.list_settings(now)
