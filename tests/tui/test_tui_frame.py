"""The frame on every screen: bars, keys, help, palette, and the program's manners at its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import offline_home
from screen_driver import NARROW, fill, made, screen
from textual.command import CommandPalette
from textual.content import Content
from textual.scrollbar import ScrollBar

from tui_hub.domain.downloads import Download
from tui_hub.domain.feeds import FeedState, FeedStatus
from tui_hub.domain.jobs import JobStatus
from tui_hub.domain.slots import Slot
from tui_hub.settings import Configuration
from tui_hub.tui.command import command_of
from tui_hub.tui.modes import MODES
from tui_hub.tui.screens.confirm import Confirm
from tui_hub.tui.screens.help import HelpScreen, KeyText
from tui_hub.tui.widgets.slot_table import SlotTable
from tui_hub.tui.widgets.top_bar import TopBar


@pytest.mark.parametrize("size", [NARROW, (120, 36), (200, 50)])
async def test_every_screen_keeps_the_frame_at_every_size(
    offline: Configuration, size: tuple[int, int]
) -> None:
    await fill(offline, [made(n) for n in range(50)])
    async with screen(offline, size) as driver:
        for number, mode in enumerate(MODES, 1):
            await driver.press(str(number))
            await driver.sees(f"{number} {mode.capitalize()}", "no GPU", "free", "? help", "q quit")
            await driver.until(lambda mode=mode: driver.app.current_mode == mode)
            assert {len(line) for line in driver.lines()} <= {size[0]}
            assert len(driver.lines()) == size[1]


@pytest.mark.parametrize("width", [60, 70, 80, 90, 100, 120, 160])
async def test_the_program_s_name_stays_whatever_badges_come(
    offline: Configuration, width: int
) -> None:
    await fill(offline, [made(0)])  # nothing is synced, which the bar would make room for
    async with screen(offline, (width, 24)) as driver:
        await driver.press("2")
        await driver.settled()
        bar = driver.app.screen.query_one(TopBar)
        live = [one for one in JobStatus if one is not JobStatus.COMPLETED]
        jobs = [
            Download(job=one.value, model="hf:a/b", revision=None, variant=None, status=one)
            for one in live
        ]
        for count in (11, 1, 0):
            driver.app.live_state.now = replace(
                driver.app.live, downloads=tuple(jobs * count), fresh=41 * count
            )
            line = bar.render_line(0).text
            assert line.startswith("tui-hub  1") and "2 Downloads" in line
            assert len(line) == bar.size.width
            assert not count or (f"⇣{2 * count}" in line and f"+{41 * count}" in line)
        await driver.pilot.click(TopBar, offset=(line.index("5") + 1, 0))
        await driver.until(lambda: driver.app.current_mode == "storage")


@pytest.mark.parametrize("demo", [False, True])
async def test_every_screen_has_a_name_that_can_be_read_beside_badges(
    offline: Configuration, demo: bool
) -> None:
    await fill(offline, [made(0)])
    async with screen(offline, NARROW) as driver:
        driver.app.demo = demo
        downloads = tuple(
            Download(job=one.value, model="hf:a/b", revision=None, variant=None, status=one)
            for one in (JobStatus.RUNNING, JobStatus.PAUSED)
        )
        for number, mode in enumerate(MODES, 1):
            await driver.press(str(number))
            await driver.until(lambda mode=mode: driver.app.current_mode == mode)
            driver.app.live_state.now = replace(driver.app.live, downloads=downloads, fresh=41)
            line = driver.app.screen.query_one(TopBar).render_line(0).text
            words = ("Browse", "Down", "Act", "Jobs", "Sto", "Sync", "Set")
            assert all(f"{key} {word}" in line for key, word in enumerate(words, 1)), line
            assert "⇣1" in line and "+41" in line, line


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
async def test_no_sign_of_the_sync_stands_without_a_word(
    offline: Configuration, width: int
) -> None:
    await fill(offline, [made(0)])
    async with screen(offline, (width, 24)) as driver:
        await driver.settled()
        bar = driver.app.screen.query_one(TopBar)
        for state, word in ((FeedState.RUNNING, "↻ syncing"), (FeedState.FAILED, " failed")):
            feeds = tuple(FeedStatus(feed=f"hf:{n}", state=state) for n in range(18))
            driver.app.live_state.now = replace(driver.app.live, feeds=feeds)
            line = bar.render_line(0).text
            assert ("↻" in line or "18" in line) == (word in line), line
            assert "7 Set" in line and not line.rstrip().endswith(" 0")


async def test_every_key_shown_has_an_action_and_an_explanation(offline: Configuration) -> None:
    await fill(offline, [made(0)])
    async with screen(offline) as driver:
        for number in range(1, 8):
            if number == 7:
                await driver.press("1", "enter")
            else:
                await driver.press(str(number))
            for active in driver.app.screen.active_bindings.values():
                command = command_of(active.binding)
                if command is None:
                    continue
                name = active.binding.action.partition("(")[0]
                owner = active.node
                assert hasattr(owner, f"action_{name}"), (owner, active.binding)
                assert command.explanation().endswith("."), command
                assert command.label, command


@pytest.mark.parametrize("size", [(60, 14), (80, 19), (80, 20), NARROW, (100, 24), (120, 31)])
async def test_the_end_of_the_help_can_be_reached(
    offline: Configuration, size: tuple[int, int]
) -> None:
    await fill(offline, [made(0)])
    async with screen(offline, size) as driver:
        await driver.press("question_mark")
        await driver.sees("Keys", "esc closes")
        await driver.press("end")
        *_, last = [line for line in driver.app.screen.query_one(KeyText)._lines if line]
        end = last[-1].text
        await driver.sees(end, "esc closes")
        box = driver.app.screen.query_one(".dialog")
        assert box.max_scroll_y == 0, "one thing scrolls, and that is the text"


async def test_help_tells_the_keys_of_the_screen_it_is_asked_on(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await driver.press("2", "question_mark")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        await driver.sees("Downloads", "Limit the speed of all downloads together.", "Everywhere")
        await driver.press("escape")
        await driver.press("6", "question_mark")
        await driver.sees("Bring every feed up to date now.")
        await driver.until(lambda: "Limit the speed" not in driver.text())


@pytest.mark.parametrize(("danger", "first"), [(False, "Go"), (True, "Stay")])
async def test_a_question_says_what_enter_answers(
    offline: Configuration, danger: bool, first: str
) -> None:
    async with screen(offline) as driver:
        question = Confirm("Go?", Content("far"), yes="Go", no="Stay", danger=danger)
        answers: list[bool | None] = []
        await driver.app.push_screen(question, answers.append)
        await driver.sees(f"enter: {first}")
        await driver.press("right")
        await driver.sees("enter: " + ("Go" if danger else "Stay"))
        await driver.press("left")
        await driver.sees(f"enter: {first}")
        await driver.press("enter")
        await driver.until(lambda: answers == [not danger])


async def test_the_palette_runs_any_action(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await driver.press("2", "ctrl+p")
        await driver.until(lambda: isinstance(driver.app.screen, CommandPalette))
        await driver.press(*"storage")
        await driver.sees("See what the store holds")
        await driver.press("down", "enter")
        await driver.until(lambda: driver.app.current_mode == "storage")


async def test_search_goes_to_the_catalogue_from_anywhere(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(3)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.press("enter", "4", "slash", *"0002")
        await driver.until(lambda: driver.app.current_mode == "browse")
        await driver.until(lambda: "model-0001" not in driver.text())
        await driver.press("escape", "1")
        await driver.until(lambda: driver.app.current_mode == "browse")


async def test_q_leaves_at_once_when_nothing_runs(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await driver.press("q")
        await driver.until(lambda: not driver.app.is_running)
        assert driver.app.return_value == 0


async def test_figures_rest_while_nothing_moves(offline: Configuration) -> None:
    await fill(offline, [made(0)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        assert driver.app.live.running == ()
        assert not driver.app.live_state.pulsing


async def test_plain_ascii(plain: Configuration) -> None:
    await fill(plain, [made(n) for n in range(60)])
    async with screen(plain) as driver:
        await driver.sees("model-0000", "no GPU")
        for number in range(1, 7):
            await driver.press(str(number))
            await driver.pilot.pause()
            assert driver.text().isascii(), [line for line in driver.lines() if not line.isascii()]


@pytest.mark.parametrize(("ascii_only", "partial"), [("true", False), ("false", True)])
async def test_scrollbars_have_parts_of_cells_where_the_terminal_has(
    tmp_path: Path, ascii_only: str, partial: bool
) -> None:
    async with screen(offline_home(tmp_path / "home", TUI_HUB_SCREEN__ASCII=ascii_only)):
        drawn = ScrollBar.renderer.render_bar(18, 61, 19, 7).segments
        assert any(not segment.text.isascii() for segment in drawn) is partial


async def test_without_colour_nothing_but_weight_tells_rows_apart(
    offline: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    await fill(offline, [made(n) for n in range(3)])
    async with screen(offline) as driver:
        await driver.sees("model-0000", "no GPU")
        styles = [
            segment.style
            for strip in driver.app.screen._compositor.render_strips()
            for segment in strip.apply_filter(
                driver.app._filters[-1], driver.app.screen.styles.background
            )
            if segment.style is not None
        ]
        assert all(style.color is None or style.color.is_default for style in styles)
        assert any(style.reverse for style in styles)


async def test_a_row_that_changes_while_its_list_is_resized_keeps_to_its_columns(
    offline: Configuration,
) -> None:
    async with screen(offline, (140, 38)) as driver:
        await driver.press("3")
        table = driver.app.screen.query_one(SlotTable)
        await driver.until(lambda: table.rows)
        first, second, *rest = table.rows
        slot = Slot(
            type=first.type, model="hf:acme/chat", revision="0" * 40, runtime="link", path="/chat"
        )
        first = replace(first, slot=slot)
        table.show([first, second, *rest])
        await driver.settled()
        panel = driver.app.screen.query_one("#list")
        panel.styles.width = 60
        table.show([first, replace(second, slot=slot), *rest])
        await driver.until(lambda: panel.outer_size.width == 60)
        await driver.settled()
        drawn = [line for line in driver.lines() if "acme/chat  " in line and "files" in line]
        assert [line.index("files") for line in drawn] == [drawn[0].index("files")] * 2, drawn
