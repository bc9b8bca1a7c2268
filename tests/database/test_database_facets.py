"""What the catalogue can be asked for beside words, and the indexes that come and go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_models import ids, made

from tui_hub.database import CatalogueDatabase
from tui_hub.database.catalogue_schema import MIGRATIONS, ORDERS
from tui_hub.database.connection import Database
from tui_hub.database.model_rows import COLUMNS, values
from tui_hub.database.page_changes import Known, page_changes
from tui_hub.domain.catalogue import Facets, Search, Sort, size_class
from tui_hub.domain.feeds import Counts
from tui_hub.domain.models import ModelStatus
from tui_hub.domain.types import ModelType
from tui_hub.text import stamp

GIB = 2**30


def days_ago(days: float) -> str:
    return stamp(datetime.now(UTC) - timedelta(days))


def counted(facets: Facets, facet: str) -> dict[str, int]:
    return {one.value: one.count for one in facets.of(facet)}


async def test_a_number_is_found_joined_to_its_word_and_apart(catalogue: CatalogueDatabase) -> None:
    names = ("Llama 3 8B", "Meta-Llama-3-8B", "llama3-8b", "Llama-2-7b", "CodeLlama-70B")
    await catalogue.models.merge([made(f"hf:org/m{n}", name=name) for n, name in enumerate(names)])
    third = {"hf:org/m0", "hf:org/m1", "hf:org/m2"}
    for text in ("llama3", "llama 3", "llama-3", "LLAMA3 8b", "llama 3 8B"):
        assert set(await ids(catalogue.models, Search(text=text))) == third, text
    assert await ids(catalogue.models, Search(text="llama2")) == ["hf:org/m3"]
    assert await ids(catalogue.models, Search(text="codellama70")) == ["hf:org/m4"]


async def test_a_short_word_before_another_is_whole(catalogue: CatalogueDatabase) -> None:
    await catalogue.models.merge([made("hf:org/a", name="model-3-large"), made("hf:org/b-30-lite")])
    assert len(await ids(catalogue.models, Search(text="3"))) == 2
    assert await ids(catalogue.models, Search(text="3 l")) == ["hf:org/a"]
    assert await ids(catalogue.models, Search(text="mod 3")) == ["hf:org/a"]


async def test_sizes_are_asked_for_in_classes_and_in_bytes(catalogue: CatalogueDatabase) -> None:
    sizes = {"none": None, "zero": 0, "tiny": 1, "small": GIB - 1, "one": GIB, "huge": 2**50}
    await catalogue.models.merge([made(f"hf:a/{name}", size=size) for name, size in sizes.items()])

    async def found(**asked: object) -> set[str]:
        search = Search(**asked)  # type: ignore[arg-type]
        names = {name.removeprefix("hf:a/") for name in await ids(catalogue.models, search)}
        assert await catalogue.models.count(search) == len(names)
        assert (await catalogue.models.facets(search)).total == len(names)
        return names

    assert await found(sizes=(size_class(GIB),)) == {"one"}
    assert await found(sizes=(size_class(1), size_class(2**50))) == {"tiny", "small", "huge"}
    assert await found(max_size=GIB) == {"tiny", "small", "one"}
    assert await found(min_size=2, max_size=GIB, text="a") == {"small", "one"}
    assert await found(min_size=0) == {"tiny", "small", "one", "huge"}
    assert await found(min_size=9, max_size=3) == set()
    assert counted(await catalogue.models.facets(Search()), "size") == {
        "under 1 GiB": 2,
        "1 to 4 GiB": 1,
        "over 64 GiB": 1,
    }


async def test_new_is_what_was_made_within_a_week(catalogue: CatalogueDatabase) -> None:
    ages = {"now": 0.0, "week": 6.9, "old": 8.1, "ancient": 400.0}
    page = [made(f"hf:a/{name}", created_at=days_ago(age)) for name, age in ages.items()]
    await catalogue.models.merge([*page, made("hf:a/unknown")])
    for text in ("", "a"):
        for sort in Sort:
            search = Search(text=text, sort=sort, new=True)
            assert set(await ids(catalogue.models, search)) == {"hf:a/now", "hf:a/week"}
        assert counted(await catalogue.models.facets(Search(text=text)), "new") == {"yes": 2}
    assert await catalogue.models.count(Search(new=True)) == 2


async def test_stars_are_a_facet_that_no_sync_takes_away(catalogue: CatalogueDatabase) -> None:
    table = catalogue.models
    page = [made(f"hf:a/m{n}", upstream_id=f"u{n}") for n in range(4)]
    await table.merge(page)
    await table.set_favourites(["hf:a/m1", "hf:a/m2", "hf:a/later"])
    starred = Search(favourite=True)
    assert set(await ids(table, starred)) == {"hf:a/m1", "hf:a/m2"}
    assert await table.merge([*page, made("hf:a/later")]) == Counts(created=1, unchanged=4)
    assert await table.count(starred) == 3
    assert counted(await table.facets(Search(text="a")), "favourite") == {"yes": 3, "no": 2}
    await table.merge([made("hf:b/renamed", upstream_id="u1")])
    assert "hf:b/renamed" in await ids(table, starred)
    await table.set_favourites(["hf:a/m1", "hf:a/later"])
    assert set(await ids(table, starred)) == {"hf:b/renamed", "hf:a/later"}
    assert await table.count(Search(favourite=False)) == 3


async def test_deprecated_models_can_be_asked_for(catalogue: CatalogueDatabase) -> None:
    await catalogue.models.merge([made("hf:a/old", deprecated=True), made("hf:a/fresh")])
    assert await ids(catalogue.models, Search(deprecated=True)) == ["hf:a/old"]
    assert await ids(catalogue.models, Search(text="a", deprecated=False)) == ["hf:a/fresh"]
    assert counted(await catalogue.models.facets(Search()), "deprecated") == {"yes": 1, "no": 1}


async def present(path: Path) -> set[str]:
    database = await Database.open(path, MIGRATIONS, durable=False)
    try:
        rows = await database.read("SELECT name FROM sqlite_schema WHERE type = 'index'")
    finally:
        await database.close()
    return {row[0] for row in rows} & set(ORDERS)


async def merging(path: Path) -> dict[str, int]:
    """How the search index merges its parts."""
    database = await Database.open(path, MIGRATIONS, durable=False)
    try:
        return dict(await database.read("SELECT k, v FROM search_config WHERE k LIKE '%merge'"))
    finally:
        await database.close()


async def test_a_load_leaves_the_orders_to_its_end(
    catalogue: CatalogueDatabase, tmp_path: Path
) -> None:
    path, table = tmp_path / "catalogue.db", catalogue.models
    await table.merge([made(f"hf:a/few{n}", likes=n) for n in range(9)])
    assert await present(path) == set(ORDERS), "a few models are no load"
    await table.merge([made(f"hf:a/m{n}", likes=n % 7, size=n) for n in range(600)])
    assert await present(path) == set()
    assert (await merging(path))["automerge"] == 0, "what is merged at the end is not merged now"
    before = {sort: await ids(table, Search(sort=sort), 100) for sort in Sort}
    await table.finish(0)
    assert await present(path) == set(ORDERS)
    assert await merging(path) == {"automerge": 8, "crisismerge": 16}
    assert {sort: await ids(table, Search(sort=sort), 100) for sort in Sort} == before


async def test_merging_the_index_changes_no_answer(catalogue: CatalogueDatabase) -> None:
    table = catalogue.models
    for start in range(0, 200, 10):
        await table.merge(
            [made(f"hf:org{n % 3}/m{n}", tags=("x",)) for n in range(start, start + 10)]
        )
    before = await ids(table, Search(text="org1 x"))
    await table.optimize()
    assert await ids(table, Search(text="org1 x")) == before
    assert len(before) == 67


async def test_a_catalogue_of_an_older_version_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    model = made("hf:Org/Name-3", created_at=days_ago(1), likes=5, type=ModelType.LLM)
    row = dict(zip(COLUMNS.split(", "), values(model, model.type, curated=False), strict=True))
    del row["favourite"]
    old = await Database.open(path, MIGRATIONS[:2], durable=False)
    async with old.write() as transaction:
        await transaction.execute(
            f"INSERT INTO models (rank, {', '.join(row)}) VALUES (7{', ?' * len(row)})",
            tuple(row.values()),
        )
        await transaction.execute("INSERT INTO local VALUES ('hf:Org/Name-3', 'installed', NULL)")
    await old.close()
    async with await CatalogueDatabase.open(path) as catalogue:
        for search in (Search(text="name3"), Search(text="org"), Search(new=True)):
            assert await ids(catalogue.models, search) == ["hf:Org/Name-3"]
        await catalogue.models.set_local("hf:Org/Name-3", status=ModelStatus.INSTALLED)
        assert await catalogue.models.count(Search(installed=True)) == 1


@pytest.mark.parametrize(
    ("fields", "columns"),
    [
        ({"likes": 2}, ("likes",)),
        ({"likes": 2, "downloads": 101}, ("downloads", "likes")),
        ({"revision": "b" * 40}, ("revision",)),
        ({"downloads": 10**6}, ("rank", "downloads")),
        ({"likes": 1}, None),
    ],
)
def test_only_the_columns_that_changed_are_written(
    fields: dict[str, object], columns: tuple[str, ...] | None
) -> None:
    before = made("hf:a/b", downloads=100, likes=1, tags=("x", "y"))
    first = page_changes([before], Known())
    known = Known(by_id={"hf:a/b": first.inserted[0]}, arrivals=first.arrivals)
    changes = page_changes([replace(before, **fields)], known)  # type: ignore[arg-type]
    assert tuple(changes.updated) == (() if columns is None else (columns,))
    moved = columns is not None and "rank" in columns
    assert bool(changes.unindexed) is bool(changes.indexed) is moved
    if moved:
        assert changes.unindexed[0][2:] == changes.indexed[0][2:] == first.indexed[0][2:]


async def test_what_fits_is_found_by_the_class_of_its_need(catalogue: CatalogueDatabase) -> None:
    sizes = {"tiny": GIB, "small": 6 * GIB, "middle": 20 * GIB, "large": 100 * GIB, "none": None}
    await catalogue.models.merge([made(f"hf:a/{name}", size=size) for name, size in sizes.items()])
    counts = counted(await catalogue.models.facets(Search()), "need")
    assert counts == {"4 GiB": 1, "7.5 GiB": 1, "22 GiB": 1, "139 GiB": 1}

    async def found(memory: int, **asked: object) -> set[str]:
        search = Search(memory=memory, **asked)  # type: ignore[arg-type]
        names = {name.removeprefix("hf:a/") for name in await ids(catalogue.models, search)}
        assert await catalogue.models.count(search) == len(names)
        assert (await catalogue.models.facets(search)).total == len(names)
        return names

    for asked in ({}, {"sort": Sort.SIZE}, {"text": "a"}, {"text": "a", "sort": Sort.NAME}):
        assert await found(8 * GIB, **asked) == {"tiny", "small"}
        assert await found(141 * GIB, **asked) == {"tiny", "small", "middle", "large"}
        assert await found(GIB, **asked) == set()
    await catalogue.models.merge([made("hf:a/large", size=GIB)])
    assert await found(8 * GIB) == {"tiny", "small", "large"}
