"""What the hub holds: repositories by id, each with its commits, names and earlier ids."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from dataclasses import replace as dataclass_replace

from tui_hub import text
from tui_hub.demo.repository import Repository


@dataclass(frozen=True)
class Snapshot:
    """A repository at one commit."""

    repository: Repository
    commit: str
    date: str

    @property
    def id(self) -> str:
        """The repository's id."""
        return self.repository.id


@dataclass
class Entry:
    """One repository through its history."""

    key: str
    """The `_id` of the wire, which survives a rename."""
    snapshots: list[Snapshot] = field(default_factory=list)
    """Newest first, never empty once it is in a registry."""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> Snapshot:
        """The newest commit."""
        return self.snapshots[0]

    def revision(self, name: str) -> Snapshot | None:
        """The commit behind a branch, a tag, a commit or the start of one."""
        if name in ("main", "refs/heads/main", "HEAD"):
            return self.head
        wanted = self.tags.get(name.removeprefix("refs/tags/"), name)
        if len(wanted) < 7:
            return None
        return next((one for one in self.snapshots if one.commit.startswith(wanted)), None)


class Registry:
    """All repositories of one hub."""

    def __init__(self, repositories: Iterable[Repository] = ()) -> None:
        self._entries: dict[str, Entry] = {}
        self._lower: dict[str, str] = {}
        self._moved: dict[str, str] = {}
        for repository in repositories:
            self.put(repository)

    def put(self, repository: Repository) -> Snapshot:
        """Add a repository, or a new commit to one that is there."""
        entry = self._entries.get(repository.id)
        if entry is None:
            entry = Entry(hashlib.sha1(repository.id.encode()).hexdigest()[:24])
        date = repository.last_modified or text.now()
        before = entry.head.commit if entry.snapshots else ""
        # no moment counts, so that a hub has the same commits whenever it is started
        told = f"{before}\0{repository.fingerprint()}\0{repository.title}"
        commit = hashlib.sha1(told.encode()).hexdigest()
        entry.snapshots.insert(0, Snapshot(repository, commit, date))
        self._entries[repository.id] = entry
        self._lower[repository.id.lower()] = repository.id
        return entry.head

    def remove(self, repository: str) -> None:
        """Delete a repository, as if it never was."""
        del self._entries[repository]
        del self._lower[repository.lower()]

    def rename(self, old: str, new: str) -> None:
        """Give a repository a new id; the old one leads there."""
        entry = self._entries[old]
        self.remove(old)
        entry.snapshots = [
            dataclass_replace(one, repository=dataclass_replace(one.repository, id=new))
            for one in entry.snapshots
        ]
        self._entries[new] = entry
        self._lower[new.lower()] = new
        self._moved[old] = new

    def tag(self, repository: str, name: str, commit: str | None = None) -> None:
        """Name a commit; the newest where none is given."""
        entry = self._entries[repository]
        entry.tags[name] = commit or entry.head.commit

    def find(self, repository: str) -> Entry | None:
        """The repository of exactly this id."""
        return self._entries.get(repository)

    def moved(self, repository: str) -> str | None:
        """Where a renamed or wrongly capitalised id leads."""
        return self._moved.get(repository) or self._lower.get(repository.lower())

    def entries(self) -> list[Entry]:
        """All repositories."""
        return list(self._entries.values())
