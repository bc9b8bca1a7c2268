"""Syncs after the first: what changed, what vanished, and what is told of it."""

from __future__ import annotations

import asyncio

import pytest
from homes import Configure

from tui_hub.database.sweeps import SweepTable
from tui_hub.demo import DemoHub, Fault, FaultKind, Repository, RepositoryFile
from tui_hub.domain.changes import ChangeKind, ChangeQuery
from tui_hub.domain.errors import InterruptedJobError
from tui_hub.domain.feeds import FeedReport, FeedState, SyncMode
from tui_hub.services import Services, open_services
from tui_hub.settings import Configuration

DAY = "2026-10-{:02}T00:00:00Z"


def repository(name: str, day: int = 1, **more: object) -> Repository:
    return Repository(
        id=f"maker/{name}",
        files=(RepositoryFile("config.json", name.encode()),),
        last_modified=DAY.format(day),
        **{"labels": ("wanted",), "license": "mit", "task": "text-generation", **more},  # type: ignore[arg-type]
    )


@pytest.fixture
def hub() -> DemoHub:
    """A hub with thirty models, one for each day."""
    with DemoHub(
        per_connection=0,
        total=0,
        repositories=[repository(f"model-{day}", day) for day in range(1, 31)],
    ) as running:
        yield running


@pytest.fixture
def home(configure: Configure) -> Configuration:
    """A home with one feed of everything that carries the tag."""
    return configured(configure, "")


def configured(
    configure: Configure, more: str, queries: str = "", tag: str = "wanted"
) -> Configuration:
    """The home with its feed written in another way."""
    written = configure()
    written.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    asked = queries or f'queries = [{{filter = ["{tag}"]}}]'
    written.paths.config_file.write_text(f'[feeds."hf:wanted"]\n{asked}\n{more}\n')
    return configure(TUI_HUB_HUGGINGFACE__PAGE_SIZE="20", TUI_HUB_NETWORK__RETRIES="1")


async def synced(services: Services, *, full: bool = False) -> FeedReport:
    (report,) = (await services.sync.run(["hf:wanted"], full)).feeds
    return report


async def told(services: Services, **query: object) -> list[tuple[str, str]]:
    entries = await services.changes.list(ChangeQuery(**query))  # type: ignore[arg-type]
    return [(entry.change.kind.value, entry.change.model) for entry in entries]


async def test_a_second_sync_asks_only_for_what_changed(home: Configuration, hub: DemoHub) -> None:
    async with open_services(home) as services:
        first = await synced(services)
        assert (first.mode, first.counts.created, first.requests) == (SyncMode.FULL, 30, 2)
        nothing = await synced(services)
        assert nothing.mode is SyncMode.DIFFERENTIAL and nothing.state is FeedState.COMPLETED
        assert (nothing.requests, nothing.counts.updated, nothing.counts.created) == (1, 0, 0)
        assert nothing.bytes < 20_000
        assert await told(services) == [], "what a first walk finds is no news"
        hub.put(repository("model-3", 31, license="apache-2.0"))
        hub.put(repository("another", 31))
        some = await synced(services)
        assert (some.counts.created, some.counts.updated, some.requests) == (1, 1, 1)
        entries = await services.changes.list()
        news = {entry.change.kind: entry.change for entry in entries}
        assert news[ChangeKind.NEW].model == "hf:maker/another"
        updated = news[ChangeKind.UPDATED]
        assert updated.what == ("revision", "licence mit → apache-2.0")
        assert updated.before != updated.after == hub.registry.find("maker/model-3").head.commit
        assert await services.changes.unseen() == 1
        await services.changes.mark_seen()
        assert await services.changes.unseen() == 0


async def test_what_vanished_is_asked_for_by_name(home: Configuration, hub: DemoHub) -> None:
    async with open_services(home) as services:
        await synced(services)
        hub.registry.remove("maker/model-1")
        hub.registry.rename("maker/model-2", "maker/called-otherwise")
        hub.put(repository("model-3", 3, labels=()))  # carries the tag no more
        assert (await synced(services)).counts.removed == 0, "a listing of changes says nothing"
        hub.requests.clear()
        full = await synced(services, full=True)
        assert (full.mode, full.counts.removed) == (SyncMode.FULL, 1)
        assert {change for change in await told(services) if change[0] != "updated"} == {
            ("removed", "hf:maker/model-1"),
            ("renamed", "hf:maker/called-otherwise"),
        }
        gone = await services.catalogue.get("maker/model-1")
        assert gone.removed
        assert "wanted" not in (await services.catalogue.get("maker/model-3")).tags
        assert (await services.catalogue.get("maker/model-2")).id == "hf:maker/called-otherwise"
        hub.put(repository("model-1", 1))
        await synced(services, full=True)
        assert not (await services.catalogue.get("maker/model-1")).removed
        (entry, *_) = await services.changes.list()
        assert "listed again" in entry.change.what


async def test_a_rename_that_comes_with_another_key_is_followed(
    home: Configuration, hub: DemoHub
) -> None:
    async with open_services(home) as services:
        await synced(services)
        await services.catalogue.edit("maker/model-2", type="image_gen")
        hub.registry.rename("maker/model-2", "maker/called-otherwise")
        hub.registry.find("maker/called-otherwise").key = "f" * 24
        await synced(services, full=True)
        model = await services.catalogue.get("maker/model-2")
        assert (model.id, model.type.value) == ("hf:maker/called-otherwise", "image_gen")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.HTML, path="/api/models", times=-1),
        Fault(FaultKind.TRUNCATE, path="/api/models", times=-1, after=300),
    ],
    ids=["html", "half"],
)
async def test_a_bad_page_is_a_failed_page(home: Configuration, hub: DemoHub, fault: Fault) -> None:
    async with open_services(home) as services:
        await synced(services)
        hub.faults.add(fault)
        report = await synced(services, full=True)
        assert report.state is FeedState.FAILED and report.error
        hub.faults.clear()
        assert await services.catalogue.total() == 30
        assert (await synced(services)).counts.removed == 0


async def test_an_empty_listing_is_a_fault_and_no_empty_catalogue(
    home: Configuration, hub: DemoHub
) -> None:
    async with open_services(home) as services:
        await synced(services)
        for day in range(1, 31):
            hub.registry.remove(f"maker/model-{day}")
        for full in (False, True):
            report = await synced(services, full=full)
            assert report.state is FeedState.FAILED
            assert "lists nothing at all" in (report.error or "")
        assert await services.catalogue.total() == 30


async def test_an_interrupted_sweep_goes_on_and_remembers_what_it_saw(
    home: Configuration, hub: DemoHub
) -> None:
    long = tuple(f"label-{number}-{'x' * 90}" for number in range(40))
    for day in range(1, 11):  # the second page is longer than the first
        hub.put(repository(f"model-{day}", day, labels=("wanted", *long)))
    async with open_services(home) as services:
        await synced(services)
        hub.registry.remove("maker/model-25")
        hub.registry.remove("maker/model-5")
        hub.faults.add(Fault(FaultKind.TRUNCATE, path="/api/models", times=-1, after=30_000))
        half = await synced(services, full=True)
        assert (half.state, half.counts.fetched, half.counts.removed) == (FeedState.PARTIAL, 20, 0)
        hub.faults.clear()
        rest = await synced(services)
        assert (rest.mode, rest.counts.fetched, rest.counts.removed) == (SyncMode.FULL, 8, 2)
        assert sorted(await told(services)) == [
            ("removed", "hf:maker/model-25"),
            ("removed", "hf:maker/model-5"),
        ]


async def test_what_the_source_cannot_say_of_one_model_holds_up_no_other(
    home: Configuration, hub: DemoHub
) -> None:
    async with open_services(home) as services:
        await synced(services)
        for name in ("model-5", "model-6"):
            hub.registry.remove(f"maker/{name}")
        hub.faults.add(Fault(FaultKind.STATUS, path="*/model-5", status=502, times=-1))
        report = await synced(services, full=True)
        assert (report.state, report.counts.removed) == (FeedState.COMPLETED, 1)
        hub.faults.clear()
        again = await synced(services)
        assert (again.mode, again.counts.removed) == (SyncMode.DIFFERENTIAL, 1)


async def test_a_source_that_says_nothing_of_any_is_tried_again_with_others_first(
    home: Configuration, hub: DemoHub
) -> None:
    async with open_services(home) as services:
        await synced(services)
        for day in range(1, 5):
            hub.registry.remove(f"maker/model-{day}")
        trouble = Fault(FaultKind.STATUS, path="/api/models/*", status=502, times=-1)
        hub.faults.add(trouble)
        report = await synced(services, full=True)
        assert (report.state, trouble.hits) == (FeedState.PARTIAL, 3)
        hub.faults.clear()
        hub.faults.add(Fault(FaultKind.STATUS, path="*/model-[123]", status=502, times=-1))
        assert (await synced(services)).counts.removed == 1
        hub.faults.clear()
        assert (await synced(services)).counts.removed == 3


@pytest.mark.parametrize("status", [410, 451])
async def test_what_the_source_will_not_give_any_more_is_removed(
    home: Configuration, hub: DemoHub, status: int
) -> None:
    async with open_services(home) as services:
        await synced(services)
        hub.registry.remove("maker/model-5")
        hub.faults.add(Fault(FaultKind.STATUS, path="*/model-5", status=status, times=-1))
        assert (await synced(services, full=True)).counts.removed == 1
        (entry,) = await services.changes.list()
        assert entry.change.what == ("taken down upstream",)


async def test_a_known_model_that_the_rules_leave_out_now_is_told_of_all_the_same(
    configure: Configure, hub: DemoHub
) -> None:
    home = configured(configure, 'rules = { licenses = ["mit"], gated = false }')
    async with open_services(home) as services:
        await synced(services)
        hub.put(repository("model-3", 31, license="proprietary"))
        hub.put(repository("model-4", 31, gated="manual"))
        hub.put(repository("never-seen", 31, license="proprietary"))
        report = await synced(services)
        assert (report.counts.updated, report.counts.created) == (2, 0)
        assert (await services.catalogue.get("maker/model-3")).license == "proprietary"
        assert (await services.catalogue.get("maker/model-4")).gated == "manual"


async def test_rules_that_take_little_do_not_make_every_sync_a_full_one(
    configure: Configure, hub: DemoHub
) -> None:
    home = configured(configure, 'rules = { authors = ["nobody"] }')
    async with open_services(home) as services:
        assert (await synced(services)).counts.created == 0
        again = await synced(services)
        assert (again.mode, again.requests) == (SyncMode.DIFFERENTIAL, 1)


async def test_the_stock_of_a_feed_that_was_changed_is_no_news(
    configure: Configure, home: Configuration, hub: DemoHub
) -> None:
    hub.put(repository("other", 1, labels=("more",)))
    async with open_services(home) as services:
        await synced(services)
    async with open_services(configured(configure, "", tag="more")) as services:
        assert (await synced(services)).counts.created == 1
        assert await services.changes.unseen() == 0


async def test_the_newest_of_a_feed_by_time_are_taken_in(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configured(configure, "limit = 10")) as services:
        assert (await synced(services)).counts.created == 10
        hub.put(repository("brand-new", 31, downloads=0))
        report = await synced(services)
        assert (report.mode, report.counts.created) == (SyncMode.DIFFERENTIAL, 1)


async def test_a_limit_counts_for_each_query_alone(configure: Configure, hub: DemoHub) -> None:
    for day in range(1, 31):
        hub.put(repository(f"model-{day}", day, downloads=1000 * day))
    hub.put(repository("rare", 1, labels=("rare",), downloads=5))
    queries = """queries = [
        { filter = ["wanted"], sort = "downloads" }, { filter = ["rare"], sort = "downloads" }
    ]"""
    home = configured(configure, "limit = 10", queries)
    async with open_services(home) as services:
        assert (await synced(services)).counts.created == 11
        for day in range(1, 15):
            hub.put(repository(f"model-{day}", 31, downloads=1000 * day, license="other"))
        hub.put(repository("rarer", 31, labels=("rare",), downloads=1))
        assert (await synced(services)).counts.created == 1, "the short query is not cut"
        hub.registry.remove("maker/rare")
        assert (await synced(services, full=True)).counts.removed == 1


async def test_a_walk_that_is_interrupted_at_its_very_end_still_finds_what_vanished(
    home: Configuration, hub: DemoHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_services(home) as services:
        await synced(services)
        hub.registry.remove("maker/model-5")
        finish, begun = SweepTable.finish, asyncio.Event()

        async def slow(*_: object) -> None:
            begun.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(SweepTable, "finish", slow)
        syncing = asyncio.create_task(synced(services, full=True))
        await begun.wait()
        await services.sync.cancel()
        with pytest.raises(InterruptedJobError):
            await syncing
        monkeypatch.setattr(SweepTable, "finish", finish)
        hub.requests.clear()
        rest = await synced(services)
        assert (rest.mode, rest.counts.removed) == (SyncMode.FULL, 1)
        assert len(hub.requests) == 1, "the walk itself is not done again"


async def test_what_a_user_added_follows_a_rename_that_comes_with_another_key(
    home: Configuration, hub: DemoHub
) -> None:
    async with open_services(home) as services:
        await synced(services)
        await services.catalogue.edit("maker/model-2", note="mine", favourite=True)
        hub.registry.rename("maker/model-2", "maker/called-otherwise")
        entry = hub.registry.find("maker/called-otherwise")
        assert entry is not None
        entry.key = "f" * 24
        await synced(services, full=True)
        edit = await services.catalogue.edits("maker/called-otherwise")
        assert edit is not None and (edit.note, edit.favourite) == ("mine", True)


async def test_a_search_for_the_name_of_the_source_does_not_mean_all_of_it(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configured(configure, "")) as services:
        await synced(services)
    home = configured(configure, "", 'queries = [{ search = "hf" }]')
    async with open_services(home) as services:
        for _ in range(2):
            report = await synced(services, full=True)
            assert (report.requests, report.counts.removed) == (1, 0)


async def test_a_feed_with_a_limit_takes_in_what_is_known_or_popular_enough(
    configure: Configure, hub: DemoHub
) -> None:
    for day in range(1, 31):
        hub.put(repository(f"model-{day}", day, downloads=1000 * day))
    home = configure()
    home.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    home.paths.config_file.write_text(
        '[feeds."hf:wanted"]\nqueries = [{filter = ["wanted"], sort = "downloads"}]\nlimit = 10\n'
    )
    async with open_services(configure()) as services:
        assert (await synced(services)).counts.created == 10
        hub.put(repository("popular", 31, downloads=50_000))
        hub.put(repository("nobody-cares", 31, downloads=5))
        hub.put(repository("model-25", 31, downloads=25_000, license="other"))
        report = await synced(services)
        assert report.mode is SyncMode.DIFFERENTIAL
        assert (report.counts.created, report.counts.updated) == (1, 1)
        assert await services.catalogue.find("maker/nobody-cares") is None
        hub.registry.remove("maker/model-30")
        full = await synced(services, full=True)
        assert (full.counts.removed, await services.catalogue.total()) == (0, 11)
        hub.put(repository("model-30", 31, downloads=3))
        hub.registry.remove("maker/popular")
        full = await synced(services, full=True)
        assert full.counts.removed == 1, "far from where the limit cuts, absence is looked into"


async def test_another_definition_of_a_feed_is_walked_whole(
    home: Configuration, configure: Configure, hub: DemoHub
) -> None:
    hub.put(repository("other", 1, labels=("more",)))
    async with open_services(home) as services:
        await synced(services)
    home.paths.config_file.write_text(
        '[feeds."hf:wanted"]\nqueries = [{filter = ["wanted"]}, {filter = ["more"]}]\n'
    )
    async with open_services(configure()) as services:
        report = await synced(services)
        assert (report.mode, report.counts.created) == (SyncMode.FULL, 1)


async def test_a_sync_that_is_cancelled_while_it_writes_loses_no_page(
    home: Configuration, hub: DemoHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_services(home) as services:
        catalogue = services.sync._context.catalogue
        write_page, writes = catalogue.write_page, asyncio.Event()

        async def slow(*_: object, **__: object) -> None:
            writes.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(catalogue, "write_page", slow)
        syncing = asyncio.create_task(synced(services))
        await writes.wait()
        await services.sync.cancel()
        with pytest.raises(InterruptedJobError):
            await syncing
        monkeypatch.setattr(catalogue, "write_page", write_page)
        await synced(services)
        assert await services.catalogue.total() == 30
