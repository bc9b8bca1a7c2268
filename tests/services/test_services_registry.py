"""An import that is killed between any two of its steps, and one beside other work."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest
from mortal import Mortal

from tui_hub.domain.additions import Consent
from tui_hub.domain.registry import Outcome
from tui_hub.domain.types import ModelType
from tui_hub.services import Services, open_services
from tui_hub.settings import Configuration, load_configuration

WORK = """
from pathlib import Path
from tui_hub.settings import file as settings_file
from tui_hub.database.models import ModelTable
from tui_hub.database.records import EditTable, RecordTable, UserTable
from tui_hub.database.registry import PinTable, RegistryTables
from tui_hub.services import registry

OWNERS = (
    (RegistryTables, "change read"),
    (EditTable, "put_in"),
    (PinTable, "put_in"),
    (registry, "mirror_pins"),
    (UserTable, "ensure"),
    (ModelTable, "replace set_local set_favourites"),
    (settings_file, "change"),
)

async def main(services):
    reading = await services.registry.read(Path(arguments[0]).read_bytes())
    report = await services.registry.take(reading, {"host"})
    assert not report.count("skipped")
"""
FILE = {"path": "a.gguf", "place": "https://far.example/a.gguf"}
DOCUMENT = {
    "kind": "tui-hub registry",
    "format": 1,
    "models": [
        {"id": "hf:a/b", "note": "x", "favourite": True, "type": "tts"},
        {
            "id": "hf:c/d",
            "versions": [{"name": "v", "revision": "a" * 40, "named_at": "2026-01-01T00:00:00Z"}],
            "installed": {
                "revision": "a" * 40,
                "type": "llm",
                "files": [{"path": "m.gguf", "size": 7, "sha256": "b" * 64}],
                "installed_at": "2026-01-01T00:00:00Z",
            },
        },
        {
            "id": "url:far",
            "definition": {"type": "llm", "files": [FILE], "added_at": "2026-01-01T00:00:00Z"},
        },
    ],
    "feeds": {"hf:mine": {"source": "hf", "queries": [{"search": "robot"}]}},
}


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return load_configuration(
        environment={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TUI_HUB_HOME": str(tmp_path / "home"),
            "HF_ENDPOINT": "http://127.0.0.1:9",
            "TUI_HUB_OLLAMA__REGISTRY": "",
            "OLLAMA_HOST": "127.0.0.1:1",
        }
    )


async def taken(services: Services, *, replace: bool = False) -> dict[str, int]:
    reading = await services.registry.read(json.dumps(DOCUMENT).encode())
    report = await services.registry.take(reading, {Consent.HOST}, replace=replace)
    return {outcome.value: report.count(outcome) for outcome in Outcome}


async def test_a_killed_import_is_completed_by_the_next(
    configuration: Configuration, tmp_path: Path
) -> None:
    home, kept = tmp_path / "home", tmp_path / "kept"
    async with open_services(configuration) as services:
        await services.sync.run(["curated"])  # an empty catalogue is filled at each start
    shutil.copytree(home, kept)
    document = tmp_path / "document.json"
    document.write_text(json.dumps(DOCUMENT))
    worker = Mortal(configuration, WORK, str(document))
    try:
        steps = worker.run(999)
        assert steps is not None and {"change", "mirror_pins", "replace", "put_in"} <= set(steps)
        for doomed in range(len(steps)):
            shutil.rmtree(home)
            shutil.copytree(kept, home)
            assert worker.run(doomed) is None
            async with open_services(configuration) as services:
                before = (await services.registry.export())["models"]
                assert before in ([], DOCUMENT["models"]), "all rows, or none"
                counts = await taken(services)
                assert counts["skipped"] == counts["updated"] == 0
                assert await services.registry.export() == DOCUMENT
                for model in ("hf:c/d", "url:far"):
                    assert await services.catalogue.find(model) is not None, steps[doomed]
                assert await services.catalogue.favourites() == {"hf:a/b"}
    finally:
        worker.close()


async def test_two_imports_at_once_are_as_good_as_one(configuration: Configuration) -> None:
    async with open_services(configuration) as one, open_services(configuration) as two:
        reports = await asyncio.gather(taken(one), taken(two))
        rows = [report["created"] + report["unchanged"] for report in reports]
        assert rows == [7, 7]
        assert await one.registry.export() == await two.registry.export() == DOCUMENT


async def test_an_edit_beside_an_import_is_not_lost(configuration: Configuration) -> None:
    async with open_services(configuration) as services:
        await taken(services)
        await services.catalogue.edit("url:far", note="mine", type=ModelType.MUSIC)
        assert (await taken(services, replace=True))["updated"] == 0
        found = (await services.registry.export())["models"]
        assert found[2] == {**DOCUMENT["models"][2], "note": "mine", "type": "music"}  # type: ignore[index,dict-item]
        assert (await services.catalogue.get("url:far")).type is ModelType.MUSIC
