"""`tui_hub.attach`: from the name of a slot to the tensors of its model."""

from __future__ import annotations

import os

from tui_hub import processes
from tui_hub.blobs import BlobStore, read_active
from tui_hub.database.slot_reading import read_slot
from tui_hub.domain.errors import HubError, NotFoundError, RefusedError, UnsafeError, UsageError
from tui_hub.domain.runtime import TORCH
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.runtime.attached import Attached, Lease, import_torch, map_memory, tensors_of
from tui_hub.runtime.receiving import receive
from tui_hub.runtime.sockets import connect
from tui_hub.runtime.torch_child.process import peer
from tui_hub.settings import Configuration
from tui_hub.text import clean


def attach(kind: str, configuration: Configuration) -> Attached:
    """The tensors of a slot's model; see `tui_hub.attach`."""
    slot = _slot(kind, configuration)
    torch = import_torch()
    folder = configuration.paths.sockets
    connection = connect(folder, slot.child or "")
    if connection is None:
        raise _gone(slot)
    lease = Lease(connection)
    pid, user = peer(connection)
    if user != os.getuid():
        raise UnsafeError(f"the process {pid} behind {folder / str(slot.child)} is another user's")
    tensors, device = tensors_of(torch, receive(connection, map_memory), lease)
    connection.setblocking(False)
    return Attached(slot, tensors, device, lease)


def _slot(kind: str, configuration: Configuration) -> Slot:
    """The slot, where it holds a model that torch has in memory."""
    if kind not in set(ModelType):
        raise UsageError(
            f"there is no model type {clean(kind, 40)!r}",
            hint=f"The types: {', '.join(ModelType)}.",
        )
    slot = read_slot(configuration.paths.hub_database, ModelType(kind))
    here = read_active(BlobStore(configuration.paths.store), kind)
    if slot is None or (slot.path and (here is None or str(here) != slot.path)):
        paths = configuration.paths
        raise NotFoundError(
            f"the slot {kind} is empty in {paths.home or paths.hub_database.parent}",
            hint="`tui-hub activate MODEL` puts a model there; TUI_HUB_HOME or `home=` names "
            "another home.",
        )
    if slot.runtime != TORCH:
        raise RefusedError(
            f"{slot.model} is active by {slot.chosen_by}, which hands out no tensors",
            hint=f"`tui-hub switch {slot.model} --runtime {TORCH}` has torch hold it.",
        )
    if slot.error is not None or slot.holder is None or not processes.alive(slot.holder):
        raise _gone(slot)
    return slot


def _gone(slot: Slot) -> HubError:
    return HubError(
        slot.error or f"the process {slot.pid} that held {slot.model} in memory is gone",
        hint=f"`tui-hub reload {slot.type}` loads it again.",
    )
