"""A slot as another program may read it, at once and with no more than the standard library."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from tui_hub.database.slots import SLOT_COLUMNS, slot_record
from tui_hub.domain.errors import HubError
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType

_BUSY_SECONDS = 5.0


def read_slot(path: Path, kind: ModelType) -> Slot | None:
    """The row of a slot in a home's `hub.db`; `None` where there is none, or no home. Blocks.

    Raises:
        HubError: when the file cannot be read.
    """
    if not path.exists():
        return None
    select = f"SELECT {SLOT_COLUMNS} FROM slots WHERE type = ?"  # noqa: S608 - a constant
    try:
        # Not `mode=ro`, by which the first to open a journal's memory could not.
        address = f"{path.absolute().as_uri()}?mode=rw"
        with contextlib.closing(sqlite3.connect(address, _BUSY_SECONDS, uri=True)) as database:
            row = database.execute(select, (kind.value,)).fetchone()
    except sqlite3.Error as error:
        raise HubError(
            f"{path} cannot be read: {error}", hint="`tui-hub doctor` looks what is wrong."
        ) from None
    return None if row is None else slot_record(row)
