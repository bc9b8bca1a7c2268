"""The list of downloads: where its cursor stands, what it says, and what is told elsewhere."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from homes import Configure
from screen_driver import NARROW, Driver, screen
from small_models import tensors_file
from textual._compositor import LayoutUpdate
from textual.screen import Screen

from tui_hub import text
from tui_hub.demo import DemoHub, Fault, FaultKind, RepositoryFile
from tui_hub.domain.downloads import Download
from tui_hub.domain.jobs import JobStatus
from tui_hub.services import open_services
from tui_hub.services.downloads.words import moved_words
from tui_hub.settings import Configuration
from tui_hub.tui.screens.downloads import DownloadsScreen
from tui_hub.tui.widgets.download_list import DownloadList


@pytest.fixture
def stall(hub: DemoHub) -> Fault:
    """Nothing arrives whole until it is released."""
    return hub.faults.add(Fault(FaultKind.STALL, path="*", origin="cdn", times=-1, after=9))


def list_of(driver: Driver) -> DownloadList:
    """The list in front."""
    front = driver.app.screen
    assert isinstance(front, DownloadsScreen)
    return front.downloads


def stands_on(driver: Driver) -> str | None:
    """The model under the cursor, if its row is on screen."""
    rows = list_of(driver)
    top = rows.scroll_offset.y
    if not top <= rows.cursor < top + rows.page_height:
        return None
    return rows.current.model if rows.current else None


def job_under_cursor(driver: Driver) -> str | None:
    """The download under the cursor."""
    current = list_of(driver).current
    return current.job if current else None


async def done(driver: Driver, model: str, variant: str | None = None) -> None:
    """Have a download end."""
    job = await driver.services.downloads.start(model, variant=variant)
    await driver.services.downloads.wait(job.id)


async def test_the_cursor_stands_on_what_moves(online: Configuration, hub: DemoHub) -> None:
    async with screen(online, NARROW) as driver:
        await done(driver, "acme/quants", "Q4_0")
        await driver.press("2")
        await driver.sees("History")
        await driver.until(lambda: stands_on(driver) == "hf:acme/quants")
        await driver.press("1")
        stall = hub.faults.add(Fault(FaultKind.STALL, origin="cdn", times=-1, after=9))
        await driver.services.downloads.start("acme/tiny")
        await driver.press("2")
        await driver.until(lambda: stands_on(driver) == "hf:acme/tiny")
        hub.faults.clear()
        stall.release()
        await driver.until(lambda: "acme/tiny" in driver.text().partition("History")[2])
        await driver.until(lambda: stands_on(driver) == "hf:acme/tiny")


async def test_keys_that_do_not_apply_say_so_once(online: Configuration) -> None:
    async with screen(online) as driver:
        await driver.press("2", "space")
        await driver.until(lambda: driver.notes() == ["There is no download here."])
        await done(driver, "acme/eye")
        await driver.sees("History")
        for key, words in [
            ("space", "It is completed."),
            ("x", "It is completed already."),
            ("J", "Only downloads that wait in line here can be moved."),
            ("J", "Only downloads that wait in line here can be moved."),
        ]:
            await driver.press(key)
            await driver.until(lambda words=words: driver.notes() == [words], words)


async def test_the_keys_shown_are_those_that_do_something_with_the_row(
    online: Configuration, stall: Fault
) -> None:
    def keys(driver: Driver) -> str:
        return driver.lines()[-1]

    async with screen(online, (120, 36)) as driver:
        await driver.press("2")
        await driver.sees("Nothing is being downloaded", "limit")
        unsaid = ("pause", "cancel", "retry", "again", "down")
        assert not any(word in keys(driver) for word in unsaid)
        await driver.services.downloads.start("acme/tiny")
        await driver.until(lambda: "pause" in keys(driver) and "cancel" in keys(driver))
        assert "again" not in keys(driver)
        stall.release()
        await driver.until(lambda: "again" in keys(driver))
        assert "pause" not in keys(driver) and "cancel" not in keys(driver)


async def test_ends_are_told_on_other_screens_only(online: Configuration) -> None:
    async with screen(online) as driver:
        await done(driver, "acme/quants", "Q4_0")
        told = "quants Q4_0 is here: 1.0 MiB"
        await driver.until(lambda: any(note.startswith(told) for note in driver.notes()))
        await done(driver, "acme/locked")
        await driver.until(lambda: any("locked failed: " in note for note in driver.notes()))
        await driver.until(lambda: any("for access at" in note for note in driver.notes()))
        await driver.sees("2 Downloads !1")
        await driver.press("2")
        await driver.sees("failed", "acme/locked is gated")
        assert driver.notes() == []
        await done(driver, "acme/tiny")
        await driver.sees("acme/tiny", "2 done")
        await driver.press("g", "x")
        await driver.until(lambda: "!1" not in driver.lines()[0])
        await driver.sees("failed: acme/locked")
        assert driver.notes() == []


async def test_a_cancelled_download_is_marked(online: Configuration, stall: Fault) -> None:
    async with screen(online) as driver:
        await driver.services.downloads.start("acme/quants", variant="Q8_0")
        await driver.press("2")
        await driver.sees("quants-Q8_0.gguf")
        await driver.until(lambda: any(one.done for one in driver.app.live.downloads))
        await driver.press("x")
        await driver.sees("Cancel?", "have arrived", "space pauses it")
        await driver.press("n")
        assert driver.app.live.downloads[0].status is JobStatus.RUNNING
        await driver.until(lambda: isinstance(driver.app.screen, DownloadsScreen))
        await driver.press("x")
        await driver.sees("Cancel?")
        await driver.press("y")
        await driver.sees("History", "× acme/quants  Q8_0  cancelled")
        stall.release()


async def test_the_first_frame_of_a_narrow_screen_is_whole(
    configure: Configure, hub: DemoHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = configure(TUI_HUB_SYNC__ENABLED="false", TUI_HUB_DOWNLOADS__RETRIES="1")
    frames: list[str] = []
    async with open_services(configuration) as before:
        for model, variant in (("eye", None), ("quants", "Q4_0"), ("quants", "Q8_0")):
            job = await before.downloads.start(f"acme/{model}", variant=variant)
            await before.downloads.wait(job.id)
    async with screen(configuration, (80, 16)) as driver:
        hub.faults.add(Fault(FaultKind.STATUS, origin="cdn", status=404, times=-1))
        await done(driver, "acme/tiny")
        await driver.until(lambda: driver.app.live.failed)
        put_out = driver.app._display

        def note(screen: Screen[object], renderable: object) -> None:
            if isinstance(renderable, LayoutUpdate):
                frames.extend("".join(one.text for one in line) for line in renderable.strips)
            put_out(screen, renderable)  # type: ignore[arg-type]

        monkeypatch.setattr(driver.app, "_display", note)
        await driver.press("2")
        await driver.sees("History")
        drawn = [line for line in frames if "! acme/tiny" in line]
        assert drawn
        assert all("failed" in line for line in drawn), drawn


async def test_paused_ones_have_a_badge_and_a_word(online: Configuration, stall: Fault) -> None:
    async with screen(online, NARROW) as driver:
        await driver.services.downloads.start("acme/tiny")
        await driver.press("2")
        await driver.sees("2 Downloads ⇣1")
        await driver.press("space")
        await driver.sees("2 Downloads ‖1", "paused")
        stall.release()
        assert driver.lines()[0].startswith(" tui-hub  1")
        assert "another process" not in driver.text()


async def test_a_file_that_another_model_brought_says_whose_it_is(
    online: Configuration, hub: DemoHub
) -> None:
    entry = hub.registry.find("acme/tiny")
    assert entry is not None
    shared = next(file for file in entry.head.repository.files if file.path.endswith("tensors"))
    fresh = RepositoryFile("more.safetensors", tensors_file(77))
    hub.put(replace(entry.head.repository, id="acme/kin", files=(shared, fresh)))
    for size in (NARROW, (120, 36)):
        async with screen(online, size) as driver:
            await done(driver, "acme/tiny")
            stall = hub.faults.add(Fault(FaultKind.STALL, origin="cdn", times=-1, after=9))
            job = await driver.services.downloads.start("acme/kin")
            await driver.press("2")
            await driver.sees("already here (from hf:acme/tiny)", "more.safetensors")
            (live,) = driver.app.live.running
            assert [(one.deduplicated, one.origin) for one in live.files] == [
                (True, "hf:acme/tiny"), (False, "")
            ]  # fmt: skip
            await driver.press("x")
            await driver.sees("Cancel?")
            await driver.press("y")
            cancelled = await driver.services.downloads.wait(job.id)
            assert cancelled.status is JobStatus.CANCELLED
            stall.release()
            hub.faults.clear()


async def test_one_that_waits_has_its_place_again_after_a_pause(
    configure: Configure, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, origin="cdn", times=-1, after=9))
    settings = {"TUI_HUB_SYNC__ENABLED": "false", "TUI_HUB_DOWNLOADS__JOBS": "1"}
    async with screen(configure(**settings), NARROW) as driver:
        downloads = driver.services.downloads
        await downloads.start("acme/tiny")
        jobs = [
            await downloads.start("acme/quants", variant="Q4_0"),
            await downloads.start("acme/quants", variant="Q8_0"),
            await downloads.start("acme/eye"),
        ]
        line = [job.id for job in jobs]
        await driver.press("2")
        await driver.sees("acme/tiny", "Q4_0", "Q8_0", "acme/eye")
        await driver.press("g", "j", "j")
        await driver.until(lambda: job_under_cursor(driver) == line[1])
        await driver.press("space")
        await driver.sees("‖1", "paused")
        assert list(downloads.running[1:]) == [line[0], line[2]]
        assert job_under_cursor(driver) == line[1], "the cursor stays on it"
        await driver.press("space")
        await driver.until(lambda: list(downloads.running[1:]) == line)
        await driver.until(lambda: "‖1" not in driver.lines()[0])
        assert driver.notes() == []
        stall.release()
        hub.faults.clear()
        await downloads.wait(line[-1])


def rows_of(driver: Driver) -> list[str]:
    """The downloads that have not ended, from above."""
    return [job for _, job in list_of(driver)._jobs()]


async def test_a_download_that_is_paused_keeps_its_row(
    configure: Configure, hub: DemoHub, stall: Fault
) -> None:
    settings = {"TUI_HUB_SYNC__ENABLED": "false", "TUI_HUB_DOWNLOADS__JOBS": "1"}
    async with screen(configure(**settings), (120, 36)) as driver:
        downloads = driver.services.downloads
        jobs = [
            (await downloads.start("acme/tiny")).id,
            (await downloads.start("acme/quants", variant="Q4_0")).id,
            (await downloads.start("acme/eye")).id,
        ]
        await driver.press("2")
        await driver.until(lambda: rows_of(driver) == jobs)
        await driver.press("g", "space")
        await driver.sees("‖1", "paused")
        await driver.until(lambda: downloads.running == tuple(jobs[1:]))
        assert rows_of(driver) == jobs and job_under_cursor(driver) == jobs[0]
        await driver.press("space")
        await driver.until(lambda: downloads.running == (jobs[1], jobs[0], jobs[2]))
        await driver.until(lambda: "‖1" not in driver.lines()[0])
        assert rows_of(driver) == jobs, "it ran: it is first in line"
        await driver.press("J")
        await driver.until(lambda: downloads.running == (jobs[1], jobs[2], jobs[0]))
        await driver.until(lambda: rows_of(driver) == [jobs[2], jobs[1], jobs[0]])
        assert job_under_cursor(driver) == jobs[0]
        stall.release()
        hub.faults.clear()
        await downloads.wait(jobs[0])


async def test_a_note_leaves_the_frame_whole(online: Configuration) -> None:
    async with screen(online, NARROW) as driver:
        await driver.press("2", "space")
        await driver.sees("There is no download here.")
        lines = driver.lines()
        assert lines[-3].startswith("╰──") and lines[-3].endswith("─╯")
        assert all(line.endswith("│") for line in lines[2:-3])


@pytest.mark.parametrize("size", [NARROW, (120, 36)])
async def test_notes_hide_nothing_of_a_question_nor_of_the_header(
    online: Configuration, size: tuple[int, int]
) -> None:
    async with screen(online, size) as driver:
        await driver.press("4")
        driver.app.notify("An old note\n" + "says more words " * 20)
        await driver.sees("An old note")
        await driver.press("question_mark")
        await driver.sees("closes")
        box = driver.app.screen.query_one(".dialog").region
        await driver.until(lambda: "says more" not in driver.text())
        before = driver.lines()[1 : box.bottom]
        for word in ("first", "second"):
            driver.app.notify(f"The {word} note\n" + "says more words " * 20)
        await driver.sees("The second note")
        driver.app.notify("wrong " * 60, severity="error")
        await driver.sees("wrong wrong")
        assert driver.lines()[1 : box.bottom] == before
        assert "7 Set" in driver.lines()[0]
        assert not any("note" in line for line in driver.lines())
        assert any(one.count("wrong") == 60 for one in driver.notes())
        await driver.press("escape")
        await driver.until(lambda: driver.text().count("wrong") == 60)


async def test_calm_notes_take_two_lines_together_at_most(offline: Configuration) -> None:
    async with screen(offline) as driver:
        for words in ("a", "b", "c\nand more", "d"):
            driver.app.notify(words)
        await driver.until(lambda: driver.notes() == ["d"])
        driver.app.notify("e")
        await driver.until(lambda: driver.notes() == ["d", "e"])
        driver.app.notify("wrong", severity="error")
        driver.app.notify("f")
        await driver.until(lambda: driver.notes() == ["e", "wrong", "f"])


async def test_interrupted_ones_go_on(online: Configuration, hub: DemoHub) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, origin="cdn", times=-1, after=9))
    async with open_services(online) as services:
        job = await services.downloads.start("acme/tiny")
        assert job.id in services.downloads.running
    stall.release()
    hub.faults.clear()
    async with screen(online) as driver:
        await driver.until(lambda: any("1 download goes on" in note for note in driver.notes()))
        assert (await driver.services.downloads.wait(job.id)).status is JobStatus.COMPLETED


async def test_a_resumed_one_tells_what_came_in_all_and_what_in_this_run(
    online: Configuration, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, origin="cdn", times=-1, after=2 * 1024**2))
    async with screen(online) as driver:
        service = driver.services.downloads
        job = await service.start("acme/tiny")
        await driver.press("2")
        await driver.until(lambda: sum(one.done for one in driver.app.live.downloads) > 1024**2)
        await service.pause(job.id)
        hub.faults.clear()
        stall.release()
        await driver.sees("paused")
        await driver.until(lambda: job.id not in service.running)
        await service.resume(job.id)
        ended = await service.wait(job.id)
        assert ended.bytes_last_run is not None
        assert 0 < ended.bytes_last_run < ended.bytes_transferred
        await driver.sees("History", f"{text.size(ended.bytes_last_run)} of it in the last run")
        again = await service.get(job.id)
        assert again is not None and again.bytes_last_run == ended.bytes_last_run
        running = replace(ended, status=JobStatus.RUNNING)
        assert moved_words(running).endswith(f"{text.size(ended.bytes_last_run)} of it now")
        alone = replace(ended, bytes_last_run=ended.bytes_transferred)
        assert "of it" not in moved_words(alone)


async def test_one_whose_source_is_away_says_that_it_waits(
    configure: Configure, hub: DemoHub
) -> None:
    hub.faults.add(Fault(FaultKind.STATUS, origin="cdn", status=503, times=-1))
    settings = {"TUI_HUB_SYNC__ENABLED": "false", "TUI_HUB_DOWNLOADS__RETRIES": "1"}
    async with screen(configure(**settings), NARROW) as driver:
        job = await driver.services.downloads.start("acme/tiny")
        await driver.press("2")
        await driver.sees("interrupted", "(503)", "goes on by itself", "r tries it at once")
        hub.faults.clear()
        await driver.press("r")
        await driver.sees("History")
        assert (await driver.services.downloads.wait(job.id)).status is JobStatus.COMPLETED


async def test_only_what_another_process_runs_is_said_to_run_there(
    online: Configuration, hub: DemoHub, tmp_path: Path
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, origin="cdn", times=-1, after=9))
    program = [sys.executable, "-m", "tui_hub", "download", "acme/quants", "--variant", "Q8_0"]
    environment = {"PATH": os.environ["PATH"], **online.environment}
    with subprocess.Popen(program, env=environment, stderr=subprocess.DEVNULL) as other:
        try:
            async with screen(online, NARROW) as driver:
                await driver.press("2")
                await driver.sees("runs in another process", "Q8_0")
                stall.release()
                hub.faults.clear()
                await driver.until(lambda: "another process" not in driver.text())
                await driver.sees("History", "Q8_0")
        finally:
            stall.release()
            other.terminate()


async def test_leaving_says_what_becomes_of_downloads(online: Configuration, stall: Fault) -> None:
    async with screen(online) as driver:
        await driver.services.downloads.start("acme/tiny")
        await driver.until(lambda: driver.app.live.running)
        await driver.press("q")
        await driver.sees("Leave?", "1 download is under way", "It pauses, keeps every byte")
        await driver.press("n")
        ready = asyncio.Event()
        agent = asyncio.create_task(driver.services.agent.serve(ready.set))
        await ready.wait()
        await driver.press("q")
        await driver.sees("Leave?", "The agent of this home goes on with it")
        assert "It pauses" not in driver.text()
        await driver.press("n")
        agent.cancel()
        await asyncio.gather(agent, return_exceptions=True)
        stall.release()


async def test_the_question_before_leaving_follows_what_it_tells_of(
    online: Configuration, stall: Fault
) -> None:
    async with screen(online) as driver:
        await driver.services.downloads.start("acme/tiny")
        await driver.until(lambda: driver.app.live.running)
        await driver.press("q")
        await driver.sees("Leave?", "1 download is under way")
        stall.release()
        await driver.sees("Leave?", "Nothing is under way any more.")
        assert "to go" not in driver.text()
        await driver.press("n")


async def test_a_retry_tells_that_it_takes_another_revision(
    online: Configuration, hub: DemoHub, stall: Fault
) -> None:
    async with screen(online, NARROW) as driver:
        job = await driver.services.downloads.start("acme/tiny")
        await driver.press("2")
        await driver.until(lambda: any(one.done for one in driver.app.live.downloads))
        await driver.press("space")
        await driver.sees("‖1")
        entry = hub.registry.find("acme/tiny")
        assert entry is not None
        hub.registry.remove("acme/tiny")
        hub.put(replace(entry.head.repository, title="another history"))
        stall.release()
        hub.faults.clear()
        await driver.press("space")
        await driver.sees("failed", "r takes what main is now")
        await driver.press("r")
        await driver.until(lambda: any("is gone: this is main now" in n for n in driver.notes()))
        assert (await driver.services.downloads.wait(job.id)).status is JobStatus.COMPLETED


async def test_leaving_a_home_that_goes_away_says_so(online: Configuration, stall: Fault) -> None:
    async with screen(online, demo=True, temporary=True) as driver:
        await driver.services.downloads.start("acme/tiny")
        await driver.until(lambda: driver.app.live.running)
        await driver.press("q")
        await driver.sees("Leave?", "home is removed at the end")
        assert "every byte" not in driver.text()
        stall.release()


async def test_the_cursor_is_in_sight_when_many_wait_in_line(
    configure: Configure, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, origin="cdn", times=-1, after=9))
    settings = {"TUI_HUB_SYNC__ENABLED": "false", "TUI_HUB_DOWNLOADS__JOBS": "1"}
    async with screen(configure(**settings), NARROW) as driver:
        downloads = driver.services.downloads
        await downloads.start("acme/tiny")
        await driver.press("2")
        await driver.sees("acme/tiny")
        await driver.press("1")
        await downloads.start("acme/tiny-copy")
        await downloads.start("acme/quants", variant="Q4_0")
        await downloads.start("acme/quants", variant="Q8_0")
        last = await downloads.start("acme/eye")
        await driver.until(lambda: len(driver.app.live.downloads) == 5)
        await driver.press("2")
        await driver.until(lambda: stands_on(driver) == "hf:acme/eye", "out of sight")
        mark = driver.app.glyphs.cursor
        await driver.sees(f"│ {mark} ")
        await driver.press("J")
        await driver.until(lambda: "It is the last in line." in driver.notes())
        await driver.press("K", "K", "K")
        assert not any("first" in note for note in driver.notes())
        await driver.press("K")
        await driver.until(lambda: "It is first in line." in driver.notes())
        stall.release()
        hub.faults.clear()
        await downloads.wait(last.id)


@pytest.mark.parametrize(
    ("status", "said", "unsaid"),
    [
        (JobStatus.RUNNING, "space pause", "resume"),
        (JobStatus.PAUSED, "space resume", "retry"),
        (JobStatus.FAILED, "x put aside", "x cancel"),
        (JobStatus.CANCELLED, "r again", "r retry"),
    ],
)
async def test_a_key_is_named_by_what_it_does_now(
    offline: Configuration, status: JobStatus, said: str, unsaid: str
) -> None:
    async with screen(offline) as driver:
        await driver.settled()
        await driver.press("2")
        await driver.until(lambda: isinstance(driver.app.screen, DownloadsScreen))
        one = Download(job="1", model="hf:a/b", revision=None, variant=None, status=status)
        list_of(driver).show(current=[replace(one, local=True)])
        await driver.until(lambda: said in driver.lines()[-1])
        assert unsaid not in driver.lines()[-1]


async def test_the_names_of_a_list_lose_their_authors_together(offline: Configuration) -> None:
    async with screen(offline, NARROW) as driver:
        await driver.settled()
        await driver.press("2")
        await driver.until(lambda: isinstance(driver.app.screen, DownloadsScreen))
        short = Download(
            job="1", model="hf:a/b", revision=None, variant=None, status=JobStatus.PAUSED
        )
        long = replace(
            short, job="2", model="hf:a-long-author/a-very-long-name-of-a-model-that-has-many-parts"
        )
        list_of(driver).show(current=[short])
        await driver.sees("a/b")
        list_of(driver).show(current=[short, long])
        await driver.sees("a-very-long-name")
        await driver.until(lambda: " b " in driver.row(" b "))
        assert "a/b" not in driver.text() and "a-long-author" not in driver.text()


async def test_a_figure_that_is_what_it_was_before_the_next_frame_is_shown_so(
    offline: Configuration,
) -> None:
    async with screen(offline, NARROW) as driver:
        await driver.settled()
        await driver.press("2")
        await driver.until(lambda: isinstance(driver.app.screen, DownloadsScreen))
        one = Download(
            job="1", model="hf:a/b", revision=None, variant=None, status=JobStatus.PAUSED
        )
        tenth, fifth = (replace(one, done=done, bytes_total=100) for done in (10, 20))
        list_of(driver).show(current=[tenth])
        await driver.sees(" 10%")
        list_of(driver).show(current=[fifth])
        list_of(driver).show(current=[tenth])
        await driver.pilot.pause()
        assert " 10%" in driver.row("a/b")
