"""Records that are compared as values give what merging them gives."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from made_models import made

from tui_hub.database import CatalogueDatabase
from tui_hub.database.catalogue_schema import MIGRATIONS
from tui_hub.database.changes import Changes, Local
from tui_hub.database.connection import Database
from tui_hub.database.page_changes import Known, page_changes
from tui_hub.domain.catalogue import Search
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.types import ModelType

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["Llama-3", "other"]),
    "author": st.sampled_from([None, "", "Org"]),
    "type": st.sampled_from([ModelType.UTILITY, ModelType.LLM, ModelType.TTS]),
    "task": st.sampled_from([None, "text-generation"]),
    "license": st.sampled_from([None, "", "mit", "other"]),
    "gated": st.sampled_from([False, True, "auto"]),
    "tags": st.sampled_from([(), ("x",), ("x", "license:mit")]),
    "downloads": st.sampled_from([-1, 0, 1, 100, 101, 10**6, 2**64]),
    "likes": st.integers(0, 2),
    "trending": st.sampled_from([0, 0.5, 1, float("nan")]),
    "params": st.sampled_from([None, 0, 7, 8]),
    "size": st.sampled_from([None, 0, 5, 2**35]),
    "last_modified": st.sampled_from([None, "", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]),
    "created_at": st.sampled_from([None, "2026-01-01T00:00:00Z"]),
    "revision": st.sampled_from([None, "", "a" * 40, "b" * 40]),
    "deprecated": st.booleans(),
    "removed": st.booleans(),
    "origin": st.sampled_from(["sync", "sync", "sync", "curated", "user"]),
    "upstream_id": st.sampled_from([None, "u1"]),
    "description": st.sampled_from([None, "", "told"]),
    "facts": st.sampled_from([{}, {"private": True}, {"maker": "A", "successor": "hf:a/c"}]),
}
LOOSE = ("downloads", "likes", "trending", "params", "last_modified", "revision")


@st.composite
def two_records(draw: st.DrawFn) -> tuple[Model, Model]:
    """A model as it was told, and as it is told again: most of it the same, as a sync has it."""
    before = {name: draw(values) for name, values in FIELDS.items()}
    names = draw(st.sets(st.sampled_from(LOOSE))) | draw(
        st.one_of(st.just(set[str]()), st.sets(st.sampled_from(list(FIELDS)), max_size=2))
    )
    after = before | {name: draw(FIELDS[name]) for name in sorted(names)}
    return made("hf:a/b", **before), made("hf:a/b", **after)


def taken_in(record: Model, row: tuple[object, ...], local: Mapping[str, Local]) -> Changes:
    changes = page_changes([record], Known(by_id={record.id: row}, local=local, arrivals=9))
    changes.arrange()
    return changes


@settings(max_examples=400, deadline=None)
@given(two_records())
def test_comparing_and_merging_write_the_same(records: tuple[Model, Model]) -> None:
    before, after = records
    row = page_changes([before], Known()).inserted[0]
    merged = taken_in(after, row, {after.id: Local()})
    compared = taken_in(after, row, {})
    assert compared == merged


def sparse(chance: random.Random, number: int) -> Model:
    """One of few models, with few values of each field, so that rows meet again and again."""
    picked = {
        "downloads": chance.choice([0, 1, 50, 51, 10**6]),
        "likes": chance.randrange(3),
        "params": chance.choice([None, 7]),
        "revision": chance.choice([None, "a" * 40, "b" * 40]),
        "last_modified": chance.choice([None, "2026-01-01T00:00:00Z"]),
        "license": "mit" if chance.random() < 0.9 else "other",
        "tags": ("x", f"base_model:org/base{number % 3}"),
    }
    return made(f"hf:org/m{number}", upstream_id=f"u{number}", **picked)


def turns() -> Iterator[list[Model]]:
    chance = random.Random(5)
    for _ in range(12):
        yield [sparse(chance, number) for number in chance.sample(range(40), 25)]


async def test_an_index_kept_up_to_date_is_the_one_that_is_made_anew(
    catalogue: CatalogueDatabase, tmp_path: Path
) -> None:
    table = catalogue.models
    for turn, page in enumerate(turns()):
        await table.merge(page)
        if turn == 5:
            await table.set_local("hf:org/m1", ModelStatus.INSTALLED, ModelType.TTS)
            await table.mark_removed("hf:org/m2", "gone")

    async def answers() -> list[object]:
        texts = ("", "org", "m1", "base2", "x mit", "other")
        found: list[object] = []
        for text in texts:
            for removed in (False, True):
                search = Search(text=text, removed=removed)
                page = await table.search(search, 100)
                found += [page.models, await table.count(search), await table.facets(search)]
        return found

    kept, counts = await answers(), await counted(tmp_path)
    await table.rebuild()
    assert await answers() == kept
    assert await counted(tmp_path) == counts
    assert sum(number for _, *numbers in counts for number in numbers) == len(kept[3])  # type: ignore[arg-type]


async def counted(folder: Path) -> list[tuple[Any, ...]]:
    """The sets of facets that any model has, with their counts."""
    database = await Database.open(folder / "catalogue.db", MIGRATIONS, durable=False)
    try:
        return await database.read(
            "SELECT facets, listed, removed FROM facet_sets WHERE listed OR removed ORDER BY facets"
        )
    finally:
        await database.close()
