"""What files hashed to, by path, and which listed files have a hash."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from tui_hub.database import HubDatabase
from tui_hub.database.file_hashes import FileHash
from tui_hub.domain.artifacts import Artifact, artifact_id
from tui_hub.domain.storage import Install
from tui_hub.domain.types import ModelType

ONE = FileHash(Path(os.fsdecode(b"/a/b\xff\n.gguf")), 2**40, 10**18 + 1, 2**64 - 5, "ab" * 32)


async def test_a_hash_is_of_a_file_as_it_was(tmp_path: Path) -> None:
    async with await HubDatabase.open(tmp_path / "hub.db") as hub:
        table = hub.file_hashes
        await table.put(ONE)
        assert await table.get(ONE.path, ONE.size, ONE.modified, ONE.inode) == ONE
        for other in (
            replace(ONE, path=Path("/a/b")),
            replace(ONE, size=ONE.size + 1),
            replace(ONE, modified=ONE.modified + 1),
            replace(ONE, inode=7),
        ):
            assert await table.get(other.path, other.size, other.modified, other.inode) is None
        newer = replace(ONE, modified=1, sha256="cd" * 32, shared=True)
        await table.put(newer)
        assert await table.get(ONE.path, ONE.size, ONE.modified, ONE.inode) is None
        await table.prune()
        assert await table.get(newer.path, newer.size, newer.modified, newer.inode) == newer


async def test_files_are_found_by_the_hash_that_their_source_tells(tmp_path: Path) -> None:
    def listed(model: str, revision: str) -> Artifact:
        return Artifact(
            id=artifact_id(model, revision, "m.gguf"), model=model, revision=revision,
            path="m.gguf", sha256=ONE.sha256,
        )  # fmt: skip

    async with await HubDatabase.open(tmp_path / "hub.db") as hub:
        for model, revision in (("hf:a/b", "1"), ("hf:c/d", "1"), ("hf:e/f", "1"), ("hf:e/f", "2")):
            await hub.artifacts.replace_listing(model, revision, [listed(model, revision)])
        install = Install(
            model="hf:c/d", revision="1", type=ModelType.LLM, name="d", path="/x",
            installed_at="2026-01-31T00:00:00Z",
        )  # fmt: skip
        await hub.installs.put(install)
        found = [(row.model, row.revision) for row in await hub.artifacts.with_sha256(ONE.sha256)]
        assert found[0] == ("hf:c/d", "1"), "what is installed comes first"
        assert found.index(("hf:e/f", "2")) < found.index(("hf:e/f", "1"))
        assert len(found) == 4
        assert await hub.artifacts.with_sha256("0" * 64) == []
