"""What is active, written beside the links of the slots for programs that ask nobody.

`active.json` in the store has what `tui-hub active` tells, each slot with its environment, and
`active.env` the variables of all slots, as a shell and systemd read them, and Docker where no value
needs quotes. Both are replaced in one step. The links `active/<type>` alone say what counts; these
follow.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from tui_hub.blobs import replace_file
from tui_hub.domain.artifacts import main_file
from tui_hub.domain.errors import HubError
from tui_hub.domain.slots import MemoryFigures, Slot
from tui_hub.domain.types import ModelType
from tui_hub.runtime import environment
from tui_hub.services.context import Context
from tui_hub.services.slots.standing import read_slots

_log = logging.getLogger(__name__)

DOCUMENT, VARIABLES = "active.json", "active.env"
_OWN = "TUI_HUB_"
_TYPE = "TUI_HUB_MODEL_TYPE"
_TRIES = 5
_LIMIT = 1024 * 1024


async def environment_of(context: Context, slot: Slot) -> dict[str, str]:
    """The variables under which another program finds the model of a slot."""
    files = await context.hub.artifacts.of(slot.model, slot.revision)
    file = main_file(files, slot.variant)
    return environment(slot, file=file, hf_cache=context.store.root / "hf")


class SlotFiles:
    """Writes both files. That they cannot be written is no failure of a slot."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: Mapping[ModelType, Slot] | None = None

    async def follow(self) -> None:
        """Bring them up to date, where the slots became others since this process wrote them."""
        if _untimely(await read_slots(self._context)) != self._told:
            await self.write()

    async def write(self) -> None:
        """Bring them up to date."""
        if not self._context.store_is_there():
            return
        try:
            # Another process may be at another slot: whoever writes last has looked after that.
            for _ in range(_TRIES):
                entries = await self._entries()
                if not await self._context.on_disk(_write, self._context, entries):
                    return
        except HubError as error:
            _log.warning("%s was not brought up to date: %s", DOCUMENT, error.message)

    async def _entries(self) -> list[dict[str, object]]:
        """What is told of each slot; of one that another home filled, what that home wrote."""
        context = self._context
        written = await context.on_disk(_read, context.store.root / DOCUMENT)
        known = {(row.type, row.path) for row in await context.hub.slots.list()}
        self._told = _untimely(await read_slots(context))
        entries = []
        for kind, slot in sorted(self._told.items()):
            before = written.get(kind.value, {})
            same = (before.get("model"), before.get("path")) == (slot.model, slot.path)
            if same and (kind, slot.path) not in known:
                entries.append(dict(before))
            else:
                variables = await environment_of(context, slot)
                facts = {name: value for name, value in slot.facts.items() if name != "memory"}
                entries.append({**facts, "environment": variables})
        return entries


def _untimely(slots: Mapping[ModelType, Slot]) -> dict[ModelType, Slot]:
    """Slots without their figures, which move at every look, and of which nobody is told."""
    return {kind: replace(slot, memory=MemoryFigures()) for kind, slot in slots.items()}


def _read(path: Path) -> dict[str, Mapping[str, Any]]:
    """The entries that stand there, by type."""
    try:
        with path.open("rb") as file:
            found = msgspec.json.decode(file.read(_LIMIT))
        return {str(one["type"]): one for one in found["slots"] if isinstance(one, dict)}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError):
        return {}


def _write(context: Context, entries: Sequence[Mapping[str, object]]) -> bool:
    """Replace what says something else; whether anything did."""
    if not entries and not (context.store.root / DOCUMENT).exists():
        return False
    document = msgspec.json.format(msgspec.json.encode({"slots": entries}), indent=2) + b"\n"
    lines = dict.fromkeys(line for entry in entries for line in _lines(entry))
    variables = "".join(f"{line}\n" for line in lines)
    changed = False
    for name, content in ((DOCUMENT, document), (VARIABLES, variables.encode())):
        changed |= replace_file(context.store, name, content)
    return changed


def _lines(entry: Mapping[str, object]) -> list[str]:
    """The variables of one slot, those of our own with its type in their names."""
    variables = entry.get("environment")
    prefix = f"{_OWN}{str(entry['type']).upper()}_"
    return [
        f"{name.replace(_OWN, prefix, 1)}={shlex.quote(value)}"
        for name, value in (variables.items() if isinstance(variables, dict) else ())
        # What a line cannot hold is in the document alone, and the type is in the names.
        if isinstance(value, str) and value.isprintable() and name != _TYPE
    ]
