"""Revisions of a model: what each changed against the one before, and the names users gave them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.frozen import dataclass

FILES = 200
"""Changed files that are named; all are counted."""
_HASHES = ("sha256", "git_sha1", "md5")

Gating = bool | str


class FileChangeKind(StrEnum):
    """What happened to a file from one revision to the next."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file that differs between two revisions."""

    path: str
    change: FileChangeKind
    before: int | None = None
    """Bytes it had."""
    after: int | None = None
    """Bytes it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionFacts:
    """What the source said of a model at one commit."""

    committed_at: str | None = None
    license: str | None = None
    gated: Gating = False
    files: int = 0
    bytes: int | None = None
    """Of all files; `None` where the size of one is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionChanges:
    """What a commit changed against the one that was known before it."""

    previous: str
    """That earlier commit."""
    added: int = 0
    removed: int = 0
    changed: int = 0
    """Files that are there in both, with other contents."""
    bytes: int | None = None
    """How much larger all files together are; `None` where that is not known."""
    license: tuple[str | None, str | None] | None = None
    """Before and after, where it is another."""
    gated: tuple[Gating, Gating] | None = None
    """Before and after, where it is another."""
    files: tuple[FileChange, ...] = ()
    """The files that differ, those that weigh most first, `FILES` at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A name that a user gave to a revision, and perhaps to one variant of it."""

    model: str
    name: str
    revision: str
    variant: str | None = None
    named_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One upstream commit of a model, as this box saw it."""

    model: str
    revision: str
    seen_at: str
    facts: RevisionFacts | None = None
    """`None` where only its files are known."""
    changes: RevisionChanges | None = None
    """`None` for the first one that was seen, and for one that was asked for by name."""
    names: tuple[Version, ...] = ()
    """What users call it."""


def changes_between(
    previous: str,
    before: Sequence[Artifact],
    after: Sequence[Artifact],
    facts_before: RevisionFacts | None,
    facts_after: RevisionFacts | None,
) -> RevisionChanges:
    """What is different in the files and terms of a model from one commit to a later one."""
    old, new = ({file.path: file for file in files} for files in (before, after))
    found = [
        *(_change(new[path], None, new[path]) for path in new.keys() - old.keys()),
        *(_change(old[path], old[path], None) for path in old.keys() - new.keys()),
        *(
            _change(new[path], old[path], new[path])
            for path in new.keys() & old.keys()
            if not _same(old[path], new[path])
        ),
    ]
    found.sort(key=lambda one: (-max(one.before or 0, one.after or 0), one.path))
    kinds = Counter(one.change for one in found)
    sizes = [(file.size, sign) for files, sign in ((old, -1), (new, 1)) for file in files.values()]
    licenses = gatings = None
    if facts_before is not None and facts_after is not None:
        licenses = (facts_before.license, facts_after.license)
        gatings = (facts_before.gated, facts_after.gated)
    return RevisionChanges(
        previous=previous,
        added=kinds[FileChangeKind.ADDED],
        removed=kinds[FileChangeKind.REMOVED],
        changed=kinds[FileChangeKind.CHANGED],
        bytes=None
        if any(size is None for size, _ in sizes)
        else sum((size or 0) * sign for size, sign in sizes),
        license=licenses if licenses and licenses[0] != licenses[1] else None,
        gated=gatings if gatings and gatings[0] != gatings[1] else None,
        files=tuple(found[:FILES]),
    )


def _same(before: Artifact, after: Artifact) -> bool:
    """Whether two files are alike, by the first hash that both have, else by their size."""
    for name in _HASHES:
        one, other = getattr(before, name), getattr(after, name)
        if one is not None and other is not None:
            return bool(one == other)
    return before.size == after.size


def _change(file: Artifact, before: Artifact | None, after: Artifact | None) -> FileChange:
    if before is None:
        kind = FileChangeKind.ADDED
    else:
        kind = FileChangeKind.REMOVED if after is None else FileChangeKind.CHANGED
    return FileChange(
        path=file.path,
        change=kind,
        before=before.size if before is not None else None,
        after=after.size if after is not None else None,
    )
