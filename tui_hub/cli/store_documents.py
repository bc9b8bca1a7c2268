"""The store as documents: what it holds, what was found wrong in it, what was swept."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tui_hub.domain.garbage import Garbage
from tui_hub.domain.storage import StorageUsage
from tui_hub.domain.verification import Damage, Missing, Verification

Document = dict[str, Any]


def storage(usage: StorageUsage) -> Document:
    """The store in figures."""
    return {
        "path": usage.path,
        "blobs": usage.blobs,
        "bytes": usage.bytes,
        "bytes_logical": usage.bytes_logical,
        "bytes_saved": usage.bytes_saved,
        "by_type": dict(usage.by_type),
        "by_source": dict(usage.by_source),
        "by_model": dict(usage.by_model),
        "models": [asdict(one) for one in usage.models],
        "oldest": [one.model for one in usage.oldest],
        "never_used": [one.model for one in usage.never_used],
        "referenced_bytes": usage.referenced_bytes,
        "quarantined_bytes": usage.quarantined_bytes,
        "quota": _quota(usage),
        "partial_bytes": usage.partial_bytes,
        "partial_arrived": usage.partial_arrived,
        "disk_free": usage.disk_free,
        "disk_total": usage.disk_total,
    }


def garbage(found: Garbage) -> Document:
    """What was swept out of the store, or would be."""
    return {
        "blobs": found.blobs,
        "bytes": found.bytes,
        "removed": 0 if found.dry_run else found.blobs,
        "pieces": [
            {"kind": piece.kind.value, "path": piece.path, "bytes": piece.bytes}
            for piece in found.pieces
        ],
        "kept": found.kept,
        "dry_run": found.dry_run,
    }


def verification(result: Verification) -> Document:
    """The whole of it, also of a run that was cut short."""
    return {
        "job": result.job,
        "model": result.model,
        "dry_run": result.dry_run,
        "checked": result.checked,
        "ok": result.ok,
        "resumed": result.resumed,
        "bytes": result.bytes,
        "seconds": round(result.seconds, 3),
        "damaged": [_damage(one) for one in result.damaged],
        "missing": [_missing(one) for one in result.missing],
        "mended": [asdict(one) for one in result.mended],
        "strangers": list(result.strangers),
        "commands": list(result.commands),
    }


def nothing() -> Document:
    """The document of a run that did not begin."""
    return verification(Verification(job=""))


def _quota(usage: StorageUsage) -> Document | None:
    if not usage.quota:
        return None
    return {"bytes": usage.quota, "used": usage.used, "over": usage.over_quota}


def _damage(one: Damage) -> Document:
    return {
        "sha256": one.sha256,
        "path": one.path,
        "models": list(one.models),
        "reason": one.reason,
        "found": one.found,
        "size": one.size,
        "quarantine": one.quarantine,
        "files": [asdict(file) for file in one.files],
        "active": list(one.active),
    }


def _missing(one: Missing) -> Document:
    return {
        "sha256": one.sha256,
        "models": list(one.models),
        "size": one.size,
        "files": [asdict(file) for file in one.files],
        "active": list(one.active),
    }
