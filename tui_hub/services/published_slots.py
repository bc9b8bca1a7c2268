"""What is active, written beside the links of the slots for programs that ask nobody.

`active.json` in the store has what `tui-hub active` tells, each slot with its environment, and
`active.env` the variables of all slots, as a shell, systemd and Docker read them. Both are
replaced in one step. The links `active/<type>` alone say what counts; these follow.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tui_hub.blobs import replace_file
from tui_hub.domain.artifacts import main_file
from tui_hub.domain.errors import HubError
from tui_hub.domain.slots import Slot
from tui_hub.runtime import environment
from tui_hub.services.context import Context
from tui_hub.services.slots import read_slots

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


async def publish_slots(context: Context) -> None:
    """Bring both files up to date. That they cannot be written is no failure of a slot."""
    if not context.store_is_there():
        return
    try:
        # Another process may be at another slot: whoever writes last has looked after that.
        for _ in range(_TRIES):
            entries = await _entries(context)
            if not await context.on_disk(_write, context, entries):
                return
    except HubError as error:
        _log.warning("%s was not brought up to date: %s", DOCUMENT, error.message)


async def _entries(context: Context) -> list[dict[str, object]]:
    """What is told of each slot; of one that another home filled, what that home wrote."""
    written = await context.on_disk(_read, context.store.root / DOCUMENT)
    known = {(row.type, row.path) for row in await context.hub.slots.list()}
    entries = []
    for kind, slot in sorted((await read_slots(context)).items()):
        before = written.get(kind.value, {})
        same = (before.get("model"), before.get("path")) == (slot.model, slot.path)
        if same and (kind, slot.path) not in known:
            entries.append(dict(before))
        else:
            variables = await environment_of(context, slot)
            # How it fares in memory moves at every look, and nobody is told of that.
            facts = {name: value for name, value in slot.facts.items() if name != "memory"}
            entries.append({**facts, "environment": variables})
    return entries


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
