"""Local copies of files that a source lists."""

from __future__ import annotations

from pathlib import Path

from tui_hub.blobs.hashing import git_blob_sha1, sha256_file
from tui_hub.domain.artifacts import Artifact


def is_copy(artifact: Artifact, path: Path) -> bool:
    """Whether a local file is what the source lists, by the hash that it tells."""
    if not path.is_file() or path.stat().st_size != artifact.size:
        return False
    if artifact.sha256 is not None:
        return sha256_file(path) == artifact.sha256
    return artifact.git_sha1 is not None and git_blob_sha1(path) == artifact.git_sha1
