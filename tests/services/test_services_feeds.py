"""Feeds that are added, changed and tried while the program runs."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from homes import Configure
from schedule_clock import FEEDS, FIRST, FakeClock, scheduled, two_feeds

from tui_hub.demo import DemoHub
from tui_hub.demo.faults import Fault, FaultKind
from tui_hub.domain.errors import NotFoundError, RefusedError, UsageError
from tui_hub.domain.feeds import Feed, Query, Rules
from tui_hub.domain.models import Model
from tui_hub.services import Services, open_services
from tui_hub.services.sync.feed_trials import objections
from tui_hub.settings import Configuration, load_configuration
from tui_hub.sources.feeds import feeds_from

LITERT, RANDOM = FEEDS
MINE = Feed(
    name="hf:mine",
    source="hf",
    queries=(Query(filter=("gguf",)), Query(author="acme", sort="downloads")),
    rules=Rules(licenses=("mit",), max_size=10, gated=False),
    limit=50,
    schedule="0 5 * * *",
)


@asynccontextmanager
async def opened(configure: Configure, content: str | None = None) -> AsyncIterator[Services]:
    """A home with some settings, on which nothing runs by itself."""
    configuration = configure()
    if content is not None:
        write(configuration, content)
    async with open_services(configure()) as services:
        yield services


def write(configuration: Configuration, content: str) -> None:
    configuration.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    configuration.paths.config_file.write_text(content)


def read(services: Services) -> str:
    return services.configuration.paths.config_file.read_text()


def at_next_start(services: Services) -> dict[str, Feed]:
    """The feeds as a process knows them that begins now."""
    again = load_configuration(environment=services.configuration.environment)
    return {feed.name: feed for feed in feeds_from(again.settings)}


async def test_a_feed_is_added(configure: Configure) -> None:
    async with opened(configure, "# mine\n[sync]\nretries = 2 # few\n") as services:
        assert await services.feeds.add(MINE) == MINE
        assert MINE in services.sync.feeds()
        assert at_next_start(services)["hf:mine"] == MINE
        assert read(services).startswith("# mine\n[sync]\nretries = 2 # few\n")
        with pytest.raises(RefusedError, match="there is a feed hf:mine already"):
            await services.feeds.add(replace(MINE, limit=1))
        with pytest.raises(RefusedError, match="there is a feed hf:litert already"):
            await services.feeds.add(replace(MINE, name=LITERT))
        assert at_next_start(services)["hf:mine"] == MINE


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (replace(MINE, name="mine"), "cannot be the name"),
        (replace(MINE, name="hf:../x"), "cannot be the name"),
        (replace(MINE, name="ollama:x"), "cannot be the name"),
        (replace(MINE, name="url:x", source="url"), "nothing that a feed could list"),
        (replace(MINE, limit=-1), "limit"),
        (replace(MINE, schedule="0 26 * * *"), "'26' is no hour"),
        (replace(MINE, queries=(Query(author="a\x1b[2J"),)), "cannot be asked for"),
        (replace(MINE, rules=Rules(tasks=("",))), "cannot be asked for"),
    ],
)
async def test_what_cannot_be_a_feed_is_refused(
    configure: Configure, wrong: Feed, words: str
) -> None:
    async with opened(configure) as services:
        with pytest.raises(UsageError, match=words) as caught:
            await services.feeds.add(wrong)
        assert caught.value.message.isprintable()
        assert not services.configuration.paths.config_file.exists()


async def test_only_what_is_another_is_written(configure: Configure) -> None:
    content = (
        '[feeds."hf:mine"]\nschedule = "0 5 * * *" # at five\n'
        'queries = [\n  { filter = ["gguf"], sort = "" }, # all\n]\n'
        '[feeds."hf:mine".rules]\nlicenses = ["mit"] # free\ngated = false\n'
    )
    async with opened(configure, content) as services:
        before = services.feeds.get("hf:mine")
        rules = replace(before.rules, gated=None, min_downloads=100)
        after = await services.feeds.edit(before, replace(before, rules=rules, limit=5))
        assert at_next_start(services)["hf:mine"] == after == services.feeds.get("hf:mine")
        told = read(services)
        assert "# at five" in told and "# all" in told and '["mit"] # free' in told
        assert "limit = 5" in told and "min_downloads = 100" in told and "gated" not in told


async def test_a_shipped_feed_is_changed_and_put_back(configure: Configure) -> None:
    async with opened(configure) as services:
        shipped = services.feeds.get(RANDOM)
        every = await services.feeds.edit(shipped, replace(shipped, limit=None, schedule=""))
        assert (every.limit, at_next_start(services)[RANDOM]) == (None, every)
        assert "queries" not in read(services), "the shipped ones may become others"
        litert = services.feeds.get(LITERT)
        loose = await services.feeds.edit(litert, replace(litert, schedule=""))
        assert at_next_start(services)[LITERT] == loose
        assert 'schedule = "random"' in read(services)
        await services.feeds.edit(every, shipped)
        await services.feeds.edit(loose, litert)
        assert (at_next_start(services)[RANDOM], at_next_start(services)[LITERT]) == (
            shipped,
            litert,
        )


async def test_the_whole_hub_is_one_switch_and_not_pressed_by_accident(
    configure: Configure,
) -> None:
    async with opened(configure) as services:
        whole = services.feeds.get("hf:all")
        cost = services.feeds.cost(whole)
        assert cost is not None and (cost.requests, round(cost.seconds / 60)) == (2500, 25)
        changed = await services.feeds.edit(whole, replace(whole, schedule="0 3 * * 0"))
        assert not changed.enabled and not at_next_start(services)["hf:all"].enabled
        (on,) = await services.feeds.enable(["hf:all"])
        assert on.enabled and at_next_start(services)["hf:all"].enabled
        await services.feeds.enable(["hf:all", LITERT], enabled=False)
        after = at_next_start(services)
        assert not after["hf:all"].enabled and not after[LITERT].enabled
        assert services.feeds.cost(services.feeds.get(LITERT)) is None
        assert services.feeds.cost(replace(whole, limit=10)) is None


async def test_feeds_of_ones_own_are_removed_and_shipped_ones_not(configure: Configure) -> None:
    async with opened(configure, "# mine\n") as services:
        await services.feeds.add(MINE)
        with pytest.raises(RefusedError, match="ships with the program"):
            await services.feeds.remove([LITERT])
        with pytest.raises(NotFoundError):
            await services.feeds.remove(["hf:mine", "hf:nosuch"])
        assert MINE in services.feeds.list()
        await services.feeds.remove(["hf:mine"])
        assert MINE not in services.feeds.list()
        assert read(services).startswith("# mine\n") and "hf:mine" not in read(services)


async def test_a_feed_that_another_changed_meanwhile_is_not_overwritten(
    configure: Configure,
) -> None:
    async with opened(configure) as services:
        await services.feeds.add(MINE)
        async with open_services(configure()) as other:
            await other.feeds.edit(MINE, replace(MINE, limit=7))
        with pytest.raises(RefusedError, match="was changed meanwhile"):
            await services.feeds.edit(MINE, replace(MINE, limit=8))
        assert at_next_start(services)["hf:mine"].limit == 7


async def test_a_broken_file_changes_nothing(configure: Configure) -> None:
    async with opened(configure) as services:
        write(services.configuration, "[sync\n")
        with pytest.raises(UsageError, match="is broken"):
            await services.feeds.add(MINE)
        assert read(services) == "[sync\n"


async def test_a_trial_says_what_is_left_out_and_why_and_writes_nothing(
    configure: Configure, hub: DemoHub
) -> None:
    async with opened(configure) as services:
        every = Feed(name="hf:x", source="hf")
        found = (await services.feeds.try_out(every)).taken
        assert len(found) > 2
        one = found[0]
        rules = Rules(tasks=(one.task or "",), min_downloads=1 + min(m.downloads for m in found))
        trial = await services.feeds.try_out(replace(every, rules=rules))
        assert {model.id for model in trial.taken} == {m.id for m in found if rules.take(m)}
        assert len(trial.taken) + len(trial.left_out) == len(found)
        assert all(entry.reasons for entry in trial.left_out)
        assert trial.requests == 1 and trial.bytes and trial.whole
        assert await services.catalogue.total() == 0
        assert {one.state for one in await services.sync.status()} == {"never"}
        assert not services.configuration.paths.config_file.exists()


async def test_a_trial_walks_as_many_pages_as_it_is_told(
    configure: Configure, hub: DemoHub
) -> None:
    configuration = configure(TUI_HUB_HUGGINGFACE__PAGE_SIZE="1")
    async with open_services(configuration) as services:
        two = Feed(name="hf:x", source="hf", queries=(Query(), Query(sort="downloads")))
        trial = await services.feeds.try_out(two)
        assert (trial.requests, trial.whole) == (2, False)
        trial = await services.feeds.try_out(replace(two, queries=(Query(),)), pages=2)
        assert (trial.requests, len(trial.taken), trial.whole) == (2, 2, False)


async def test_a_feed_that_an_editor_writes_is_synced_at_once(configure: Configure) -> None:
    async with scheduled(two_feeds(configure), FakeClock()) as driver:
        await driver.after(FIRST)
        with driver.services.configuration.paths.config_file.open("a") as file:
            file.write('[feeds."hf:mine"]\nqueries = [{ filter = ["gguf"] }]\n')
        assert await driver.tick() == [["hf:mine"]]
        assert "hf:mine" in {one.feed for one in await driver.services.sync.status()}
        assert await driver.tick() == []


async def test_what_a_feed_asks_for_is_synced_at_once_and_its_times_are_not(
    configure: Configure,
) -> None:
    async with scheduled(two_feeds(configure), FakeClock()) as driver:
        feeds = driver.services.feeds
        await driver.after(FIRST)
        before = feeds.get(RANDOM)
        later = await feeds.edit(before, replace(before, schedule="0 4 * * *"))
        assert await driver.new_syncs() == []
        assert (await driver.status(RANDOM)).next_run == "2031-03-08T04:00:00Z"
        await feeds.edit(later, replace(later, limit=3))
        assert await driver.new_syncs() == [[RANDOM]]
        await feeds.enable([RANDOM], enabled=False)
        await driver.rests()
        assert (await driver.status(RANDOM)).next_run is None
        await feeds.enable([RANDOM])
        assert await driver.new_syncs() == [[RANDOM]]


async def test_what_another_process_adds_is_synced_once(configure: Configure) -> None:
    configuration = two_feeds(configure)
    time = FakeClock()
    async with scheduled(configuration, time) as driver:
        await driver.after(FIRST)
        async with open_services(configuration, time.clock) as other:
            await other.feeds.add(replace(MINE, schedule=""))
        assert await driver.tick() == [["hf:mine"]]
        assert await driver.tick() == []


async def test_a_change_while_its_feed_syncs_is_synced_afterwards(
    configure: Configure, hub: DemoHub
) -> None:
    async with scheduled(two_feeds(configure), FakeClock()) as driver:
        services = driver.services
        stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models"))
        driver.time.pass_by(FIRST)
        driver.time.tick()
        async with asyncio.timeout(60):
            while not stall.hits:
                await asyncio.sleep(0.01)
        before = services.feeds.get(RANDOM)
        await services.feeds.edit(before, replace(before, limit=3))
        stall.release()
        assert await driver.new_syncs() == [list(FEEDS), [RANDOM]]


async def test_a_broken_file_keeps_the_feeds_and_says_so(configure: Configure) -> None:
    configuration = two_feeds(configure)
    async with scheduled(configuration, FakeClock()) as driver:
        await driver.after(FIRST)
        feeds = driver.services.feeds
        before, good = feeds.list(), configuration.paths.config_file.read_text()
        for bad in ("[feeds\n", '[feeds."no"]\n', "[downloads]\nfiles = 0\n"):
            configuration.paths.config_file.write_text(good + bad)
            await driver.tick()
            assert feeds.list() == before
            assert feeds.problem is not None and feeds.problem.message.isprintable()
        configuration.paths.config_file.unlink()
        await driver.tick()
        assert feeds.problem is not None and "there is no settings file" in feeds.problem.message
        assert (feeds.list(), await driver.until_next()) == (before, [[RANDOM]])
        configuration.paths.config_file.write_text(good)
        await driver.tick()
        assert feeds.problem is None


async def test_the_schedule_is_turned_off_and_on_while_it_runs(configure: Configure) -> None:
    configuration = two_feeds(configure)
    async with scheduled(configuration, FakeClock()) as driver:
        await driver.after(FIRST)
        good = configuration.paths.config_file.read_text()
        configuration.paths.config_file.write_text(good + "[sync]\nenabled = false\n")
        await driver.tick()
        state = await driver.services.scheduler.state()
        assert (state.holder, state.off) == (None, "the settings turn it off (sync.enabled)")
        assert await driver.after(24 * 3600) == []
        configuration.paths.config_file.write_text(good + "[sync]\ninterval_min = 9000\n")
        assert await driver.tick() == [list(FEEDS)]
        assert await driver.hours(RANDOM) == pytest.approx((2.5 + 4) / 2, abs=0.001)


async def test_a_link_to_the_settings_is_followed(configure: Configure, tmp_path: Path) -> None:
    configuration = two_feeds(configure)
    real = tmp_path / "dotfiles.toml"
    configuration.paths.config_file.rename(real)
    configuration.paths.config_file.symlink_to(real)
    async with scheduled(configuration, FakeClock()) as driver:
        await driver.after(FIRST)
        await driver.services.feeds.add(replace(MINE, schedule=""))
        assert await driver.new_syncs() == [["hf:mine"]]
        assert configuration.paths.config_file.is_symlink() and "hf:mine" in real.read_text()


async def test_what_changed_while_nothing_ran_is_synced_at_the_next_start(
    configure: Configure,
) -> None:
    configuration, time = two_feeds(configure), FakeClock()
    async with scheduled(configuration, time) as driver:
        await driver.after(FIRST)
    async with scheduled(two_feeds(configure, f'[feeds."{RANDOM}"]\nlimit = 3\n'), time) as driver:
        assert await driver.after(FIRST) == [[RANDOM]]
        assert await driver.after(60) == []


async def test_what_an_editor_makes_of_a_feed_is_synced_at_once(configure: Configure) -> None:
    async with scheduled(two_feeds(configure), FakeClock()) as driver:
        await driver.after(FIRST)
        with driver.services.configuration.paths.config_file.open("a") as file:
            file.write(f'[feeds."{RANDOM}".rules]\nmin_downloads = 1\n')
        assert await driver.tick() == [[RANDOM]]
        assert await driver.tick() == []


def test_reasons_are_given_exactly_where_the_rules_say_no() -> None:
    every = [
        [Rules(), Rules(libraries=("gguf", "x"))],
        [Rules(tasks=("text-generation",))],
        [Rules(licenses=("mit",)), Rules(authors=("acme",))],
        [Rules(min_downloads=10), Rules(max_size=100), Rules(max_size=0)],
        [Rules(gated=True), Rules(gated=False)],
        [Rules(tasks=("a",), authors=("b",), gated=True, min_downloads=5)],
    ]
    values: dict[str, tuple[object, ...]] = {
        "library": (None, "gguf"),
        "task": (None, "text-generation"),
        "license": (None, "mit"),
        "author": (None, "acme"),
        "downloads": (0, 10),
        "size": (None, 0, 100, 101),
        "gated": (False, "auto", "manual"),
    }
    for chosen in itertools.product(*values.values()):
        fields: dict[str, object] = dict(zip(values, chosen, strict=True))
        model = Model(id="hf:a/b", source="hf", name="b", **fields)  # type: ignore[arg-type]
        for rules in itertools.chain.from_iterable(every):
            assert rules.take(model) is not bool(objections(rules, model))
