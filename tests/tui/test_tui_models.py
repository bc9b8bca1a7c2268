"""What is done with models on the screen: plan, download, activate, delete, over the test hub."""

from __future__ import annotations

from dataclasses import replace

import pytest
from homes import Configure
from screen_driver import NARROW, WIDE, Driver, fill, made, screen
from small_models import small_repositories

from tui_hub.demo import DemoHub, Fault, FaultKind, RepositoryFile
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.types import ModelType
from tui_hub.settings import Configuration, load_configuration
from tui_hub.tui.screens.confirm import Confirm
from tui_hub.tui.screens.downloads import DownloadsScreen
from tui_hub.tui.screens.model import ModelScreen
from tui_hub.tui.screens.plan import PlanDialog
from tui_hub.tui.screens.prompt import Prompt
from tui_hub.tui.widgets.download_list import DownloadList


async def open_model(driver: Driver, model: str) -> None:
    """Open the page of a model."""
    found = await driver.services.catalogue.get(model)
    await driver.app.push_screen(ModelScreen(found))
    await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))


async def installed(driver: Driver, model: str) -> None:
    """Have a model on the box."""
    job = await driver.services.downloads.start(model)
    assert (await driver.services.downloads.wait(job.id)).status is JobStatus.COMPLETED


async def test_the_page_shows_card_files_and_revisions(online: Configuration) -> None:
    async with screen(online) as driver:
        await open_model(driver, "acme/quants")
        await driver.sees("Quants", "Files 3")
        await driver.press("right")
        await driver.sees("Q4_0", "Q8_0", "quants-Q4_0.gguf", "sha256", "1.0 MiB")
        await driver.press("right", "right")
        await driver.sees("Revision", "just now")


async def test_a_row_tells_the_size_of_the_files_once_a_plan_has_listed_them(
    online: Configuration, hub: DemoHub
) -> None:
    quants = next(one for one in small_repositories() if one.id == "acme/quants")
    hub.put(replace(quants, gguf={}, used_storage=900 * 1024**2))
    async with screen(online) as driver:
        await driver.services.sync.run(["hf"])
        await driver.press(*"/quants", "enter")
        await driver.until(lambda: "~900.0 MiB" in driver.row("acme/quants"))
        await driver.until(lambda: "~900.0 MiB as listed" in driver.row("size"))
        await driver.press("d")
        await driver.sees("to transfer")
        await driver.press("escape")
        await driver.until(lambda: " 3.0 MiB" in driver.row("acme/quants"))
        await driver.until(lambda: "3.0 MiB" in driver.row("size  "))
        await driver.services.sync.run(["hf"])
        assert "as listed" not in driver.text()
        assert not (await driver.services.catalogue.get("acme/quants")).size_is_estimate


async def test_of_a_model_that_is_here_in_part_that_part_is_told(online: Configuration) -> None:
    async with screen(online) as driver:
        await driver.services.repositories.details("acme/quants")
        job = await driver.services.downloads.start("acme/quants", variant="Q4_0")
        await driver.services.downloads.wait(job.id)
        await driver.press(*"/quants", "enter")
        await driver.until(lambda: " 1.0 MiB+" in driver.row("acme/quants"))
        await driver.until(lambda: "1.0 MiB here of 3.0 MiB" in driver.row("size  "))
        await driver.press("enter", "right")
        await driver.sees("2 of 3 files here", "1.0 MiB here of 3.0 MiB")
        job = await driver.services.downloads.start("acme/quants")
        await driver.services.downloads.wait(job.id)
        await driver.until(lambda: "1.0 MiB here" not in driver.row("size  "))
        await driver.press("1")
        await driver.until(lambda: " 3.0 MiB " in driver.row("acme/quants"))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_sizes_of_groups_stand_below_their_heading(
    online: Configuration, size: tuple[int, int]
) -> None:
    async with screen(online, size) as driver:
        await open_model(driver, "acme/quants")
        await driver.sees("Files 3")
        await driver.press("right")
        await driver.sees("quants-Q4_0.gguf", "the whole model")
        end = driver.row("  Size ").index("Size") + len("Size")
        for words in ("the whole model", "files  ", "quants-Q4_0.gguf"):
            await driver.until(lambda words=words: driver.row(words)[:end].endswith("iB"), words)


async def test_a_revision_shows_what_it_changed_and_is_named(
    online: Configuration, hub: DemoHub
) -> None:
    async with screen(online, size=NARROW) as driver:
        await driver.services.repositories.details("acme/quants")
        quants = next(one for one in small_repositories() if one.id == "acme/quants")
        files = (*quants.files[:-1], RepositoryFile("[bold]x.bin", b"1234"))
        commit = hub.put(replace(quants, files=files, license="other"))
        await driver.services.repositories.details("acme/quants", refresh=True)
        await open_model(driver, "acme/quants")
        await driver.press("right", "right", "right")
        await driver.sees("1 file added, 1 file removed", "m name")
        await driver.press("enter")
        await driver.sees(f"commit   {commit}", "added    [bold]x.bin  4 B", "licence none")
        await driver.press("escape", "m")
        await driver.sees(f"Name {commit[:12]}")
        await driver.press(*"main", "enter")
        await driver.sees("would be taken")
        await driver.press("2", "space", "q", "4", "_", "0", "enter")
        await driver.sees("main2 Q4_0")
        await driver.press("d")
        await driver.sees(f"Download hf:acme/quants at {commit[:12]}", "▸ Q4_0", "to transfer")
        await driver.press("escape", "m")
        await driver.sees(f"Name {commit[:12]}")
        await driver.press("ctrl+u", "enter")
        await driver.until(lambda: "main2 Q4_0" not in driver.text())
        (revision, _) = (await driver.services.repositories.details("acme/quants")).versions
        assert revision.names == ()


async def test_a_variant_is_planned_and_downloaded(online: Configuration) -> None:
    async with screen(online) as driver:
        await open_model(driver, "acme/quants")
        await driver.sees("Files 3")
        await driver.press("d")
        await driver.sees("Download hf:acme/quants", "Q4_0", "every file")
        await driver.sees("to transfer", "1.0 MiB", "disk free")
        await driver.until(lambda: "▸ Q4_0" in driver.text())
        await driver.press("question_mark")
        await driver.sees("Keys", "Close this without doing anything.")
        await driver.press("escape", "j")
        await driver.sees("2.0 MiB")
        await driver.until(lambda: "2.0 MiB" in driver.row("to transfer"))
        await driver.press("enter")
        await driver.until(lambda: not isinstance(driver.app.screen, PlanDialog))
        await driver.press("2")
        await driver.sees("History", "acme/quants", "Q8_0")
        jobs = await driver.services.jobs.list((JobType.DOWNLOAD,))
        assert [job.payload["variant"] for job in jobs] == ["Q8_0"]
        await driver.press("1")
        await open_model(driver, "acme/quants")
        await driver.press("right")
        await driver.sees("✓ installed", "here, sha256")


async def test_enter_counts_before_the_plan_is_there(online: Configuration, hub: DemoHub) -> None:
    async with screen(online) as driver:
        model = await driver.services.catalogue.get("acme/tiny")
        stall = hub.faults.add(Fault(FaultKind.STALL, path="*acme/tiny*", times=-1))
        await driver.app.push_screen(PlanDialog(model))
        await driver.sees("asking for the files", "enter starts, esc closes")
        await driver.press("enter")
        await driver.sees("starts when all is known, esc closes")
        hub.faults.clear()
        stall.release()
        await driver.until(lambda: not isinstance(driver.app.screen, PlanDialog))
        jobs = await driver.services.jobs.list((JobType.DOWNLOAD,))
        assert [job.payload["model"] for job in jobs] == ["hf:acme/tiny"]


async def test_an_early_enter_is_for_its_own_choice_alone(
    online: Configuration, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="*.gguf", times=-1))
    async with screen(online) as driver:
        await open_model(driver, "acme/quants")
        await driver.sees("Files 3")
        plan = PlanDialog((await driver.services.repositories.details("acme/quants")).model)
        await driver.app.push_screen(plan)
        await driver.sees("▸ Q4_0", "enter starts, esc closes")
        plan._eager = True
        plan._say_what_starts()
        await driver.sees("starts when all is known")
        await driver.press("j")
        await driver.sees("enter starts, esc closes")
        hub.faults.clear()
        stall.release()
        await driver.sees("fits in memory now: needs")
        assert driver.app.screen is plan
        assert not await driver.services.jobs.list((JobType.DOWNLOAD,))


async def test_the_key_of_a_download_that_is_on_its_way_goes_there(
    online: Configuration, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="*", origin="cdn", times=-1, after=9))
    async with screen(online) as driver:
        first = await driver.services.downloads.start("acme/tiny")
        await driver.services.downloads.start("acme/eye")
        await open_model(driver, "acme/tiny")
        await driver.until(lambda: driver.app.live.under_way("hf:acme/tiny"))
        await driver.press("d")
        await driver.until(lambda: "tiny is on its way already: here it is." in driver.notes())
        assert driver.app.current_mode == "downloads"
        under_cursor = driver.app.screen.query_one(DownloadList).current
        assert under_cursor is not None and under_cursor.job == first.id
        assert len(await driver.services.jobs.list((JobType.DOWNLOAD,))) == 2
        hub.faults.clear()
        stall.release()


async def test_only_what_is_not_on_its_way_is_planned(online: Configuration, hub: DemoHub) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="*", origin="cdn", times=-1, after=9))
    async with screen(online, (120, 36)) as driver:
        downloads = driver.services.downloads
        first = await downloads.start("acme/quants", variant="Q4_0")
        await open_model(driver, "acme/quants")
        await driver.until(lambda: driver.app.live.under_way("hf:acme/quants"))
        await driver.press("d")
        await driver.sees("Download hf:acme/quants", "▸ Q4_0", "⇣", "on its way already", "here")
        await driver.sees("enter shows it, esc closes")
        assert "to transfer" not in driver.text()
        await driver.press("j")
        await driver.sees("▸ Q8_0", "to transfer", "enter starts, esc closes")
        await driver.press("k")
        await driver.sees("enter shows it")
        await driver.press("enter")
        await driver.until(lambda: driver.app.current_mode == "downloads")
        await driver.until(lambda: driver.app.screen.query_one(DownloadList).current is not None)
        under_cursor = driver.app.screen.query_one(DownloadList).current
        assert under_cursor is not None and under_cursor.job == first.id
        hub.faults.clear()
        stall.release()


async def test_a_plan_that_failed_offers_no_start(offline: Configuration) -> None:
    await fill(offline, [made(0)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.press("d")
        await driver.sees("offline", "esc closes")
        await driver.press("enter")
        assert "starts" not in driver.text()


async def test_the_plan_says_whether_it_fits_without_waiting_for_it(
    online: Configuration, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="*.gguf", times=-1))
    async with screen(online) as driver:
        await open_model(driver, "acme/quants")
        await driver.sees("Files 3")
        await driver.press("d")
        await driver.sees("to transfer", "looking whether it fits in memory")
        hub.faults.clear()
        stall.release()
        await driver.sees("fits in memory now: needs")
        await driver.press("G")
        await driver.sees("Q4_0 fits in memory now: needs")


async def test_a_download_shows_its_ranges_and_pauses(online: Configuration, hub: DemoHub) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="*", origin="cdn", times=-1, after=200_000))
    async with screen(online, NARROW) as driver:
        await driver.services.downloads.start("acme/tiny")
        await driver.press("2")
        await driver.sees("acme/tiny", "model.safetensors", "╍")
        downloads = driver.app.screen
        assert isinstance(downloads, DownloadsScreen)
        await driver.until(lambda: driver.app.live_state.pulsing)
        await driver.press("q")
        await driver.sees("1 download is under way")
        await driver.press("enter")
        assert driver.app.is_running
        await driver.until(lambda: driver.app.screen is downloads)
        await driver.press("space")
        await driver.sees("‖", "paused")
        stall.release()
        hub.faults.clear()
        await driver.until(lambda: not driver.app.live_state.pulsing)
        await driver.press("space")
        await driver.sees("History", "✓")
        await driver.until(lambda: "model.safetensors" not in driver.text())


async def test_speed_is_limited_from_the_screen(online: Configuration) -> None:
    async with screen(online) as driver:
        await driver.press("2", "L", *"3M", "enter")
        await driver.sees("limited to 3.0 MiB/s")
        assert driver.services.downloads.limit == 3 * 1024**2
        await driver.press("L")
        await driver.until(lambda: isinstance(driver.app.screen, Prompt))
        await driver.press("ctrl+u", *"x", "enter")
        await driver.sees("'x' is no speed.", " x ")
        await driver.press("ctrl+u", *"5", "enter")
        await driver.sees("5 B/s would stall every download.")
        await driver.press("ctrl+u", "enter")
        await driver.until(lambda: any("have no limit" in note for note in driver.notes()))
        assert driver.services.downloads.limit == 0
        await driver.until(lambda: "limited" not in driver.row("Downloads ─"))


async def test_a_limit_ends_with_the_screen_unless_the_settings_keep_it(
    online: Configuration,
) -> None:
    async with screen(online) as driver:
        await driver.press("2", "L")
        await driver.sees("It ends with this screen", "enter for now, ^s keeps it, esc closes")
        await driver.press(*"2M", "enter")
        await driver.until(lambda: any("until this screen ends" in note for note in driver.notes()))
        assert not online.paths.config_file.exists()
        await driver.press("L", "ctrl+u", *"3 miles", "ctrl+s")
        await driver.sees("is no speed.")
        await driver.press("ctrl+u", *"3M", "ctrl+s")
        await driver.until(lambda: any("from now on" in note for note in driver.notes()))
        await driver.sees("limited to 3.0 MiB/s")
    again = load_configuration(environment=dict(online.environment))
    assert again.settings.downloads.limit == 3 * 1024**2


async def test_activation_asks_and_shows_what_leaves(online: Configuration) -> None:
    async with screen(online) as driver:
        await installed(driver, "acme/tiny")
        await installed(driver, "acme/tiny-copy")
        await driver.services.activation.activate("acme/tiny")
        await open_model(driver, "acme/tiny-copy")
        await driver.press("a")
        await driver.sees("Switch?", "hf:acme/tiny-copy", "leaves   hf:acme/tiny")
        await driver.press("n")
        slot = await driver.services.activation.active(ModelType.LLM)
        assert slot is not None and slot.model == "hf:acme/tiny"
        await driver.press("a")
        await driver.sees("Switch?")
        await driver.press("enter")
        await driver.until(lambda: any("is active as llm" in note for note in driver.notes()))
        await driver.press("3")
        await driver.sees("●  llm", "hf:acme/tiny-copy", "active llm --path")
        await driver.press("x")
        await driver.sees("Deactivate?")
        await driver.press("y")
        await driver.sees("0 of 12 filled")


async def test_a_link_is_told_once_before_it_is_made_and_once_after(configure: Configure) -> None:
    configuration = configure(TUI_HUB_RUNTIME__USE="auto", TUI_HUB_SYNC__ENABLED="false")
    async with screen(configuration) as driver:
        job = await driver.services.downloads.start("acme/quants", variant="Q4_0")
        await driver.services.downloads.wait(job.id)
        await open_model(driver, "acme/quants")
        await driver.press("a")
        await driver.sees("link: torch does not load gguf", "will be published as active/")
        assert driver.text().count("published") == 1
        await driver.press("y")
        words = "published as a link; nothing was loaded into memory: torch does not load gguf"
        await driver.until(lambda: any(words in note for note in driver.notes()))


async def test_what_is_not_here_cannot_be_activated(online: Configuration) -> None:
    async with screen(online) as driver:
        await open_model(driver, "acme/tiny")
        await driver.press("a")
        wanted = "tiny is not installed: d downloads it"
        await driver.until(lambda: wanted in driver.notes())
        assert isinstance(driver.app.screen, ModelScreen)


async def test_one_of_several_variants_is_activated_and_deleted(online: Configuration) -> None:
    async with screen(online) as driver:
        for variant in ("Q4_0", "Q8_0"):
            job = await driver.services.downloads.start("acme/quants", variant=variant)
            await driver.services.downloads.wait(job.id)
        await open_model(driver, "acme/quants")
        await driver.press("a")
        await driver.sees("Activate which?", "Q4_0", "Q8_0")
        await driver.press("j", "enter")
        await driver.sees("Activate?", "hf:acme/quants  Q8_0")
        await driver.press("enter")
        await driver.until(lambda: any("is active as" in note for note in driver.notes()))
        (slot,) = await driver.services.activation.slots()
        assert slot.variant == "Q8_0"
        await driver.press("right")
        await driver.sees("the whole model", "✓ installed")
        await driver.press("j", "x")
        await driver.sees("hf:acme/quants  Q4_0", "1 file goes; 1.0 MiB come free.")
        await driver.sees("What stays: Q8_0, with all of their files.")
        await driver.press("y")
        await driver.until(lambda: any("Deleted 1 file" in note for note in driver.notes()))
        (install,) = await driver.services.storage.installs()
        assert install.variants == ("Q8_0",)
        await driver.press("3")
        await driver.until(lambda: "Q8_0" in driver.row("hf:acme/quants"))


async def test_the_active_variant_is_not_deleted(online: Configuration) -> None:
    async with screen(online) as driver:
        for variant in ("Q4_0", "Q8_0"):
            job = await driver.services.downloads.start("acme/quants", variant=variant)
            await driver.services.downloads.wait(job.id)
        await driver.services.activation.activate("acme/quants", variant="Q4_0")
        await open_model(driver, "acme/quants")
        await driver.press("right")
        await driver.sees("✓ installed")
        await driver.press("j", "x")
        await driver.until(lambda: any("Q4_0 is active as llm" in note for note in driver.notes()))
        assert not isinstance(driver.app.screen, Confirm)


async def test_a_small_text_is_shown(online: Configuration) -> None:
    async with screen(online) as driver:
        await installed(driver, "acme/tiny")
        await open_model(driver, "acme/tiny")
        await driver.press("right")
        await driver.sees("config.json")
        page = driver.app.screen
        assert isinstance(page, ModelScreen)
        while page.files.file is None or page.files.file.path != "config.json":
            await driver.press("j")
        await driver.press("enter")
        await driver.sees('{"model_type": "tiny"}', "esc closes")
        await driver.press("escape")
        while page.files.file is None or page.files.file.path != "model.safetensors":
            await driver.press("j")
        await driver.press("enter")
        await driver.until(lambda: any("Only text files" in note for note in driver.notes()))
        await driver.until(lambda: driver.app.screen is page)


async def test_deleting_says_what_is_lost_and_defaults_to_no(online: Configuration) -> None:
    async with screen(online) as driver:
        await installed(driver, "acme/tiny")
        await driver.press("5")
        await driver.sees("hf:acme/tiny", "3.0 MiB", "saved by sharing")
        await driver.press("x")
        await driver.sees("Delete?", "4 files go; 3.0 MiB come free.", "downloaded again")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm))
        await driver.press("enter")
        await driver.until(lambda: not isinstance(driver.app.screen, Confirm))
        assert (await driver.services.storage.usage()).by_model
        await driver.press("x")
        await driver.sees("Delete?")
        await driver.press("y")
        await driver.sees("No model is here yet.")
        assert not (await driver.services.storage.usage()).by_model


async def test_sync_shows_its_feeds_and_jobs(online: Configuration) -> None:
    async with screen(online) as driver:
        await driver.press("6")
        await driver.until(lambda: "completed" in driver.row("curated:models"))
        await driver.until(lambda: not driver.services.sync.running)
        await driver.press("enter")
        await driver.until(lambda: "completed" in driver.row("hf:litert"))
        await driver.sees("queries     tag litert; or tag")
        await driver.press("4")
        await driver.sees("sync", "completed", "hf:litert", "Log")
        await driver.press("s", "s")
        await driver.sees("Jobs · running", "The filters hide ")


async def test_a_gated_model_says_why_and_what_to_do(online: Configuration) -> None:
    async with screen(online) as driver:
        await driver.services.downloads.start("acme/locked")
        await driver.press("2")
        await driver.sees("failed", "is gated", "for access at")
        await driver.press("4")
        await driver.sees("failed", "hf:acme/locked", "error:")


async def test_a_wrong_variant_does_not_cost_the_name(online: Configuration) -> None:
    async with screen(online) as driver:
        await driver.services.versions.name("acme/quants", "stable", variant="Q4_0")
        await open_model(driver, "acme/quants")
        await driver.press("right", "right", "right")
        await driver.sees("stable Q4_0")
        await driver.press("m")
        await driver.sees("Leave it empty to take the name")
        await driver.press("ctrl+u", *"good", "space", *"Q9", "enter")
        await driver.until(lambda: any("has no variant 'Q9'" in note for note in driver.notes()))
        await driver.sees("stable Q4_0")
        await driver.press("m")
        await driver.sees("Leave it empty to take the name")
        await driver.press("ctrl+u", *"good", "space", *"q8_0", "enter")
        await driver.until(lambda: "stable" not in driver.row("good Q8_0"))
