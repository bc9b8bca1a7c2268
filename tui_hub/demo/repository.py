"""Repositories and files as a caller describes them to the demo hub."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from tui_hub.demo.content import Bytes, Content, Disk, chunks
from tui_hub.domain.artifacts import weights_format

_IN_GIT = 10 * 1024 * 1024
"""The Hub takes no larger file into git itself."""

Gating = Literal[False, "auto", "manual"]


@dataclass(frozen=True)
class Digests:
    """The hashes by which the Hub names a file."""

    sha256: str
    oid: str
    """The git blob id; for a large file that of its pointer, not of its bytes."""
    pointer_size: int | None
    """Bytes of the pointer file; `None` for what lies in git itself."""

    @property
    def cdn_etag(self) -> str:
        """What the second origin calls the file: 64 hex digits that are no hash of its bytes."""
        return hashlib.sha256(b"content-defined chunks of " + self.sha256.encode()).hexdigest()


@dataclass(frozen=True)
class RepositoryFile:
    """One file: its path, and its bytes from memory, from disk or made on demand."""

    path: str
    source: bytes | Path | Content = field(repr=False)
    lfs: bool | None = None
    """Whether the Hub keeps it outside git, with a SHA-256; `None` decides by name and size."""

    @cached_property
    def content(self) -> Content:
        """The bytes behind one interface."""
        if isinstance(self.source, bytes):
            return Bytes(self.source)
        return Disk(self.source) if isinstance(self.source, Path) else self.source

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self.content.size

    @cached_property
    def large(self) -> bool:
        """Whether it lies outside git."""
        if self.lfs is not None:
            return self.lfs
        return weights_format(self.path) is not None or self.size > _IN_GIT

    @cached_property
    def digests(self) -> Digests:
        """The hashes; the first call reads every byte once."""
        sha256 = hashlib.sha256()
        blob = hashlib.sha1(b"blob %d\0" % self.size)
        for chunk in chunks(self.content, 0, self.size):
            sha256.update(chunk)
            if not self.large:
                blob.update(chunk)
        if not self.large:
            return Digests(sha256.hexdigest(), blob.hexdigest(), None)
        pointer = self.pointer(sha256.hexdigest())
        oid = hashlib.sha1(b"blob %d\0" % len(pointer) + pointer).hexdigest()
        return Digests(sha256.hexdigest(), oid, len(pointer))

    def pointer(self, sha256: str) -> bytes:
        """What git holds in place of a large file (git-lfs, `docs/spec.md`)."""
        return (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {self.size}\n"
        ).encode()


@dataclass(frozen=True, kw_only=True)
class Repository:
    """One model repository at one commit. Times are ISO 8601 UTC, sizes bytes."""

    id: str
    files: tuple[RepositoryFile, ...]
    task: str | None = None
    library: str | None = None
    license: str | None = None
    labels: tuple[str, ...] = ()
    """Tags beyond those that task, library, licence and base model give."""
    base_model: str | None = None
    base_relation: str = "finetune"
    card: Mapping[str, object] = field(default_factory=dict)
    """More front matter than the fields above."""
    config: Mapping[str, object] = field(default_factory=dict)
    downloads: int = 0
    likes: int = 0
    trending: int = 0
    created_at: str = "2025-01-01T00:00:00Z"
    last_modified: str | None = None
    """`None` takes the moment at which the repository is put into the hub."""
    gated: Gating = False
    private: bool = False
    disabled: bool = False
    parameters: Mapping[str, int] = field(default_factory=dict)
    """Number of parameters by number type, as safetensors headers tell it."""
    gguf: Mapping[str, object] = field(default_factory=dict)
    used_storage: int | None = None
    """Bytes of all large files with their history; `None` adds up those of this commit."""
    title: str = "Upload model"
    """The first line of the commit."""

    @classmethod
    def from_folder(cls, folder: Path, repository: str) -> Repository:
        """The files of a folder on disk, streamed from there."""
        files = tuple(
            RepositoryFile(path.relative_to(folder).as_posix(), path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        )
        return cls(id=repository, files=files)

    @property
    def author(self) -> str:
        """The organisation before the slash."""
        return self.id.partition("/")[0]

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """All tags, in the order of the wire: library, own, task, base model, licence, region."""
        base = self.base_model
        tags: list[str | None] = [
            self.library,
            *self.labels,
            self.task,
            f"base_model:{base}" if base else None,
            f"base_model:{self.base_relation}:{base}" if base else None,
            f"license:{self.license}" if self.license else None,
            "region:us",
        ]
        return tuple(dict.fromkeys(tag for tag in tags if tag))

    @cached_property
    def by_path(self) -> Mapping[str, RepositoryFile]:
        """The files by their path."""
        return {file.path: file for file in self.files}

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that a file lies in."""
        return frozenset(parent for file in self.files for parent in _parents(file.path))

    @cached_property
    def stored(self) -> int:
        """Bytes of the large files."""
        if self.used_storage is not None:
            return self.used_storage
        return sum(file.size for file in self.files if file.large)

    def fingerprint(self) -> str:
        """A hash over names and contents, without reading what is large."""
        state = hashlib.sha1(self.id.encode())
        for file in self.files:
            state.update(f"\0{file.path}\0{file.content.identity}".encode())
        return state.hexdigest()


def _parents(path: str) -> Iterable[str]:
    parts = path.split("/")[:-1]
    return ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
