"""The quota of the store: a warning, never a refusal."""

from __future__ import annotations

from tui_hub import text
from tui_hub.blobs import BlobStore
from tui_hub.blobs.quarantine import quarantined
from tui_hub.events import QuotaExceeded
from tui_hub.services.context import Context


def held(store: BlobStore) -> int:
    """The bytes that count against the quota."""
    usage = store.usage()
    return usage.bytes + usage.partial_bytes + sum(one.size for one in quarantined(store))


def over_quota(used: int, quota: int) -> str | None:
    """What to say of a store that holds so much; `None` when that is all right."""
    if not quota or used <= quota:
        return None
    return f"the store holds {text.size(used)}, over its quota of {text.size(quota)}"


async def tell_quota(context: Context) -> None:
    """Tell whoever listens when the store holds more than it should."""
    quota = context.configuration.settings.store.quota
    if quota:
        used = await context.on_disk(held, context.store)
        if used > quota:
            context.bus.publish(QuotaExceeded(used, quota))
