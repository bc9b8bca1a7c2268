"""`tui-hub feeds`: every action, its document, its words and what it leaves in the file."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from command_line import Inside


def listed(program: Inside, name: str) -> dict[str, Any]:
    """What `feeds --json` says of a feed."""
    found: list[dict[str, Any]] = program.json("feeds").document["feeds"]
    return next(feed for feed in found if feed["feed"] == name)


def test_a_name_that_may_be_either_is_no_feed_and_no_model(program: Inside) -> None:
    ran = program("sync", "hf:nope")
    assert ran.code == 4
    assert "no feed is called hf:nope, and there is no model nope" in ran.err
    assert "feeds` lists the feeds" in ran.err


def test_a_feed_is_added_synced_changed_and_removed(program: Inside) -> None:
    added = program.json(
        *("feeds", "add", "hf:mine", "--pipeline-tag", "text-generation", "--author", "acme"),
        *("--only-license", "apache-2.0", "--max-size", "1.5G", "--no-gated"),
        *("--schedule", "0 4 * * *", "--limit", "9"),
    )
    assert added.code == 0
    assert added.document == listed(program, "hf:mine")
    assert added.document["queries"][0]["pipeline_tag"] == "text-generation"
    assert added.document["rules"] == {
        "libraries": [], "tasks": [], "licenses": ["apache-2.0"], "authors": [],
        "min_downloads": 0, "max_size": 1610612736, "gated": False,
    }  # fmt: skip
    synced = program.json("sync", "hf:mine").document["feeds"][0]
    assert (synced["status"], synced["created"]) == ("completed", 1)
    changed = program.json("feeds", "edit", "hf:mine", "--limit", "0", "--author", "", "--no-rules")
    assert (changed.document["limit"], changed.document["queries"][0]["author"]) == (None, None)
    assert changed.document["schedule"] == "0 4 * * *"
    assert changed.document["rules"]["licenses"] == []
    removed = program.json("feeds", "remove", "hf:mine")
    assert (removed.code, removed.document) == (0, {"removed": ["hf:mine"]})
    assert "hf:mine" not in program("feeds").out
    assert program.json("search", "acme").document["total"] == 1, "its models stay"


def test_what_people_read(program: Inside) -> None:
    told = program(
        *("feeds", "add", "hf:two", "--query", 'tag:gguf author:acme; "two words"'),
        *("--only-task", "text-generation", "--only-task", "", "--min-downloads", "1000"),
    ).out.splitlines()
    assert told == [
        "hf:two is added",
        "asks for  tag gguf and by acme; or search two words",
        "takes     all of it",
        "only      task text-generation, 1 000 downloads or more",
        "schedule  random 3-4 h",
    ]
    assert program("feeds", "disable", "hf:two", "hf:litert").out == (
        "hf:two is off\nhf:litert is off\n"
    )
    rows = {line.split()[0]: line.split()[1] for line in program("feeds").out.splitlines()}
    assert (rows["hf:two"], rows["hf:litert"], rows["hf:text-generation"]) == (
        "off", "off", "never",
    )  # fmt: skip
    assert program("feeds", "enable", "hf:litert", "-q").out == "hf:litert\n"
    assert "its models stay" in program("feeds", "remove", "hf:two").out


def test_the_whole_hub_says_what_it_takes(program: Inside) -> None:
    on = program("feeds", "enable", "hf:all")
    assert (on.code, on.out) == (0, "hf:all is on\n")
    assert "2 500 000 models in 2 500 requests" in on.err and "25 min" in on.err
    again = program("feeds", "enable", "hf:all")
    assert (again.out, again.err) == ("hf:all is on\n", "")
    assert listed(program, "hf:all")["enabled"]
    assert not program.json("feeds", "disable", "hf:all").document["feeds"][0]["enabled"]


@pytest.mark.parametrize(
    "refused", [("add", "hf:x", "--schedule", "99 5 * * *"), ("add", "hf:litert")]
)
def test_what_is_refused_warns_of_nothing(program: Inside, refused: tuple[str, ...]) -> None:
    ran = program("feeds", *refused)
    assert ran.code != 0 and ran.err.startswith("error: ")


def test_a_trial_tells_what_is_left_out_and_writes_nothing(program: Inside) -> None:
    tried = program.json("feeds", "try", "--only-task", "text-generation", "--max-size", "1G")
    document = tried.document
    assert tried.code == 0 and document["feed"] is None and document["complete"]
    assert {model["task"] for model in document["models"]} == {"text-generation"}
    assert len(document["models"]) == document["taken"] > 0
    reasons = {one["model"]: one["reasons"] for one in document["left_out"]}
    assert "task text-to-image" in reasons["hf:acme/painter"]
    people = program("feeds", "try", "hf:text-generation", "--author", "acme").out.splitlines()
    assert people[0] == "2 found in all: 2 taken in"
    assert people[2].split() == ["TAKEN", "IN", "TASK", "LIBRARY", "LICENCE", "DOWNLOADS", "SIZE"]
    assert "hf:acme/tiny-llm" in [line.split()[0] for line in people[3:]]
    assert not (program.home / "config.toml").exists()
    assert program.json("search", "acme").document["total"] == 0
    assert listed(program, "hf:text-generation")["status"] == "never"


def test_a_trial_shows_hostile_names_inert(program: Inside) -> None:
    ran = program("feeds", "try", "--search", "e")
    assert ran.code == 0 and all(line.isprintable() for line in ran.out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "code", "error", "words"),
    [
        (("add", "mine"), 2, "usage", "cannot be the name of a feed"),
        (("add", "hf:litert"), 5, "refused", "there is a feed hf:litert already"),
        (("add", "hf:x", "--schedule", "0 26 * * *"), 2, "usage", "'26' is no hour"),
        (("add", "hf:x", "--max-size", "big"), 2, "usage", "'big' is no size"),
        (("add", "hf:x", "--query", "colour:red"), 2, "usage", "'colour' is no part of a query"),
        (("add", "hf:x", "--query", "a", "--author", "b"), 2, "usage", "in place of the other"),
        (("add", "hf:x", "--author", "a\x1b[2J"), 2, "usage", "cannot be asked for"),
        (("edit", "hf:litert"), 2, "usage", "Say what is to change"),
        (("edit", "hf:litert", "--author", "a"), 2, "usage", "has 4 queries"),
        (("edit", "hf:nosuch", "--limit", "3"), 4, "not_found", "there is no feed 'hf:nosuch'"),
        (("enable", "hf:nosuch"), 4, "not_found", "there is no feed"),
        (("remove", "hf:litert"), 5, "refused", "ships with the program"),
        (("try",), 2, "usage", "Name a feed"),
        (("try", "hf:nosuch"), 4, "not_found", "there is no feed"),
        (("try", "hf:litert", "--offline"), 6, "unreachable", "offline"),
        (("nosuch",), 2, "usage", "nosuch"),
    ],
)
def test_what_is_refused(
    program: Inside, arguments: tuple[str, ...], code: int, error: str, words: str
) -> None:
    ran = program.json("feeds", *arguments)
    assert (ran.code, ran.error) == (code, error)
    assert words in ran.document["error"]["message"]
    assert not (program.home / "config.toml").exists()


def test_a_broken_file_is_named_and_stays(program: Inside) -> None:
    program.home.mkdir()
    file = program.home / "config.toml"
    file.write_text("# mine\n[feeds\n")
    ran = program.json("feeds", "add", "hf:x")
    assert (ran.code, ran.error) == (2, "usage")
    assert "config.toml" in ran.document["error"]["message"]
    assert file.read_text() == "# mine\n[feeds\n"


def test_the_options_may_stand_before_the_action(program: Inside) -> None:
    assert program("feeds", "--json", "disable", "hf:litert").document["feeds"][0]["feed"]
    with (program.home / "config.toml").open("rb") as file:
        assert tomllib.load(file) == {"feeds": {"hf:litert": {"enabled": False}}}
