"""The cache of Hugging Face's libraries.

`models--org--name/` holds `blobs/<etag>`, `snapshots/<commit>/<path>` (links to those) and
`refs/<name>` (a commit, as text). The ETag is the SHA-256 of large files and the git blob id of
small ones. Where repositories share their blobs, `blobs/<etag>` is a link to the cache's own
`blobs/<xx>/<hash>`. The layout is documented at https://huggingface.co/docs/hub/local-cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tui_hub.domain.artifacts import Artifact, artifact_id, kind_of, weights_format
from tui_hub.domain.errors import HubError
from tui_hub.domain.identifiers import ModelId, is_sha1, is_sha256
from tui_hub.domain.models import DEFAULT_REF, Model
from tui_hub.domain.scanning import LeftOut
from tui_hub.foreign.base import Box, Finding, FoundFile, FoundModel, left_out
from tui_hub.foreign.cards import describe
from tui_hub.foreign.looking import (
    LeadsAwayError,
    folders,
    is_folder,
    linked_folders,
    look_at,
    read_small,
    walk,
)
from tui_hub.foreign.shards import missing_shards

_PREFIX = "models--"
_OWNER = "local_sync_system"


class HuggingFaceCache:
    """Finds each repository at the revision that its `main` stands for, else at the newest."""

    name = "huggingface"

    def places(self, box: Box) -> Sequence[Path]:
        """`HF_HUB_CACHE`, or the folder `hub` of `HF_HOME`, as those libraries have it."""
        told = box.path("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
        if told is not None:
            return (told,)
        home = box.path("HF_HOME")
        cache = box.path("XDG_CACHE_HOME") or box.home / ".cache"
        return ((home or cache / "huggingface") / "hub",)

    def root(self, folder: Path) -> Path | None:
        """The cache itself, the folder that holds it as `hub`, or one repository of it."""
        if folder.name.startswith(_PREFIX) and is_folder(folder / "snapshots"):
            return folder
        for place in (folder, folder / "hub"):
            if any(one.name.startswith(_PREFIX) for one in folders(place)):
                return place
        return None

    def look(self, root: Path, box: Box) -> Iterator[Finding | None]:
        """One model for each repository, and what is broken in it."""
        single = root.name.startswith(_PREFIX)
        cache = (root.parent if single else root).resolve()
        yield from () if single else linked_folders(root)
        for folder in [root] if single else folders(root):
            if folder.name.startswith(_PREFIX):
                yield from _repository(folder, cache)


def _repository(folder: Path, cache: Path) -> Iterator[Finding]:
    try:
        model = ModelId.parse("hf:" + folder.name.removeprefix(_PREFIX).replace("--", "/"))
    except HubError as error:
        yield left_out(folder, error.message)
        return
    commits = {one.name: one for one in folders(folder / "snapshots") if is_sha1(one.name)}
    if not commits:
        yield left_out(folder, "there is no snapshot of it")
        return
    refs = _refs(folder / "refs")
    chosen = refs.get(DEFAULT_REF)
    if chosen not in commits:
        chosen = max(commits, key=lambda commit: (_modified(commits[commit]), commit))
    files, broken = _snapshot(commits[chosen], cache)
    yield from broken
    for commit, snapshot in commits.items():
        if commit != chosen:
            yield left_out(snapshot, f"{chosen[:12]} is taken: a model has one revision here")
    if not any(weights_format(file.path) for file in files):
        yield left_out(commits[chosen], "there are no weights in it, so it is no model by itself")
        return
    told = Model(
        id=str(model),
        source=model.source,
        name=model.name,
        author=model.author,
        revision=chosen,
        size=sum(file.size for file in files),
        origin="local",
        owner=_OWNER,
    )
    record = describe(told, commits[chosen])
    yield FoundModel(
        layout=HuggingFaceCache.name,
        place=commits[chosen],
        name=model.path,
        files=tuple(files),
        type=record.type,
        model=model,
        revision=chosen,
        refs=tuple(sorted(ref for ref, commit in refs.items() if commit == chosen)),
        record=record,
        listing=_listing(model, chosen, files, [one.place for one in broken], commits[chosen]),
    )


def _snapshot(snapshot: Path, cache: Path) -> tuple[list[FoundFile], list[LeftOut]]:
    """The files of a snapshot, and those that cannot be taken."""
    files: list[FoundFile] = []
    broken: list[LeftOut] = []
    for path in _all(snapshot):
        if isinstance(path, LeftOut):
            broken.append(path)
            continue
        try:
            etag = path.readlink().name if path.is_symlink() else ""
            files.append(
                look_at(
                    path,
                    cache,
                    path.relative_to(snapshot).as_posix(),
                    sha256=etag if is_sha256(etag) else None,
                    git_sha1=etag if is_sha1(etag) else None,
                )
            )
        except (LeadsAwayError, OSError) as error:
            broken.append(left_out(path, str(error), failed=True))
    return files, broken


def _all(snapshot: Path) -> Iterator[Path | LeftOut]:
    """Everything in a snapshot, names with a dot too: they are files of the repository."""
    yield from walk(snapshot)
    try:
        yield from sorted(path for path in snapshot.glob(".*") if not is_folder(path))
    except OSError:
        return  # the walk has told of it


def _listing(
    model: ModelId, commit: str, files: Sequence[FoundFile], broken: Sequence[str], snapshot: Path
) -> tuple[Artifact, ...]:
    """What is known of the repository's files: those here, and those that must be missing."""
    paths = [file.path for file in files]
    prefix = f"{snapshot}/"
    lost = [place.removeprefix(prefix) for place in broken if place.startswith(prefix)]
    here = [
        Artifact(
            id=artifact_id(str(model), commit, file.path),
            model=str(model),
            revision=commit,
            path=file.path,
            size=file.size,
            sha256=file.sha256,
            git_sha1=file.git_sha1,
            kind=kind_of(file.path),
        )
        for file in files
    ]
    blank = Artifact(id="", model=str(model), revision=commit, path="")
    return (
        *here,
        *(
            replace(blank, id=artifact_id(str(model), commit, path), path=path, kind=kind_of(path))
            for path in sorted({*missing_shards([*paths, *lost]), *lost})
        ),
    )


def _refs(folder: Path) -> dict[str, str]:
    """The commit of each branch and tag."""
    found: dict[str, str] = {}
    for path in walk(folder) if is_folder(folder) else ():
        if isinstance(path, Path):
            commit = (read_small(path, 200) or b"").decode("ascii", "replace").strip()
            if is_sha1(commit):
                found[path.relative_to(folder).as_posix()] = commit
    return found


def _modified(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
