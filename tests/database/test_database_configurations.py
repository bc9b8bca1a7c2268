"""The versions of what is set for models, in their table."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tui_hub.database import HubDatabase
from tui_hub.domain.configuration import ModelConfiguration

SHORT, LONG, LONGER = (ModelConfiguration(context=tokens) for tokens in (10, 20, 30))


async def told(hub: HubDatabase, model: str) -> list[tuple[int, int | None]]:
    return [(one.version, one.configuration.context) for one in await hub.configurations.of(model)]


async def test_every_change_is_a_version_and_no_change_is_none(tmp_path: Path) -> None:
    async with await HubDatabase.open(tmp_path / "hub.db") as hub:
        table = hub.configurations
        assert not await table.change("hf:a/b", lambda _: ModelConfiguration())
        assert await table.current("hf:a/b") == ModelConfiguration()
        for wanted in (SHORT, SHORT, LONG, SHORT):
            await table.change("hf:a/b", lambda _, wanted=wanted: wanted)
        assert await told(hub, "hf:a/b") == [(3, 10), (2, 20), (1, 10)]
        assert await told(hub, "hf:a/other") == []


async def test_changes_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    async with await HubDatabase.open(path) as one, await HubDatabase.open(path) as two:

        async def count_on(hub: HubDatabase) -> None:
            await hub.configurations.change(
                "hf:a/b", lambda before: ModelConfiguration(context=len(before) + 1)
            )

        await asyncio.gather(*(count_on(hub) for hub in (one, two) * 5))
        assert await told(one, "hf:a/b") == [(n, n) for n in range(10, 0, -1)]


async def test_versions_follow_a_renamed_model_and_go_with_a_forgotten_one(tmp_path: Path) -> None:
    async with await HubDatabase.open(tmp_path / "hub.db") as hub:
        for model, wanted in (("hf:a/old", SHORT), ("hf:a/old", LONG), ("hf:a/new", LONGER)):
            await hub.configurations.change(model, lambda _, wanted=wanted: wanted)
        assert "hf:a/old" in await hub.names.list()
        await hub.names.change("hf:a/old", "hf:a/new", None)
        assert await told(hub, "hf:a/new") == [(3, 30), (2, 20), (1, 10)]
        assert await told(hub, "hf:a/old") == []
        await hub.names.forget("hf:a/new")
        assert await told(hub, "hf:a/new") == []
