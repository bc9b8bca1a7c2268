"""The store in figures, by what its receipts name."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Collection, Mapping

from tui_hub.blobs import BlobStore, Receipt, receipts
from tui_hub.blobs.quarantine import quarantined
from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.storage import Install, ModelUsage, StorageUsage
from tui_hub.domain.types import ModelType
from tui_hub.services.storage.views import needed_besides


def measure(
    store: BlobStore,
    installs: Mapping[str, Install],
    active: Collection[str],
    quota: int,
    losses: Collection[Artifact],
    types: Mapping[str, str],
) -> StorageUsage:
    """Look at the whole store; takes a moment for each blob.

    Args:
        store: the store.
        installs: the installed models that this home knows.
        active: the models that are active.
        quota: what the store should not exceed; 0 is no limit.
        losses: the files that are known to be lost.
        types: the types of their models.
    """
    usage = store.usage()
    found = list(receipts.iter(store))
    holders = Counter(blob for receipt in found for blob in _blobs(receipt))
    holders.update(needed_besides(store, found))
    here = {
        receipt.model: [file for file in receipt.all_files if store.has(file.sha256, file.size)]
        for receipt in found
    }
    sizes = {file.sha256: file.size for files in here.values() for file in files}
    lost = Counter(file.model for file in losses)
    models = []
    by_type: Counter[str] = Counter()
    by_source: Counter[str] = Counter()
    for receipt in found:
        files = here[receipt.model]
        size = sum(file.size for file in files)
        by_type[receipt.type] += size
        by_source[receipt.source] += size
        install = installs.get(receipt.model)
        models.append(
            ModelUsage(
                model=receipt.model,
                type=receipt.type,
                source=receipt.source,
                files=len(files),
                bytes=size,
                bytes_freed=sum(
                    freed_by(store, blob) for blob in _blobs(receipt) if holders[blob] == 1
                ),
                installed_at=receipt.installed_at,
                last_used=install.last_used if install is not None else None,
                active=receipt.model in active,
                lost=lost.pop(receipt.model, 0) + len(receipt.all_files) - len(files),
            )
        )
    models += [
        ModelUsage(
            model=model,
            type=types.get(model, ModelType.UTILITY),
            source=ModelId.parse(model).source,
            files=0,
            bytes=0,
            bytes_freed=0,
            installed_at="",
            active=model in active,
            lost=count,
        )
        for model, count in lost.items()
    ]
    models.sort(key=lambda one: (-one.bytes, one.model))
    logical = sum(one.bytes for one in models)
    return StorageUsage(
        path=str(store.root),
        blobs=usage.blobs,
        bytes=usage.bytes,
        bytes_logical=logical,
        bytes_saved=logical - sum(sizes.values()),
        by_type=dict(by_type),
        by_source=dict(by_source),
        by_model={one.model: one.bytes for one in models},
        models=tuple(models),
        referenced_bytes=usage.referenced_bytes,
        partial_bytes=usage.partial_bytes,
        partial_arrived=usage.partial_arrived,
        quarantined_bytes=sum(one.size for one in quarantined(store)),
        disk_free=usage.disk_free,
        disk_total=usage.disk_total,
        quota=quota,
    )


def freed_by(store: BlobStore, blob: str) -> int:
    """The bytes that deleting a blob gives back.

    None while it has another name on the disk, or is a file of somebody else's that stays.
    """
    try:
        status = store.path(blob).lstat()
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 else 0


def _blobs(receipt: Receipt) -> set[str]:
    return {file.sha256 for file in receipt.all_files}
