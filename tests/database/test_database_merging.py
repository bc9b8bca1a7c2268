"""What a page of records does to the catalogue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from made_models import ids, made

from tui_hub.database import CatalogueDatabase
from tui_hub.domain.catalogue import Search, Sort
from tui_hub.domain.changes import ChangeQuery
from tui_hub.domain.feeds import Counts, FeedState, FeedStatus
from tui_hub.domain.models import SIZE_OF, Model, ModelStatus
from tui_hub.domain.schedule import Turn
from tui_hub.domain.types import ModelType


def curated(model_id: str, **fields: Any) -> Model:
    return made(model_id, **{"origin": "curated", "owner": "curated_sync_system"} | fields)


async def test_only_rows_that_differ_are_written(catalogue: CatalogueDatabase) -> None:
    page = [made(f"hf:a/m{number}", downloads=number, tags=("x",)) for number in range(50)]
    table = catalogue.models
    assert await table.merge(page) == Counts(created=50)
    assert await table.merge(page) == Counts(unchanged=50)
    page[3] = replace(page[3], likes=9)
    page[4] = replace(page[4], tags=("x", "new"))
    page.append(made("hf:a/another"))
    assert await table.merge(page) == Counts(created=1, updated=2, unchanged=48)
    for model in page:
        assert await table.get(model.id) == model


async def test_every_field_comes_back_as_it_went_in(catalogue: CatalogueDatabase) -> None:
    model = made(
        "hf:org/name",
        type=ModelType.VIDEO_GEN,
        task="text-to-video",
        library="diffusers",
        license="other",
        gated="manual",
        tags=("a", 'b "quoted"', "line\nbreak"),
        downloads=12,
        likes=3,
        trending=0.1,
        params=10**12,
        size=2**45,
        last_modified="2026-01-01T00:00:00Z",
        created_at="2025-01-01T00:00:00Z",
        revision="a" * 40,
        deprecated=True,
        upstream_id="u1",
        description="Ein großes Modell 🤗",
        facts={"maker": "Org", "links": {"page": "https://example.org"}, "limits": [1, 2.5, None]},
    )
    await catalogue.models.put(model)
    assert await catalogue.models.get(model.id) == model
    for gated in (True, False, "auto"):
        await catalogue.models.put(replace(model, gated=gated))
        found = await catalogue.models.get(model.id)
        assert found is not None and found.gated == gated


async def test_values_that_sqlite_cannot_hold_are_bent(catalogue: CatalogueDatabase) -> None:
    odd = made(
        "hf:a/b",
        name="a\0b\ud800",
        downloads=2**63,
        likes=-5,
        trending=float("nan"),
        size=10**400,
        description="\udfff",
        tags=("\ud800",),
        facts={"\ud800": "\0"},
    )
    assert await catalogue.models.merge([odd]) == Counts(created=1)
    assert await catalogue.models.merge([odd]) == Counts(unchanged=1)
    found = await catalogue.models.get("hf:a/b")
    assert found is not None
    assert (found.downloads, found.likes, found.trending) == (2**63 - 1, 0, 0.0)
    assert found.size == 2**63 - 1
    assert found.name == "a\N{REPLACEMENT CHARACTER}b?"
    assert await catalogue.models.get("hf:\ud800") is None


async def test_a_record_that_comes_twice_counts_once(catalogue: CatalogueDatabase) -> None:
    twice = [made("hf:a/b", likes=1), made("hf:a/b", likes=2), made("hf:a/B")]
    assert await catalogue.models.merge(twice) == Counts(created=2)
    found = await catalogue.models.get("hf:a/b")
    assert found is not None and found.likes == 2


async def test_what_a_model_lost_upstream_is_lost_here(catalogue: CatalogueDatabase) -> None:
    before = made("hf:a/b", license="mit", tags=("x", "license:mit"), task="text-to-image")
    await catalogue.models.put(replace(before, facts={"private": True, "disabled": True}))
    await catalogue.models.put(made("hf:a/b", tags=("x",), facts={"private": True}))
    found = await catalogue.models.get("hf:a/b")
    assert found is not None
    assert (found.license, found.task, found.tags) == (None, None, ("x",))
    assert found.facts == {"private": True}
    entries = await catalogue.changes.list(ChangeQuery(), 10)
    told = [word for entry in entries for word in entry.change.what]
    assert "no longer disabled" in told and "licence mit → unknown" in told


async def test_a_poorer_listing_erases_nothing(catalogue: CatalogueDatabase) -> None:
    rich = made("hf:a/b", params=7, license="mit", tags=("x",), task="text-to-image", size=5)
    await catalogue.models.put(replace(rich, type=ModelType.IMAGE_GEN, downloads=50, gated="auto"))
    await catalogue.models.put(made("hf:a/b", downloads=0))
    found = await catalogue.models.get("hf:a/b")
    assert found == replace(rich, type=ModelType.IMAGE_GEN, downloads=0, gated=False)


async def test_what_the_files_add_up_to_outweighs_a_listing(catalogue: CatalogueDatabase) -> None:
    commit, later = "a" * 40, "b" * 40
    listed = made("hf:a/b", revision=commit, size=900, downloads=1)
    files = replace(listed, size=500, facts={SIZE_OF: commit})
    await catalogue.models.put(listed)
    found = await catalogue.models.get("hf:a/b")
    assert found is not None and found.size_is_estimate
    await catalogue.models.put(files)
    assert await catalogue.models.get("hf:a/b") == files and not files.size_is_estimate
    assert await catalogue.models.merge([listed]) == Counts(unchanged=1)
    await catalogue.models.put(replace(listed, revision=later, size=950))
    found = await catalogue.models.get("hf:a/b")
    assert found is not None and (found.size, found.facts) == (950, {})
    assert found.size_is_estimate, "another commit has other files"


async def test_a_curated_record_adds_to_a_listed_one(catalogue: CatalogueDatabase) -> None:
    listed = made("hf:a/b", downloads=9, description="from the hub", task="text-to-video")
    await catalogue.models.put(replace(listed, type=ModelType.VIDEO_GEN))
    await catalogue.models.put(
        curated("hf:a/b", description="told well", license="mit", facts={"maker": "A"},
                type=ModelType.ANIMATION, name="Pretty")
    )  # fmt: skip
    expected = replace(
        listed, description="told well", license="mit", facts={"maker": "A"},
        type=ModelType.ANIMATION,
    )  # fmt: skip
    assert await catalogue.models.get("hf:a/b") == expected
    assert await catalogue.models.merge([listed]) == Counts(unchanged=1)
    await catalogue.models.put(replace(listed, facts={"maker": "wrong", "price": 1}))
    found = await catalogue.models.get("hf:a/b")
    assert found is not None and found.facts == {"maker": "A", "price": 1}


async def test_an_end_that_was_put_off_is_none(catalogue: CatalogueDatabase) -> None:
    async def ended(*records: Model) -> bool:
        for record in records:
            await catalogue.models.put(record)
        found = await catalogue.models.get("hf:a/b")
        return found is not None and found.deprecated

    assert await ended(made("hf:a/b"), curated("hf:a/b", deprecated=True))
    assert await ended(made("hf:a/b", downloads=3)), "a listing knows of no end"
    assert not await ended(curated("hf:a/b", deprecated=False))


async def test_a_listing_takes_over_a_curated_record(catalogue: CatalogueDatabase) -> None:
    await catalogue.models.put(
        curated("hf:a/b", description="told well", size=5, facts={"maker": "A"},
                type=ModelType.ANIMATION)
    )  # fmt: skip
    await catalogue.models.put(
        made("hf:a/b", downloads=9, license="mit", type=ModelType.VIDEO_GEN, description="poor")
    )
    assert await catalogue.models.get("hf:a/b") == made(
        "hf:a/b", downloads=9, license="mit", size=5, description="told well",
        facts={"maker": "A"}, type=ModelType.ANIMATION,
    )  # fmt: skip


async def test_a_newer_curated_record_replaces_its_own(catalogue: CatalogueDatabase) -> None:
    await catalogue.models.put(curated("curated:sora-2", description="old", facts={"maker": "A"}))
    newer = curated("curated:sora-2", description="new", facts={"maker": "B"}, license="closed")
    await catalogue.models.put(newer)
    assert await catalogue.models.get("curated:sora-2") == newer


async def test_what_this_box_says_survives_a_sync(catalogue: CatalogueDatabase) -> None:
    table = catalogue.models
    model = made("hf:a/b", type=ModelType.LLM)
    await table.set_local(model.id, status=ModelStatus.INSTALLED)
    await table.put(model)
    await table.set_local(model.id, type=ModelType.TTS)
    await table.put(replace(model, likes=4, downloads=10_000))
    expected = replace(
        model, likes=4, downloads=10_000, type=ModelType.TTS, status=ModelStatus.INSTALLED
    )
    assert await table.get(model.id) == expected
    assert await ids(table, Search(types=(ModelType.TTS,), installed=True)) == [model.id]
    assert await ids(table, Search(types=(ModelType.LLM,))) == []
    assert (await table.facets(Search())).of("type")[0].value == "tts"
    await table.reset_type(model.id)
    await table.set_local(model.id, status=ModelStatus.NOT_INSTALLED)
    assert await table.get(model.id) == replace(model, likes=4, downloads=10_000)
    assert (await table.facets(Search())).of("installed")[0].value == "no"


async def test_an_added_model_is_replaced_whole_and_forgotten(
    catalogue: CatalogueDatabase,
) -> None:
    table = catalogue.models
    before = made("url:mine", origin="user", license="mit", tags=("apple",), facts={"links": ["a"]})
    await table.merge([before, made("hf:a/apple")])
    await table.set_local("url:mine", status=ModelStatus.INSTALLED)
    after = made("url:mine", origin="user", type=ModelType.TTS)
    await table.replace(after)
    assert await table.get("url:mine") == replace(after, status=ModelStatus.INSTALLED)
    assert await ids(table, Search(text="apple")) == ["hf:a/apple"]
    assert await ids(table, Search(text="mine", types=(ModelType.TTS,))) == ["url:mine"]
    await table.forget("url:mine")
    assert await table.get("url:mine") is None
    assert await ids(table, Search()) == ["hf:a/apple"]
    assert await ids(table, Search(text="mine")) == []
    assert (await table.facets(Search())).total == 1
    await table.put(after)
    assert await table.get("url:mine") == after
    await table.forget("url:no-such-model")


async def test_a_renamed_model_keeps_its_row(catalogue: CatalogueDatabase) -> None:
    table = catalogue.models
    old = made("hf:a/old", upstream_id="u1", facts={"maker": "A"})
    await table.put(old)
    await table.set_local("hf:a/old", status=ModelStatus.INSTALLED)
    new = made("hf:b/new", upstream_id="u1")
    assert await table.merge([new]) == Counts(updated=1)
    expected = replace(new, facts={"maker": "A"}, status=ModelStatus.INSTALLED)
    assert await table.get("hf:b/new") == expected
    assert await table.get("hf:a/old") == expected
    assert await ids(table, Search(text="old")) == []
    assert await ids(table, Search(text="new", installed=True)) == ["hf:b/new"]
    assert await table.total() == 1
    await table.merge([made("hf:c/newest", upstream_id="u1")])
    assert (await table.get("hf:a/old")).id == "hf:c/newest"  # type: ignore[union-attr]


async def test_a_name_that_another_model_took_leads_nowhere_else(
    catalogue: CatalogueDatabase,
) -> None:
    table = catalogue.models
    await table.put(made("hf:a/old", upstream_id="u1"))
    await table.put(made("hf:b/new", upstream_id="u1"))
    asked = ["hf:a/old", "hf:b/new", "hf:c/other"]
    assert await table.renamed(asked) == {"hf:a/old": "hf:b/new"}
    assert await table.former("hf:b/new") == ["hf:a/old"]
    await table.put(made("hf:a/old", upstream_id="u2"))
    assert await table.renamed(asked) == {}
    assert await table.former("hf:b/new") == []


async def test_names_that_change_places_stay_two_models(catalogue: CatalogueDatabase) -> None:
    await catalogue.models.merge(
        [made("hf:a/one", upstream_id="u1"), made("hf:a/two", upstream_id="u2")]
    )
    swapped = [made("hf:a/two", upstream_id="u1"), made("hf:a/three", upstream_id="u2")]
    await catalogue.models.merge(swapped)
    assert await catalogue.models.count(Search(removed=True)) == 3
    assert sorted(await ids(catalogue.models, Search(sort=Sort.NAME))) == [
        "hf:a/one",
        "hf:a/three",
        "hf:a/two",
    ]


async def test_popularity_moves_a_row(catalogue: CatalogueDatabase) -> None:
    table = catalogue.models
    await table.merge([made(f"hf:a/m{number}", downloads=number * 100) for number in range(5)])
    await table.merge([made("hf:a/m0", downloads=10**9)])
    assert (await ids(table, Search(text="a")))[0] == "hf:a/m0"
    assert (await ids(table, Search()))[0] == "hf:a/m0"
    assert await table.total() == 5


async def test_a_page_and_its_cursor_are_written_together(catalogue: CatalogueDatabase) -> None:
    status = FeedStatus(feed="hf:x", state=FeedState.RUNNING, counts=Counts(fetched=2), cursor="c1")
    counts = await catalogue.write_page("hf:x", [made("hf:a/b"), made("hf:a/c")], status)
    assert counts == Counts(created=2)
    expected = replace(status, counts=Counts(fetched=2, created=2))
    assert await catalogue.feeds.get("hf:x") == expected
    assert await catalogue.feeds.list() == [expected]
    broken = [made("hf:a/d"), replace(made("hf:a/e"), facts={1: object()})]  # type: ignore[dict-item]
    with pytest.raises(TypeError):
        await catalogue.write_page("hf:x", broken, replace(status, cursor="c2"))
    assert await catalogue.feeds.get("hf:x") == expected
    assert await catalogue.models.total() == 2
    with pytest.raises(AttributeError):
        unwritable = replace(status, cursor=object())  # type: ignore[arg-type]
        await catalogue.write_page("hf:x", [made("hf:a/d")], unwritable)
    assert await catalogue.models.total() == 2


async def test_an_unknown_feed_was_never_synced(catalogue: CatalogueDatabase) -> None:
    assert (await catalogue.feeds.get("hf:nowhere")).state is FeedState.NEVER
    assert await catalogue.feeds.list() == []


async def test_a_sync_and_the_schedule_do_not_undo_each_other(catalogue: CatalogueDatabase) -> None:
    status = FeedStatus(feed="hf:x", state=FeedState.RUNNING)
    await catalogue.feeds.put(status)
    turn = Turn(next_run="2026-11-20T02:00:00Z", retries=2)
    await catalogue.feeds.plan(["hf:x", "hf:y"], lambda before: turn)
    ended = replace(status, state=FeedState.FAILED, error="no", watermark="w")
    await catalogue.feeds.put(ended)
    await catalogue.write_page("hf:x", [made("hf:a/b")], ended)
    expected = replace(
        ended, counts=Counts(created=1), next_run=turn.next_run, retries=turn.retries
    )
    assert await catalogue.feeds.list() == [
        expected,
        FeedStatus(feed="hf:y", next_run=turn.next_run, retries=2),
    ]


async def test_a_turn_is_planned_by_what_is_known(catalogue: CatalogueDatabase) -> None:
    await catalogue.feeds.put(FeedStatus(feed="hf:x", retries=1))
    seen: list[FeedStatus] = []

    def another(before: FeedStatus) -> Turn:
        seen.append(before)
        return Turn(retries=before.retries + 1)

    for _ in range(2):
        await catalogue.feeds.plan(["hf:x"], another)
    assert [before.retries for before in seen] == [1, 2]
    assert (await catalogue.feeds.get("hf:x")).retries == 3
