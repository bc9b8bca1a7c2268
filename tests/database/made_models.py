"""Models for the tests of the database."""

from __future__ import annotations

from typing import Any

from tui_hub.domain.catalogue import Page, Search
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model


def made(model_id: str = "hf:org/name", **fields: Any) -> Model:
    """A model as a sync brings it, with these fields."""
    parsed = ModelId.parse(model_id)
    values: dict[str, Any] = {
        "source": parsed.source,
        "name": parsed.name,
        "author": parsed.author,
        "origin": "sync",
        "owner": f"{parsed.source}_sync_system",
    }
    return Model(id=model_id, **values | fields)


async def pages(table: Any, search: Search, limit: int = 7) -> list[Page]:
    """Every page of an answer."""
    found = [await table.search(search, limit)]
    while found[-1].after is not None:
        found.append(await table.search(search, limit, found[-1].after))
        assert len(found) < 10_000
    return found


async def ids(table: Any, search: Search, limit: int = 50) -> list[str]:
    """The ids of a whole answer, in its order."""
    return [model.id for page in await pages(table, search, limit) for model in page.models]
