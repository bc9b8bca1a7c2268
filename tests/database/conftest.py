"""An open catalogue and an open hub database, each in a file of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tui_hub.database import CatalogueDatabase, HubDatabase


@pytest.fixture
async def catalogue(tmp_path: Path) -> AsyncIterator[CatalogueDatabase]:
    async with await CatalogueDatabase.open(tmp_path / "catalogue.db") as opened:
        yield opened


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubDatabase]:
    async with await HubDatabase.open(tmp_path / "hub.db") as opened:
        yield opened
