"""The JSON documents of the command line: domain records under the names that scripts rely on.

Keys may be added and are never renamed. Sizes are bytes, times are ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tui_hub.domain.published import benchmarks_of, deprecation_of, price_of
from tui_hub.text import now

if TYPE_CHECKING:
    from tui_hub.domain.artifacts import Artifact, Variant
    from tui_hub.domain.jobs import Job
    from tui_hub.domain.models import Details, Model, ModelEdit, Registration
    from tui_hub.domain.revisions import Revision, RevisionChanges
    from tui_hub.domain.storage import Deletion
    from tui_hub.paths import Paths

Document = dict[str, Any]


def model(entry: Model) -> Document:
    """MODEL: one entry of the catalogue."""
    return {
        "id": entry.id,
        "source": entry.source,
        "name": entry.name,
        "author": entry.author,
        "type": entry.type.value,
        "task": entry.task,
        "library": entry.library,
        "license": entry.license,
        "gated": entry.gated,
        "tags": list(entry.tags),
        "downloads": entry.downloads,
        "likes": entry.likes,
        "params": entry.params,
        "size": entry.size,
        "size_is_estimate": entry.size_is_estimate,
        "last_modified": entry.last_modified,
        "revision": entry.revision,
        "status": entry.status.value,
        "fit": entry.fit.value,
        "deprecated": entry.deprecated,
        "removed": entry.removed,
        "origin": entry.origin,
        "owner": entry.owner,
    }


def search(total: int, models: Iterable[Model], after: str | None) -> Document:
    """The answer to a search; `after` is the key of the next page."""
    return {"total": total, "models": [model(entry) for entry in models], "after": after}


def show(details: Details) -> Document:
    """One model in depth."""
    return {
        **model(details.model),
        "revision": details.revision,
        "description": details.model.description,
        "files": [artifact(file) for file in details.files],
        "variants": [
            variant(entry, installed=entry.name in details.installed_variants)
            for entry in details.variants
        ],
        "versions": [version(entry) for entry in details.versions],
        "requirements": plain(details.requirements),
        "links": dict(details.links),
        **published(details.model),
        "facts": plain(details.model.facts),
        "unsafe": list(details.unsafe),
        "path": details.path,
        "pinned": details.pinned_revision,
        "note": details.note,
        **edit(details.edit),
        **registration(details.registration),
    }


def published(entry: Model) -> Document:
    """The end, the price and the benchmark results of a model, each with its source."""
    end, price = deprecation_of(entry, now()[:10]), price_of(entry)
    return {
        "deprecation": None if end is None else asdict(end),
        "price": None if price is None else asdict(price),
        "benchmarks": [asdict(result) for result in benchmarks_of(entry)],
    }


def edit(entry: ModelEdit | None) -> Document:
    """What a user added to a model, beside MODEL."""
    return {
        "user_note": entry.note if entry else None,
        "favourite": entry.favourite if entry else False,
    }


def registration(entry: Registration | None) -> Document:
    """A repository's registration for its own sync, beside MODEL."""
    if entry is None:
        return {"registration": None}
    return {
        "registration": {
            "vendor": entry.vendor,
            "name": entry.name,
            "auto_sync": entry.auto_sync,
            "status": entry.status.value,
            "error": entry.error,
            "synced_at": entry.synced_at,
        }
    }


def artifact(file: Artifact) -> Document:
    """ARTIFACT: one file of a model."""
    return {
        "id": file.id,
        "path": file.path,
        "size": file.size,
        "sha256": file.sha256,
        "kind": file.kind.value,
        "status": file.status.value,
        "verified": file.verified.value,
        "blob": file.blob,
        "job": file.job,
    }


def files(details: Details) -> Document:
    """The files of one revision of a model."""
    return {
        "model": details.model.id,
        "revision": details.revision,
        "files": [artifact(file) for file in details.files],
        "unsafe": list(details.unsafe),
        "note": details.note,
    }


def variant(entry: Variant, *, installed: bool) -> Document:
    """A set of files that a person would pick as one."""
    return {
        "name": entry.name,
        "format": entry.format,
        "size": entry.size,
        "files": list(entry.paths),
        "installed": installed,
    }


def versions(details: Details) -> Document:
    """The revisions of a model with what each changed, and the names that a user gave them."""
    return {
        "model": details.model.id,
        "installed": details.installed_revision,
        "versions": [version(entry) for entry in details.versions],
        "note": details.note,
    }


def version(entry: Revision) -> Document:
    """One upstream commit of a model; `name` and `variant` are those of its first name."""
    facts, changes = entry.facts, entry.changes
    first = entry.names[0] if entry.names else None
    return {
        "revision": entry.revision,
        "name": first.name if first else None,
        "variant": first.variant if first else None,
        "names": [
            {"name": one.name, "variant": one.variant, "named_at": one.named_at}
            for one in entry.names
        ],
        "seen_at": entry.seen_at,
        "committed_at": facts.committed_at if facts else None,
        "license": facts.license if facts else None,
        "gated": facts.gated if facts else None,
        "files": facts.files if facts else None,
        "size": facts.bytes if facts else None,
        "changes": None if changes is None else _changes(changes),
    }


def _changes(entry: RevisionChanges) -> Document:
    """What a commit changed against the one before."""
    return {
        "previous": entry.previous,
        "added": entry.added,
        "removed": entry.removed,
        "changed": entry.changed,
        "bytes": entry.bytes,
        "license": _before_and_after(entry.license),
        "gated": _before_and_after(entry.gated),
        "files": [
            {
                "path": one.path,
                "change": one.change.value,
                "size_before": one.before,
                "size_after": one.after,
            }
            for one in entry.files
        ],
    }


def _before_and_after(pair: tuple[object, object] | None) -> Document | None:
    return None if pair is None else {"from": pair[0], "to": pair[1]}


def job(entry: Job) -> Document:
    """One job with its history."""
    return {
        "id": entry.id,
        "type": entry.type.value,
        "status": entry.status.value,
        "payload": plain(entry.payload),
        "progress": asdict(entry.progress),
        "attempts": entry.attempts,
        "error": entry.error,
        "created_at": entry.created_at,
        "started_at": entry.started_at,
        "finished_at": entry.finished_at,
        "log": list(entry.log),
    }


def jobs(entries: Iterable[Job]) -> Document:
    """Several jobs."""
    return {"jobs": [job(entry) for entry in entries]}


def deletion(entry: Deletion, variant: str | None) -> Document:
    """What the deletion of a model, or of one variant of it, took or would take."""
    return {
        "model": entry.model,
        "variant": variant,
        "files": entry.files,
        "bytes_freed": entry.bytes_freed,
    }


def paths(entry: Paths) -> Document:
    """Where everything of this home lives."""
    return {
        "home": None if entry.home is None else str(entry.home),
        "config": str(entry.config_file),
        "hub_database": str(entry.hub_database),
        "catalogue_database": str(entry.catalogue_database),
        "store": str(entry.store),
        "hf_hub_cache": str(entry.store / "hf"),
        "ollama_models": str(entry.store / "ollama"),
        "logs": str(entry.logs),
        "state": str(entry.state),
    }


def plain(value: object) -> Any:
    """Mappings and sequences as JSON knows them; anything it does not know as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
