"""A store in figures."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tui_hub.domain.frozen import dataclass
from tui_hub.paths import existing_parent

if TYPE_CHECKING:
    from tui_hub.blobs.store import BlobStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The disk that a store takes and has; sizes are bytes."""

    blobs: int
    """Number of blobs."""
    bytes: int
    """Size of all blobs that lie in the store itself."""
    referenced_bytes: int
    """Size of those that stay where they lie, outside of it."""
    partial_bytes: int
    """Disk that unfinished files take, with what is reserved for bytes that are yet to come."""
    partial_arrived: int
    """What has arrived of them."""
    pending_bytes: int
    """Disk that unfinished files of running processes have still to take."""
    disk_free: int
    disk_total: int


def measure(store: BlobStore) -> Usage:
    """What a store takes of the disk, and what the disk has left."""
    sizes = {sha256: size for sha256 in store.iter() if (size := store.size(sha256)) is not None}
    referenced = sum(size for sha256, size in sizes.items() if store.path(sha256).is_symlink())
    partials = store.partials()
    disk = shutil.disk_usage(existing_parent(store.root))
    return Usage(
        blobs=len(sizes),
        bytes=sum(sizes.values()) - referenced,
        referenced_bytes=referenced,
        partial_bytes=sum(partial.allocated for partial in partials),
        partial_arrived=sum(partial.here for partial in partials),
        pending_bytes=sum(
            max((partial.size or 0) - partial.allocated, 0)
            for partial in partials
            if not partial.left
        ),
        disk_free=disk.free,
        disk_total=disk.total,
    )
