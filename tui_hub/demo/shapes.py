"""The JSON of the Hub's API: model entries, file trees, commits (recorded key sets and orders)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from tui_hub.demo.registry import Entry, Snapshot
from tui_hub.demo.repository import Repository, RepositoryFile
from tui_hub.domain.artifacts import weights_format

Json = dict[str, Any]

EXPANDABLE = (
    "author", "baseModels", "cardData", "config", "createdAt", "disabled", "downloads",
    "downloadsAllTime", "evalResults", "gated", "inference", "inferenceProviderMapping",
    "lastModified", "library_name", "likes", "mask_token", "model-index", "pipeline_tag",
    "private", "safetensors", "sha", "siblings", "spaces", "tags", "transformersInfo",
    "trendingScore", "widgetData", "gguf", "resourceGroup", "xetEnabled", "childrenModelCount",
    "usedStorage",
)  # fmt: skip
"""What `expand` may ask for."""

LISTED = (
    "_id", "id", "likes", "trendingScore", "private", "downloads", "tags", "pipeline_tag",
    "library_name", "createdAt", "modelId",
)  # fmt: skip
"""The keys of a listing that asks for nothing more."""

FULL = (*LISTED, "author", "gated", "disabled", "lastModified", "sha", "siblings")
"""The keys of a listing with `full=true`."""

DETAILS = (
    "_id", "id", "private", "pipeline_tag", "library_name", "tags", "downloads", "likes",
    "modelId", "author", "sha", "lastModified", "gated", "disabled", "widgetData", "model-index",
    "config", "cardData", "transformersInfo", "gguf", "safetensors", "siblings", "spaces",
    "createdAt", "usedStorage",
)  # fmt: skip
"""The keys of a model's own page."""

_SCANNERS = ("jFrogScan", "protectAiScan", "avScan", "pickleImportScan", "virusTotalScan")


def entry_json(entry: Entry, keys: Collection[str], snapshot: Snapshot | None = None) -> Json:
    """A model with the keys that were asked for and that it has, in the order of the request."""
    values = _values(entry, snapshot or entry.head)
    return {key: values[key] for key in keys if key in values}


def _values(entry: Entry, snapshot: Snapshot) -> Json:
    repository = snapshot.repository
    values: Json = {
        "_id": entry.key,
        "id": repository.id,
        "modelId": repository.id,
        "author": repository.author,
        "private": repository.private,
        "tags": list(repository.tags),
        "downloads": repository.downloads,
        "downloadsAllTime": repository.downloads * 7,
        "likes": repository.likes,
        "trendingScore": repository.trending,
        "sha": snapshot.commit,
        "lastModified": wire_time(snapshot.date),
        "createdAt": wire_time(repository.created_at),
        "gated": repository.gated,
        "disabled": repository.disabled,
        "model-index": None,
        "config": dict(repository.config),
        "cardData": card_data(repository),
        "siblings": [{"rfilename": file.path} for file in repository.files],
        "spaces": [],
        "usedStorage": repository.stored,
    }
    return values | _optional(repository)


def _optional(repository: Repository) -> Json:
    """What the Hub leaves out of models that do not have it."""
    values: Json = {}
    if repository.task:
        values["pipeline_tag"] = repository.task
    if repository.library:
        values["library_name"] = repository.library
    if repository.parameters:
        total = sum(repository.parameters.values())
        values["safetensors"] = {"parameters": dict(repository.parameters), "total": total}
    if repository.gguf:
        values["gguf"] = dict(repository.gguf)
    if repository.library == "transformers":
        values["transformersInfo"] = {"auto_model": "AutoModel"}
    if repository.base_model:
        base = {"_id": hashlib.sha1(repository.base_model.encode()).hexdigest()[:24]}
        models = [base | {"id": repository.base_model}]
        values["baseModels"] = {"relation": repository.base_relation, "models": models}
    return values


def card_data(repository: Repository) -> Json:
    """The front matter of the README as the Hub keeps it."""
    card: Json = dict(repository.card)
    for key, value in (
        ("license", repository.license),
        ("library_name", repository.library),
        ("pipeline_tag", repository.task),
        ("base_model", [repository.base_model] if repository.base_model else None),
    ):
        if value:
            card.setdefault(key, value)
    return card


def wire_time(moment: str) -> str:
    """A time as the Hub writes it, with milliseconds: `2026-03-02T14:08:36.000Z`."""
    return moment.removesuffix("Z").partition(".")[0] + ".000Z"


def blob_siblings(repository: Repository) -> list[Json]:
    """The files with their hashes, as `?blobs=true` names them."""
    return [_sibling(file) for file in repository.files]


def _sibling(file: RepositoryFile) -> Json:
    digests = file.digests
    sibling: Json = {"rfilename": file.path, "blobId": digests.oid, "size": file.size}
    if digests.pointer_size is not None:
        sibling["lfs"] = {
            "sha256": digests.sha256,
            "size": file.size,
            "pointerSize": digests.pointer_size,
        }
    return sibling


def tree_rows(snapshot: Snapshot, folder: str, *, recursive: bool) -> list[str]:
    """The paths below a folder, subfolders among them, sorted; none for an unknown folder."""
    repository = snapshot.repository
    inside = f"{folder}/" if folder else ""
    paths = [*repository.by_path, *repository.folders]
    below = sorted(path for path in paths if path.startswith(inside) and path != folder)
    return below if recursive else [path for path in below if "/" not in path[len(inside) :]]


def path_json(snapshot: Snapshot, path: str, *, expand: bool) -> Json | None:
    """One row of a tree; `None` when the repository has no such path."""
    repository = snapshot.repository
    file = repository.by_path.get(path)
    if file is not None:
        row = _file_row(file)
    elif path in repository.folders:
        oid = hashlib.sha1(f"{snapshot.commit}/{path}".encode()).hexdigest()
        row = {"type": "directory", "oid": oid, "size": 0, "path": path}
    else:
        return None
    return row | _expanded(snapshot, file) if expand else row


def _file_row(file: RepositoryFile) -> Json:
    digests = file.digests
    row: Json = {"type": "file", "oid": digests.oid, "size": file.size}
    if digests.pointer_size is not None:
        row["lfs"] = {
            "oid": digests.sha256,
            "size": file.size,
            "pointerSize": digests.pointer_size,
        }
    return row | {"path": file.path}


def _expanded(snapshot: Snapshot, file: RepositoryFile | None) -> Json:
    title = snapshot.repository.title
    commit = {"id": snapshot.commit, "title": title, "date": wire_time(snapshot.date)}
    if file is None:
        return {"lastCommit": commit}
    status = {"status": "suspicious" if weights_format(file.path) == "pickle" else "safe"}
    return {"lastCommit": commit, "securityFileStatus": status | dict.fromkeys(_SCANNERS)}


def security_json(repository: Repository) -> Json:
    """The state of the scans of a repository's files."""
    found = [
        {"path": file.path, "level": "suspicious"}
        for file in repository.files
        if weights_format(file.path) == "pickle"
    ]
    return {"scansDone": True, "filesWithIssues": found}


def refs_json(entry: Entry) -> Json:
    """Branches and tags."""
    head = {"name": "main", "ref": "refs/heads/main", "targetCommit": entry.head.commit}
    tags = [
        {"name": name, "ref": f"refs/tags/{name}", "targetCommit": commit}
        for name, commit in entry.tags.items()
    ]
    return {"tags": tags, "branches": [head], "converts": []}


def commit_json(snapshot: Snapshot) -> Mapping[str, Any]:
    """One commit of the history."""
    return {
        "id": snapshot.commit,
        "title": snapshot.repository.title,
        "message": "",
        "authors": [{"user": snapshot.repository.author, "avatar": ""}],
        "date": wire_time(snapshot.date),
    }
