"""Making room: what to delete for a number of bytes, and deleting it."""

from __future__ import annotations

from tui_hub.blobs import receipts
from tui_hub.blobs.holds import held
from tui_hub.domain.room import Holding, RoomPlan, plan_room
from tui_hub.services.context import Context
from tui_hub.services.models.statuses import live_downloads
from tui_hub.services.storage.usage import freed_by
from tui_hub.services.storage.views import needed_besides


class Room:
    """Plans which models may go; nothing that is active or being downloaded is among them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def plan(self, wanted: int) -> RoomPlan:
        """The models whose deletion frees so many bytes, or all that it can.

        Never used models come first, then those that rested longest.
        """
        busy = {slot.model for slot in await self._context.hub.slots.list()}
        busy |= {str(job.payload.get("model")) for job in await live_downloads(self._context)}
        installs = {one.model: one for one in await self._context.hub.installs.list()}
        used = {model: install.last_used for model, install in installs.items()}
        return await self._context.on_disk(self._plan, wanted, busy, used)

    def _plan(self, wanted: int, busy: set[str], used: dict[str, str | None]) -> RoomPlan:
        store = self._context.store
        found = list(receipts.iter(store))
        kept = held(store.temp) | needed_besides(store, found)
        holdings = []
        for receipt in found:
            blobs = {file.sha256: freed_by(store, file.sha256) for file in receipt.all_files}
            if receipt.model in busy:
                kept |= set(blobs)
                continue
            holdings.append(
                Holding(
                    model=receipt.model,
                    blobs=blobs,
                    last_used=used.get(receipt.model),
                    installed_at=receipt.installed_at,
                )
            )
        return plan_room(wanted, holdings, kept)
