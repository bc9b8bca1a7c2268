"""Advice on the screen names keys, where the services name commands."""

from __future__ import annotations

import pytest

from tui_hub.tui.command import Command
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
