"""The registry as one document: out of one home, into another, and past hostile ones."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import Inside, repositories, until
from small_models import tensors_file

import tui_hub
from tui_hub.demo import DemoHub, RepositoryFile

Document = dict[str, Any]

WEIGHTS = tensors_file(5)


def load(program: Inside) -> Document:
    return program.json("export").document


def take(program: Inside, document: object, tmp_path: Path, *options: str) -> Document:
    """Import a document that is to come in whole or in part, and give the report."""
    file = tmp_path / "document.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    ran = program.json("import", str(file), *options)
    assert ran.code in (0, 3), ran.out + ran.err
    assert (ran.code == 3) == bool(ran.document["skipped"])
    return ran.document


@pytest.fixture
def full(program: Inside, tmp_path: Path) -> Inside:
    """A home with something of everything."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    for arguments in (
        ("download", "acme/tiny-llm"),
        ("versions", "acme/tiny-llm", "--name", "good", "--variant", "safetensors"),
        ("activate", "acme/tiny-llm"),
        ("edit", "acme/tiny-llm", "--note", "two\nlines", "--favourite"),
        ("edit", "acme/painter", "--type", "video_gen"),
        ("register", "acme/twin-llm", "--vendor", "Acme", "--name", "Twin", "--auto-sync"),
        ("add", str(folder), "--name", "own", "--type", "tts", "--requires-memory", "1GiB"),
        ("feeds", "add", "hf:mine", "--filter", "gguf", "--schedule", "0 5 * * *"),
        ("feeds", "disable", "hf:litert"),
    ):
        ran = program.json(*arguments)
        assert ran.code == 0, ran.out + ran.err
    return program


def other(program: Inside, tmp_path: Path) -> Inside:
    """Another home, of the same hub."""
    return Inside(tmp_path / "other", program.environment)


def test_a_registry_comes_back_in_an_empty_home(full: Inside, tmp_path: Path) -> None:
    document = load(full)
    assert [model["id"] for model in document["models"]] == [
        "hf:acme/painter", "hf:acme/tiny-llm", "hf:acme/twin-llm", "local:own",
    ]  # fmt: skip
    second = other(full, tmp_path)
    first = take(second, document, tmp_path, "--yes")
    assert (first["created"], first["updated"], first["unchanged"]) == (9, 0, 0)
    assert first["pinned"] == ["hf:acme/tiny-llm"]
    assert load(second) == document
    again = take(second, document, tmp_path)
    assert (again["created"], again["unchanged"]) == (0, 9)
    assert load(second) == document


def test_what_comes_in_is_there(full: Inside, tmp_path: Path) -> None:
    second = other(full, tmp_path)
    take(second, load(full), tmp_path, "--yes")
    shown = second.json("show", "acme/tiny-llm", "--offline").document
    assert (shown["user_note"], shown["favourite"]) == ("two\nlines", True)
    assert shown["status"] == "not_installed"
    twin = second.json("show", "acme/twin-llm").document["registration"]
    assert (twin["vendor"], twin["name"], twin["auto_sync"]) == ("Acme", "Twin", True)
    assert second.json("show", "acme/painter").document["type"] == "video_gen"
    own = second.json("show", "local:own").document
    assert (own["type"], own["requirements"]) == ("tts", {"gpu_memory": 1024**3})
    feeds = {feed["feed"]: feed for feed in second.json("feeds").document["feeds"]}
    assert feeds["hf:mine"]["schedule"] == "0 5 * * *"
    assert feeds["hf:litert"]["enabled"] is False
    assert second.json("active").document["slots"] == []
    assert second.json("download", "local:own").document["status"] == "completed"


def test_what_was_installed_is_downloaded_as_it_was(tmp_path: Path) -> None:
    with DemoHub(repositories=repositories(), per_connection=0, total=0) as hub:
        program = Inside(tmp_path / "home", {"HF_ENDPOINT": hub.endpoint})
        done = program.json("download", "acme/tiny-llm").document
        assert program.json("activate", "acme/tiny-llm").code == 0
        document = load(program)
        installed = document["models"][0]["installed"]
        assert installed["slots"] == [{"type": "llm", "runtime": "link", "variant": "safetensors"}]
        before = repositories()[0]
        card = RepositoryFile("README.md", b"# Another")
        newest = hub.put(replace(before, files=(card, *before.files[1:])))
        second = other(program, tmp_path)
        take(second, document, tmp_path)
        plan = second.json("download", "acme/tiny-llm", "--dry-run").document
        assert (plan["revision"], len(plan["files"])) == (done["revision"], 3)
        assert "as it was imported" in json.dumps(plan)
        named = second.json("download", "acme/tiny-llm", "--revision", "main", "--dry-run")
        assert named.document["revision"] == newest
        again = second.json("download", "acme/tiny-llm").document
        assert (again["status"], again["revision"]) == ("completed", done["revision"])
        assert {file["path"]: file["blob"] for file in again["files"]} == {
            file["path"]: file["blob"] for file in done["files"]
        }
        assert second.json("download", "acme/tiny-llm", "--dry-run").document["revision"] == newest


def test_an_import_leaves_its_downloads_to_the_agent(full: Inside, tmp_path: Path) -> None:
    document = load(full)
    second = other(full, tmp_path)
    second.environment["PYTHONPATH"] = str(Path(tui_hub.__file__).parent.parent)
    ran = take(second, document, tmp_path, "--yes", "--download")
    (job,) = ran["jobs"]
    try:
        until(lambda: second.json("jobs", job).document["jobs"][0]["status"] == "completed")
    finally:
        second("agent", "--stop")
    assert (
        load(second)["models"][1]["installed"]["revision"]
        == (document["models"][1]["installed"]["revision"])
    )
    assert second.json("show", "acme/tiny-llm").document["status"] == "installed"
    assert take(second, document, tmp_path)["pinned"] == []


def test_a_pin_is_shown_and_taken_back(full: Inside, tmp_path: Path) -> None:
    document = load(full)
    second = other(full, tmp_path)
    take(second, document, tmp_path, "--yes")
    shown = second.json("show", "acme/tiny-llm", "--offline").document
    assert shown["pinned"] == document["models"][1]["installed"]["revision"]
    assert shown["pinned"] in second("show", "acme/tiny-llm", "--offline").out
    gone = second.json("delete", "acme/tiny-llm", "--yes")
    assert (gone.code, gone.document["files"]) == (0, 0)
    assert "installed" not in load(second)["models"][1]
    assert second.json("delete", "acme/tiny-llm", "--yes").error == "not_found"


def test_what_is_here_stays(full: Inside, tmp_path: Path) -> None:
    document = load(full)
    program = other(full, tmp_path)
    for arguments in (
        ("edit", "acme/tiny-llm", "--note", "mine"),
        ("register", "acme/twin-llm", "--vendor", "Other"),
        ("feeds", "add", "hf:mine", "--filter", "onnx"),
    ):
        assert program.json(*arguments).code == 0
    ran = take(program, document, tmp_path, "--yes")
    skipped = {one["part"]: one["reason"] for one in ran["entries"] if one["outcome"] == "skipped"}
    assert set(skipped) == {"note", "registration", "feed"}
    assert all("--replace" in reason for reason in skipped.values())
    assert program.json("show", "acme/tiny-llm").document["user_note"] == "mine"
    would = take(program, document, tmp_path, "--replace", "--dry-run")
    assert (would["updated"], would["created"], would["skipped"]) == (3, 0, 0)
    assert program.json("show", "acme/tiny-llm").document["user_note"] == "mine"
    did = take(program, document, tmp_path, "--replace")
    assert (did["updated"], did["created"], did["skipped"]) == (3, 0, 0)
    assert load(program) == document


def test_a_dry_run_changes_nothing(full: Inside, tmp_path: Path) -> None:
    second = other(full, tmp_path)
    would = take(second, load(full), tmp_path, "--dry-run", "--yes")
    assert would["created"] == 9
    assert load(second) == {"kind": "tui-hub registry", "format": 1, "models": [], "feeds": {}}


def test_places_of_files_need_a_yes(full: Inside, tmp_path: Path) -> None:
    document = load(full)
    document["models"].append(
        {
            "id": "url:far",
            "definition": {
                "type": "llm",
                "files": [{"path": "a.gguf", "place": "https://far.example/a.gguf"}],
            },
            "installed": {"revision": "a1", "type": "llm", "files": [{"path": "a.gguf"}]},
        }
    )
    second = other(full, tmp_path)
    ran = take(second, document, tmp_path)
    reasons = {one["subject"]: one["reason"] for one in ran["entries"] if one["reason"]}
    assert "this box" in reasons["local:own"]
    told = {one["part"]: one["reason"] for one in ran["entries"] if one["subject"] == "url:far"}
    assert "far.example" in told["definition"] and "did not come in" in told["installed"]
    assert ran["pinned"] == ["hf:acme/tiny-llm"], "nobody can download what has no address"
    refusing = {"TUI_HUB_TRUST__OTHERS": "refuse"}
    second.environment |= refusing
    assert "refuse" in json.dumps(take(second, document, tmp_path, "--yes")["entries"])
    second.environment.pop("TUI_HUB_TRUST__OTHERS")
    whole = take(second, document, tmp_path, "--yes")
    assert (whole["skipped"], whole["pinned"]) == (0, ["hf:acme/tiny-llm", "url:far"])
    assert load(second)["models"][-1]["id"] == "url:far"


def test_a_file_is_for_its_user_alone(full: Inside, tmp_path: Path) -> None:
    file = tmp_path / "backup.json"
    file.write_text("older")
    ran = full.json("export", str(file))
    assert (ran.document["models"], ran.document["feeds"]) == (4, 2)
    assert json.loads(file.read_text()) == load(full)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    told = full("export")
    assert json.loads(told.out) == load(full)
    assert full.environment["HF_TOKEN"] not in file.read_text()
    assert str(full.home) not in file.read_text()
    assert full.json("export", str(tmp_path / "no" / "such")).error == "refused"
    assert full.json("import", str(tmp_path / "absent.json")).error == "usage"


SHA = "a" * 64
DEFINITION = {"type": "llm", "files": [{"path": "a.bin", "place": "https://h.example/a.bin"}]}
INSTALLED = {"revision": "b" * 40, "type": "llm", "files": [{"path": "a.bin", "sha256": SHA}]}
BAD_PARTS: list[tuple[str, Document]] = [
    ("entry", {"id": "hf:../x"}),
    ("entry", {"id": "hf:a/b\x00"}),
    ("entry", {"id": "hf:\x1b[2J/x"}),
    ("entry", {"id": "\ud800"}),
    ("entry", {"id": 7}),
    ("entry", {"id": "hf:" + "x" * 300}),
    ("note", {"note": 7}),
    ("note", {"note": ["x"]}),
    ("favourite", {"favourite": "yes"}),
    ("type", {"type": "warship"}),
    ("registration", {"registration": {"auto_sync": 1}}),
    ("definition", {"definition": DEFINITION}),
    ("definition", {"id": "url:x", "definition": {**DEFINITION, "files": []}}),
    ("version", {"versions": {"a": 1}}),
    ("version", {"versions": [{"name": "../x", "revision": "b" * 40}]}),
    ("version", {"versions": [{"name": "main", "revision": "b" * 40}]}),
    ("version", {"versions": [{"name": "x", "revision": "../b"}]}),
    ("version", {"versions": [{"name": "x", "revision": "b", "variant": "\x1b[2J"}]}),
    ("installed", {"installed": {**INSTALLED, "revision": "a/../b"}}),
    ("installed", {"installed": {**INSTALLED, "installed_at": "yesterday"}}),
    ("installed", {"installed": {**INSTALLED, "variants": ["\ud800"]}}),
    *(
        ("installed", {"installed": {**INSTALLED, "files": [{"path": "a", "sha256": SHA, **bad}]}})
        for bad in (
            {"path": "../../etc/passwd"},
            {"path": "/etc/passwd"},
            {"path": "a\x00b"},
            {"path": "\ud800"},
            {"path": "x" * 5000},
            {"sha256": "A" * 64},
            {"sha256": "../" + "a" * 61},
            {"size": -1},
            {"size": 2**64},
            {"size": "1"},
            {"verified": "believed"},
            {"etag": "a\nb"},
        )
    ),
    *(
        ("definition", {"id": "url:x", "definition": {**DEFINITION, "files": [{**file, **bad}]}})
        for file in DEFINITION["files"]
        for bad in (
            {"place": "file:///etc/passwd"},
            {"place": "https://user:secret@h.example/a"},
            {"place": "https://h.example/a?token=secret"},
            {"path": "../a"},
            {"path": ".tui-hub-model"},
            {"md5": "x"},
        )
    ),
    (
        "definition",
        {"id": "local:x", "definition": {**DEFINITION, "files": [{"path": "a", "place": "../a"}]}},
    ),
]


def test_a_bad_part_is_left_out_and_the_rest_comes_in(alone: Inside, tmp_path: Path) -> None:
    good = {"id": "hf:good/model", "note": "kept", "favourite": True}
    models = [
        {"id": f"hf:some/model-{number}", **bad}
        if bad.get("id") not in ("url:x", "local:x")
        else {**bad, "id": f"{bad['id']}-{number}"}
        for number, (_, bad) in enumerate(BAD_PARTS)
    ]
    document = {"kind": "tui-hub registry", "format": 1, "models": [*models, good]}
    ran = take(alone, document, tmp_path, "--yes")
    skipped = [one for one in ran["entries"] if one["outcome"] == "skipped"]
    assert [one["part"] for one in skipped] == [part for part, _ in BAD_PARTS]
    for number, one in enumerate(skipped):
        assert one["place"].startswith(f"$.models[{number}]")
        assert one["reason"].isprintable()
    assert "secret" not in json.dumps(ran)
    assert ran["error"]["code"] == "failed"
    assert skipped[0]["reason"] in ran["error"]["message"]
    assert ran["created"] == 2
    assert load(alone)["models"] == [good]


TWICE = '{"kind": "tui-hub registry", "format": 1, "models": [%s, {"id": "hf:a/b", "note": "x"}]}'


def test_what_says_two_things_is_left_out(alone: Inside, tmp_path: Path) -> None:
    twice = (
        '{"id": "hf:c/d", "id": "hf:e/f"}',
        '{"id": "hf:g/h", "registration": {"vendor": "x", "vendor": "y"}}',
        '{"id": "hf:i/j", "versions": [{"name": "x", "name": "y", "revision": "b"}]}',
        '{"id": "hf:a/b", "favourite": true}',
        "7",
        "null",
    )
    ran = take(alone, TWICE % ", ".join(twice), tmp_path)
    assert (ran["created"], ran["skipped"]) == (1, len(twice))
    (model,) = load(alone)["models"]
    assert (model["id"], "note" in model) == ("hf:a/b", False)


HEAD = b'{"kind": "tui-hub registry", "format": 1'
NO_REGISTRIES = [
    (b"", "corrupt"),
    (b"[]", "corrupt"),
    (b"{}", "corrupt"),
    (b"\xff\xfe{}", "corrupt"),
    (b'{"kind": "tui-hub registry"}', "corrupt"),
    (b'{"kind": "tui-hub registry", "format": true}', "corrupt"),
    (b'{"kind": "tui-hub registry", "format": 2}', "refused"),
    (HEAD + b', "models": {}}', "corrupt"),
    (HEAD + b', "format": 1}', "corrupt"),
    (HEAD + b', "models": [NaN]}', "corrupt"),
    (HEAD + b', "models": [%s]}' % (b"9" * 5000), "corrupt"),
    (HEAD + b', "models": ' + b"[" * 200_000, "corrupt"),
    (HEAD + b', "models": [', "corrupt"),
]


def test_what_is_no_registry_is_refused(alone: Inside, tmp_path: Path) -> None:
    file = tmp_path / "document.json"
    for body, code in NO_REGISTRIES:
        file.write_bytes(body)
        assert alone.json("import", str(file)).error == code, body[:80]
    assert load(alone)["models"] == []


def test_a_file_of_a_gigabyte_is_refused_unread(alone: Inside, tmp_path: Path) -> None:
    file = tmp_path / "large.json"
    with file.open("wb") as sparse:
        sparse.truncate(1024**3)
    assert alone.json("import", str(file)).error == "refused"


BAD_FEEDS: dict[str, object] = {
    "hf:escape": {"source": "hf", "queries": [{"filter": ["\x1b[2J"]}]},
    "hf:limit": {"source": "hf", "limit": -1},
    "hf:when": {"source": "hf", "schedule": "whenever"},
    "hf:key": {"source": "hf", "surprise": 1},
    "hf:../x": {"source": "hf"},
    "what:x": {"source": "what"},
    "\ud800": {"source": "hf"},
    "hf:list": [],
}


def test_a_bad_feed_is_left_out(alone: Inside, tmp_path: Path) -> None:
    feeds = BAD_FEEDS | {"hf:good": {"source": "hf", "queries": [{"filter": ["gguf"]}]}}
    ran = take(alone, {"kind": "tui-hub registry", "format": 1, "feeds": feeds}, tmp_path)
    assert {one["part"] for one in ran["entries"]} == {"feed"}
    assert (ran["skipped"], ran["created"]) == (len(BAD_FEEDS), 1)
    assert load(alone)["feeds"] == {"hf:good": feeds["hf:good"]}


def test_files_that_are_others_by_now_are_refused(full: Inside, tmp_path: Path) -> None:
    document = load(full)
    (tiny,) = (one for one in document["models"] if one["id"] == "hf:acme/tiny-llm")
    for file in tiny["installed"]["files"]:
        if file["path"].endswith(".safetensors"):
            file["sha256"] = SHA
    second = other(full, tmp_path)
    take(second, document, tmp_path)
    refused = second.json("download", "acme/tiny-llm")
    assert (refused.code, refused.error) == (5, "refused")
    assert "model.safetensors" in refused.document["error"]["message"]
    revision = tiny["installed"]["revision"]
    taken = second.json("download", "acme/tiny-llm", "--revision", revision).document
    assert taken["status"] == "completed"
