"""`tui-hub completion`: what bash itself offers, and the scripts of the other shells."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Inside

ASK = """\
eval "$(tui-hub completion bash)"
_tui_hub_completion tui-hub
printf "%s\\n" "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program under its name."""
    folder = tmp_path_factory.mktemp("commands")
    wrapper = folder / "tui-hub"
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tui_hub "$@"\n')
    wrapper.chmod(0o755)
    return folder


def offered(program: Inside, commands: Path, line: str) -> list[str]:
    """What bash would offer at the end of a line."""
    environment = program.whole({"COMP_LINE": line, "COMP_POINT": str(len(line))})
    environment["PATH"] = f"{commands}:{environment['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", ASK], env=environment, capture_output=True, text=True, check=True
    )
    assert not ran.stderr
    return ran.stdout.split()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("tui-hub sw", ["switch"]),
        ("tui-hub serch li", []),
        ("tui-hub help de", ["deactivate", "delete"]),
        ("tui-hub config set downloads.f", ["downloads.files"]),
        ("tui-hub deactivate li", ["lip_sync"]),
        ("tui-hub activate ", ["acme/tiny-llm"]),
        ("tui-hub delete acme/tin", ["acme/tiny-llm"]),
        ("tui-hub delete hf:acme/t", ["acme/tiny-llm"]),
        ("tui-hub --offline sync hf:text-to-im", ["text-to-image"]),
        ("tui-hub download acme/nothing-like-it", []),
        ("tui-hub download 'acme/\x1b[2J", []),
    ],
)
def test_bash_goes_on(line: str, wanted: list[str], lived_in: Inside, commands: Path) -> None:
    assert offered(lived_in, commands, line) == wanted


def test_a_model_that_is_not_here_is_offered_where_it_makes_sense(
    lived_in: Inside, commands: Path
) -> None:
    shown = offered(lived_in, commands, "tui-hub show acme/")
    assert "acme/tiny-llm" in shown
    assert len(shown) > 1
    assert offered(lived_in, commands, "tui-hub activate acme/") == ["acme/tiny-llm"]


def test_a_home_without_a_catalogue_stays_without(alone: Inside, commands: Path) -> None:
    assert offered(alone, commands, "tui-hub show a") == []
    assert not alone.home.exists()


def test_broken_settings_offer_nothing_and_say_nothing(alone: Inside, commands: Path) -> None:
    alone.home.mkdir()
    (alone.home / "config.toml").write_text("downloads = [")
    assert offered(alone, commands, "tui-hub show a") == []


@pytest.mark.parametrize(("shell", "sign"), [("zsh", "#compdef tui-hub"), ("fish", "--command")])
def test_scripts_of_other_shells(shell: str, sign: str, alone: Inside) -> None:
    assert sign in alone("completion", shell).out
    assert alone("completion", SHELL=f"/usr/bin/{shell}").out == alone("completion", shell).out
    assert alone.json("completion", shell).document["shell"] == shell


def test_an_unknown_shell_is_wrong_usage(alone: Inside) -> None:
    assert alone("completion", SHELL="/bin/tcsh").code == 2
    assert alone.json("completion", "powershell").error == "usage"
