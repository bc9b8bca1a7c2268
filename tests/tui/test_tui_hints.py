"""Advice on the screen names keys, where the services name commands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from homes import Configure
from screen_driver import screen

from tui_hub.domain.downloads import Download
from tui_hub.domain.invocation import Invocation
from tui_hub.domain.jobs import JobStatus
from tui_hub.settings import Configuration
from tui_hub.tui.command import Command
from tui_hub.tui.widgets.download_list import DownloadList
from tui_hub.tui.words.hints import on_screen


def key_of(command: type[Command]) -> str:
    return command.sign or command.key.partition(",")[0]


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("`tui-hub jobs --retry 7f4e` takes it.", "r in Downloads takes it."),
        ("`tui-hub jobs --cancel 7f4e` stops it.", "x in Jobs stops it."),
        ("`tui-hub storage` lists what is.", "5 lists what is."),
        ("Name another: `tui-hub config set metrics.file FILE`.", "Name another: 7."),
        ("`tui-hub feeds edit hf:mine` changes it.", "e in Sync changes it."),
        ("`tui-hub download hf:a/b` brings it here.", "d in Browse brings it here."),
        ("`tui-hub activate MODEL --type llm` fills it.", "a in Browse fills it."),
        ("`tui-hub verify hf:a/b` checks its files.", "v in Storage checks its files."),
        (
            "`tui-hub download hf:a/b --revision main` takes it.",
            "`tui-hub download hf:a/b --revision main` takes it.",
        ),
        ("Wait, or see `tui-hub doctor`.", "Wait, or see `tui-hub doctor`."),
    ],
)
def test_a_command_becomes_its_key(hint: str, shown: str) -> None:
    assert on_screen(hint, key_of) == shown


def test_a_key_of_the_screen_in_front_needs_no_place() -> None:
    hint = "`tui-hub jobs --retry 7f4e` takes what main is now."
    assert on_screen(hint, key_of, here="Downloads") == "r takes what main is now."


HERE = Invocation("tui-hub --home /h")


async def test_a_command_for_the_shell_is_for_the_same_home(offline: Configuration) -> None:
    failed = Download(
        job="1",
        model="hf:a/b",
        revision=None,
        variant=None,
        status=JobStatus.FAILED,
        error="it is gone",
        hint="See `tui-hub doctor`; `tui-hub jobs --retry 1` tries again.",
    )
    async with screen(replace(offline, invocation=HERE)) as driver:
        await driver.settled()
        await driver.press("2")
        driver.app.screen.query_one(DownloadList).show(current=[failed])
        await driver.sees("it is gone", "See `tui-hub --home /h doctor`; r tries again.")


async def test_so_is_one_that_helps_to_reach_a_source(configure: Configure) -> None:
    nobody = configure(HF_ENDPOINT="http://127.0.0.1:1")
    async with screen(replace(nobody, invocation=HERE)) as driver:
        await driver.sees("Welcome", "`tui-hub --home /h doctor`")
        await driver.until(
            lambda: any("`tui-hub --home /h doctor`" in note for note in driver.notes())
        )
        await driver.press("6")
        await driver.sees("cannot be reached", "`tui-hub --home /h doctor`")
