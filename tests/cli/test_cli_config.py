"""`tui-hub config`: every setting with where it comes from, and changing them in the file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from command_line import Inside

from tui_hub.settings.keys import keys


def setting(program: Inside, key: str, *options: str, **environment: str) -> dict[str, Any]:
    """What `config get --json` says."""
    return program.json("config", "get", key, *options, **environment).document


def test_every_setting_is_listed_with_its_meaning(alone: Inside) -> None:
    listed = alone.json("config").document
    assert [one["key"] for one in listed["settings"]] == list(keys())
    assert all(one["about"] for one in listed["settings"])
    assert listed["file"] == str(alone.home / "config.toml")
    assert not alone.home.exists(), "looking makes nothing"


def test_a_setting_is_set_used_and_taken_back(alone: Inside) -> None:
    alone.home.mkdir()
    file = alone.home / "config.toml"
    file.write_text("# mine\n[screen]\nascii = true  # old terminal\n")
    before = setting(alone, "downloads.files")
    assert (before["value"], before["origin"]) == (4, "default")
    told = alone.json("config", "set", "downloads.files", "6").document
    assert (told["value"], told["origin"], told["changed"]) == (6, "file", True)
    assert tomllib.loads(file.read_text())["downloads"] == {"files": 6}
    assert "# mine\n[screen]\nascii = true  # old terminal\n" in file.read_text()
    assert alone("config", "get", "downloads.files").out == "6\n"
    assert alone.json("config", "unset", "downloads.files").document["changed"] is True
    assert tomllib.loads(file.read_text()) == {"screen": {"ascii": True}}
    assert alone.json("config", "unset", "downloads.files").document["changed"] is False


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("sync.enabled", "false", False),
        ("gpu.interval", "2.5", 2.5),
        ("trust.hosts", "a.example, *.b.example", ["a.example", "*.b.example"]),
        ("trust.hosts", '["a.example"]', ["a.example"]),
        ("trust.authors", "", []),
        ("runtime.device", "cuda:1", "cuda:1"),
        ("downloads.limit", "1.5M", 1572864),
        ("store.path", 'a "quoted" [name]', 'a "quoted" [name]'),
    ],
)
def test_values_of_every_kind(key: str, typed: str, value: object, alone: Inside) -> None:
    assert alone("config", "set", key, typed).code == 0
    assert setting(alone, key)["value"] == value
    section, name = key.split(".")
    assert tomllib.loads((alone.home / "config.toml").read_text())[section][name] == value


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("downloads.files", "nine"),
        ("downloads.files", "0"),
        ("runtime.use", "vllm"),
        ("runtime.device", "gpu"),
        ("runtime.dtype", "half"),
        ("sync.enabled", "perhaps"),
        ("trust.hosts", "[1"),
        ("sync.interval_min", "20000"),
    ],
)
def test_what_is_no_value_changes_nothing(key: str, typed: str, alone: Inside) -> None:
    ran = alone.json("config", "set", key, typed)
    assert (ran.code, ran.error) == (2, "usage")
    assert key.partition(".")[0] in ran.document["error"]["message"]
    assert not (alone.home / "config.toml").exists()


@pytest.mark.parametrize(
    ("key", "most"),
    [("downloads.connections", 16), ("downloads.files", 64), ("downloads.jobs", 16)],
)
def test_more_than_a_box_bears_is_refused_with_the_bound(
    key: str, most: int, alone: Inside
) -> None:
    ran = alone.json("config", "set", key, str(most + 1))
    assert (ran.code, ran.error) == (2, "usage")
    assert ran.document["error"]["message"].endswith(f"it is at most {most}")
    assert alone.json("config", "set", key, str(most)).code == 0


def test_a_metrics_file_that_no_collector_takes_is_refused(alone: Inside) -> None:
    ran = alone.json("config", "set", "metrics.file", "/tmp/m.txt")
    assert (ran.code, ran.error) == (2, "usage")
    assert "file does not end with .prom" in ran.document["error"]["message"]
    assert ran.document["error"]["hint"] == f"{alone.home / 'config.toml'} stays as it was."
    assert setting(alone, "metrics.file")["value"] == ""
    assert alone.json("config", "set", "metrics.file", "/tmp/m.prom").code == 0


def test_two_values_that_only_fit_together(alone: Inside) -> None:
    assert alone("config", "set", "sync.interval_max", "90000").code == 0
    assert alone("config", "set", "sync.interval_min", "80000").code == 0
    assert alone("config", "unset", "sync.interval_max").code == 2
    assert setting(alone, "sync.interval_max")["value"] == 90000


def test_the_environment_wins_and_says_so(alone: Inside) -> None:
    given = {"TUI_HUB_DOWNLOADS__FILES": "3"}
    assert setting(alone, "downloads.files", **given)["origin"] == "environment"
    told = alone("config", "set", "downloads.files", "9", **given)
    assert told.out.splitlines()[1] == "TUI_HUB_DOWNLOADS__FILES is set and wins: the value is 3."
    assert setting(alone, "downloads.files")["value"] == 9


@pytest.mark.parametrize(
    ("key", "variable", "value", "own"),
    [
        ("huggingface.endpoint", "HF_ENDPOINT", "https://mirror.test", "https://mine.test"),
        ("ollama.host", "OLLAMA_HOST", "box.test:11434", "mine.test"),
    ],
)
def test_variables_of_other_programs_are_named(
    alone: Inside, key: str, variable: str, value: str, own: str
) -> None:
    given = {variable: value}
    told = setting(alone, key, **given)
    assert (told["value"], told["origin"], told["variable"]) == (value, "environment", variable)
    row = next(line for line in alone("config", **given).out.splitlines() if key in line)
    assert variable in row
    alone("config", "set", key, own, **given)
    told = setting(alone, key, **given)
    assert (told["value"], told["origin"]) == (own, "file"), "what is set goes first"


def test_the_place_of_the_store_is_the_variables_first(alone: Inside, tmp_path: Path) -> None:
    alone("config", "set", "store.path", str(tmp_path / "mine"))
    told = setting(alone, "store.path", MODEL_STORE_PATH=str(tmp_path / "told"))
    assert (told["value"], told["variable"]) == (str(tmp_path / "told"), "MODEL_STORE_PATH")


def test_a_size_says_how_it_was_understood(alone: Inside) -> None:
    told = alone("config", "set", "downloads.limit", "10MB").out
    assert told.startswith("downloads.limit is 10000000 (9.5 MiB) in ")
    assert "10485760 (10.0 MiB)" in alone("config", "set", "downloads.limit", "10M").out
    assert "(" not in alone("config", "set", "downloads.files", "6").out


def test_where_offline_comes_from(alone: Inside) -> None:
    key = "network.offline"
    assert setting(alone, key)["origin"] == "default"
    assert setting(alone, key, "--offline")["origin"] == "option"
    assert setting(alone, key, HF_HUB_OFFLINE="1")["origin"] == "environment"
    alone("config", "set", key, "true")
    assert setting(alone, key, "--offline")["origin"] == "file"


def test_a_password_in_an_address_is_not_shown(alone: Inside) -> None:
    told = alone("config", "set", "huggingface.endpoint", "https://me:hunter22@hub.example/x")
    shown = alone("config").out + alone("config", "--json").out + told.out + told.err
    assert "hunter22" not in shown
    assert "hub.example" in shown


def test_unknown_keys_are_not_found(alone: Inside) -> None:
    ran = alone.json("config", "get", "downloads.fils")
    assert (ran.code, ran.error) == (4, "not_found")
    assert "downloads.files" in ran.document["error"]["hint"]
    assert alone.json("config", "set", "feeds.hf:litert", "x").code == 4
    assert alone.json("config", "set", "\x1b[2J", "x").code == 4


def test_a_broken_file_stays_as_it_is(alone: Inside) -> None:
    alone.home.mkdir()
    (alone.home / "config.toml").write_text("[downloads\nfiles = 4\n")
    assert alone.json("config", "set", "downloads.files", "5").error == "usage"
    assert (alone.home / "config.toml").read_text() == "[downloads\nfiles = 4\n"


def test_a_wrong_value_can_be_taken_out(alone: Inside) -> None:
    alone.home.mkdir()
    (alone.home / "config.toml").write_text("[downloads]\nfiles = 0\njobs = 3\n")
    assert alone("config").code == 2
    assert alone("config", "unset", "downloads.files").code == 0
    assert setting(alone, "downloads.jobs")["value"] == 3


@pytest.mark.parametrize(
    ("line", "key", "meant"),
    [
        ("[downloads]\nfils = 3\n", "downloads.fils", "downloads.files"),
        ("x = 1\n", "x", ""),
        ("screen = 1\n", "screen", ""),
        ("[donwloads]\nfiles = 3\n", "donwloads", "downloads"),
        ("[metrics]\nfile = 'm.prom'\n", "metrics.file", ""),
        ("[trust]\nhosts = [3]\n", "trust.hosts", ""),
    ],
)
def test_the_hint_for_a_wrong_file_helps(alone: Inside, line: str, key: str, meant: str) -> None:
    alone.home.mkdir()
    file = alone.home / "config.toml"
    file.write_text(f"{line}# mine\n[gpu]\ninterval = 2\n")
    hint = alone.json("config").document["error"]["hint"]
    assert f"`tui-hub config unset {key}` takes it out" in hint
    assert hint.startswith(f"Did you mean {meant}? " if meant else "`tui-hub")
    assert alone.json("config", "unset", key).document["changed"] is True
    assert file.read_text() == "# mine\n[gpu]\ninterval = 2\n"
    assert setting(alone, "gpu.interval")["value"] == 2
    assert alone.json("config", "unset", "gpu").error == "not_found", "a section is no stray key"


def test_one_of_two_unknown_keys_can_be_taken_out(alone: Inside) -> None:
    alone.home.mkdir()
    (alone.home / "config.toml").write_text("y = 1\n[downloads]\nfils = 3\n")
    for key in ("downloads.fils", "y"):
        assert alone.json("config", "unset", key).document["changed"] is True
    assert setting(alone, "downloads.files")["origin"] == "default"


def test_the_hint_for_a_variable_names_one(alone: Inside) -> None:
    ran = alone.json("config", TUI_HUB_DOWNLOADS__FILS="3")
    assert "Did you mean TUI_HUB_DOWNLOADS__FILES?" in ran.document["error"]["hint"]
    assert "unset" not in ran.document["error"]["hint"]


def test_a_theme_that_is_none_is_refused_with_the_list(program: Inside) -> None:
    ran = program.json("config", "set", "screen.theme", "nowhere")
    assert (ran.code, ran.error) == (2, "usage")
    assert "there is no theme 'nowhere'" in ran.err + ran.out
    assert "hub-light" in ran.document["error"]["hint"]
    assert program.json("config", "set", "screen.theme", "nord").document["value"] == "nord"
    assert program.json("config", "set", "screen.ascii", "true").document["value"] is True
