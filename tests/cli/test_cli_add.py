"""Adding models of one's own by address and by path, downloading them, and forgetting them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Inside
from file_server import FileServer
from small_models import WEIGHTS as LARGE
from small_models import tensors_file

from tui_hub.demo import DemoHub

WEIGHTS = tensors_file(7)
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
MD5 = hashlib.md5(WEIGHTS).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    running = FileServer()
    yield running
    running.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    (made / "model.safetensors").write_bytes(WEIGHTS)
    (made / "config.json").write_bytes(b"{}")
    return made


def test_a_model_by_address_from_adding_to_activating(alone: Inside, server: FileServer) -> None:
    address = server.put("/path/model.safetensors", WEIGHTS)
    added = alone.json(
        "add", address, "--name", "my-model", "--type", "llm", "--sha256", SHA256.upper(),
        "--requires-memory", "8GiB", "--requires-torch", "2.4", "--license", "mit", "--yes",
    )  # fmt: skip
    assert added.code == 0
    wanted = {
        "id": "url:my-model", "source": "url", "name": "my-model", "type": "llm",
        "license": "mit", "size": len(WEIGHTS), "status": "not_installed", "origin": "user",
    }  # fmt: skip
    assert added.document.items() >= wanted.items()
    assert alone.json("search", "my-model").document["models"] == [added.document]
    done = alone.json("download", "url:my-model")
    assert (done.code, done.document["status"]) == (0, "completed")
    (file,) = done.document["files"]
    assert (file["path"], file["sha256"], file["verified"]) == (
        "model.safetensors", SHA256, "sha256",
    )  # fmt: skip
    shown = alone.json("show", "url:my-model").document
    assert shown["status"] == "installed"
    assert shown["requirements"] == {"gpu_memory": 8 * 1024**3, "torch": "2.4"}
    assert shown["links"] == {"link 1": address}
    assert alone.json("activate", "url:my-model").code == 0
    path = Path(alone("active", "llm", "--path").out.strip())
    assert (path / "model.safetensors").read_bytes() == WEIGHTS


def test_what_is_no_checksum_is_told_before_any_question(alone: Inside) -> None:
    for given in ("zz", "model.gguf=zz"):
        ran = alone("add", "https://files.example/model.gguf", "--sha256", given)
        assert ran.code == 2
        assert "'zz' is no sha256 checksum" in ran.err and "needs a yes" not in ran.err


def test_several_addresses_make_one_model(alone: Inside, server: FileServer) -> None:
    first = server.put("/a/model.gguf", b"GGUF one")
    second = server.put("/b/model.gguf", b"GGUF second")
    third = server.put("/api/download/3", b"{}", headers={
        "Content-Disposition": 'attachment; filename="config.json"'
    })  # fmt: skip
    sums = [hashlib.md5(one).hexdigest() for one in (b"GGUF one", b"GGUF second", b"{}")]
    named = f"model-2.gguf={hashlib.sha256(b'GGUF second').hexdigest()}"
    added = alone.json(
        "add", first, second, third, "--name", "three", "--yes", "--sha256", named,
        *(word for one in sums for word in ("--md5", one)),
    )  # fmt: skip
    assert (added.code, added.document["type"], added.document["size"]) == (0, "utility", 21)
    done = alone.json("download", "url:three")
    checks = {file["path"]: file["verified"] for file in done.document["files"]}
    assert checks == {"config.json": "md5", "model.gguf": "md5", "model-2.gguf": "sha256"}


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_a_wrong_checksum_installs_nothing(
    alone: Inside, server: FileServer, folder: Path, kind: str
) -> None:
    wrong = "0" * (64 if kind == "sha256" else 32)
    address = server.put("/model.safetensors", WEIGHTS)
    assert alone.json("add", address, "--name", "m", f"--{kind}", wrong, "--yes").code == 0
    named = f"model.safetensors={wrong}"
    assert alone.json("add", str(folder), "--name", "m", f"--{kind}", named).code == 0
    for model in ("url:m", "local:m"):
        failed = alone.json("download", model)
        assert (failed.code, failed.error) == (3 if model == "local:m" else 1, "corrupt")
        followed = alone.json("jobs", "--follow", failed.document["job"])
        assert followed.code == failed.code, "whoever follows it learns as much"
        assert followed.document["error"] == failed.document["error"]
        message = failed.document["error"]["message"]
        assert message.startswith("model.safetensors: ")
        assert wrong in message and (SHA256 if kind == "sha256" else MD5) in message
        assert alone.json("show", model).document["status"] == "error"
    blobs = [path.name for path in (alone.home / "store" / "blobs" / "sha256").iterdir()]
    assert SHA256 not in blobs
    mended = alone.json(
        "add", address, "--name", "m", f"--{kind}", SHA256 if kind == "sha256" else MD5, "--yes"
    )
    assert mended.code == 0
    assert alone.json("download", "url:m").document["status"] == "completed"


def test_another_model_that_lost_the_same_file_is_no_hindrance(
    alone: Inside, server: FileServer
) -> None:
    first, second = (server.put(f"/{one}.safetensors", LARGE) for one in ("first", "second"))
    small = server.put("/small.safetensors", WEIGHTS)
    known = ("--sha256", hashlib.sha256(LARGE).hexdigest(), "--yes")
    assert alone.json("add", first, "--name", "a", *known).code == 0
    assert alone.json("add", small, "--name", "a", "--yes").code == 0
    assert alone.json("add", second, "--name", "b", *known).code == 0
    assert alone.json("download", "url:b").document["status"] == "completed"


def test_an_address_needs_a_yes(alone: Inside, server: FileServer) -> None:
    address = server.put("/model.safetensors", WEIGHTS)
    refused = alone.json("add", address, "--name", "m")
    assert (refused.code, refused.error) == (5, "refused")
    assert "Take files from 127.0.0.1?" in refused.document["error"]["message"]
    assert server.seen == []
    assert alone.json("show", "url:m").code == 4
    trusted = alone.json("add", address, "--name", "m", TUI_HUB_TRUST__HOSTS='["127.0.0.*"]')
    assert trusted.code == 0
    policy = {"TUI_HUB_TRUST__OTHERS": "refuse"}
    for command in (("add", address, "--yes"), ("download", "url:m")):
        refused = alone.json(*command, **policy)
        assert (refused.code, refused.error) == (5, "refused")
        assert "the settings refuse files of 127.0.0.1" in refused.document["error"]["message"]
    trusted = alone.json("download", "url:m", TUI_HUB_TRUST__HOSTS='["127.0.0.1"]', **policy)
    assert trusted.code == 0


def test_authors_on_the_hub_are_trusted_by_name(program: Inside) -> None:
    policy = {"TUI_HUB_TRUST__OTHERS": "refuse"}
    refused = program.json("download", "acme/tiny-llm", **policy)
    assert (refused.code, refused.error) == (5, "refused")
    assert "the settings refuse files of acme" in refused.document["error"]["message"]
    trusted = program.json("download", "acme/tiny-llm", TUI_HUB_TRUST__AUTHORS='["Acme"]', **policy)
    assert trusted.code == 0


def test_a_model_is_replaced_only_after_a_yes(alone: Inside, folder: Path) -> None:
    assert alone.json("add", str(folder), "--name", "m", "--license", "mit").code == 0
    assert alone.json("download", "local:m").code == 0
    (folder / "more.json").write_bytes(b"[]")
    refused = alone.json("add", str(folder), "--name", "m")
    assert (refused.code, refused.error) == (5, "refused")
    replaced = alone.json("add", str(folder), "--name", "m", "--type", "tts", "--yes")
    assert replaced.document["license"] is None
    assert (replaced.document["type"], replaced.document["status"]) == ("tts", "installed")
    models = alone.home / "store" / "models"
    assert (models / "tts" / "m").is_dir() and not (models / "utility" / "m").exists()
    done = alone.json("download", "local:m").document
    assert {file["path"] for file in done["files"]} == {
        "config.json", "model.safetensors", "more.json",
    }  # fmt: skip
    assert done["path"] == str(models / "tts" / "m")


def test_a_folder_is_taken_into_the_store(alone: Inside, folder: Path) -> None:
    added = alone.json("add", str(folder), "--type", "llm", "--md5", f"model.safetensors={MD5}")
    assert added.document["id"] == "local:mine"
    assert added.document["origin"] == "local"
    planned = alone.json("download", "local:mine", "--dry-run").document["plan"]
    assert planned["bytes_to_transfer"] == len(WEIGHTS) + 2
    done = alone.json("download", "local:mine")
    assert done.document["status"] == "completed"
    checks = {file["path"]: file["verified"] for file in done.document["files"]}
    assert checks == {"config.json": "size", "model.safetensors": "md5"}
    (job,) = alone.json("jobs").document["jobs"]
    assert job["progress"] == {"done": len(WEIGHTS) + 2, "total": len(WEIGHTS) + 2, "unit": "bytes"}
    (folder / "model.safetensors").unlink()
    taken = Path(done.document["path"]) / "model.safetensors"
    assert taken.read_bytes() == WEIGHTS
    assert alone.json("activate", "local:mine").code == 0


def test_one_file_and_what_is_known_of_it_before(alone: Inside, folder: Path) -> None:
    file = folder / "model.safetensors"
    assert alone.json("add", str(file), "--type", "llm").document["id"] == "local:model"
    need = alone.json("check", "local:model").document["need"]
    assert (need[0]["part"], need[0]["basis"]) == ("weights", "header")
    assert alone.json("download", "local:model").code == 0


def test_what_is_no_weights_file_is_taken_only_with_a_type(alone: Inside, folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    for place in (folder / "config.json", folder):
        refused = alone.json("add", str(place), "--name", "x")
        assert (refused.code, refused.error) == (2, "usage")
        assert "config.json is no weights file" in refused.document["error"]["message"]
        assert ".safetensors .gguf" in refused.document["error"]["hint"]
        assert alone.json("show", "local:x").code == 4
    told = alone.json("add", str(folder), "--name", "x", "--type", "utility")
    assert (told.code, told.document["type"]) == (0, "utility")


def test_a_read_only_file_is_not_made_the_blob_itself(alone: Inside, folder: Path) -> None:
    mine = folder / "model.safetensors"
    mine.chmod(0o444)
    assert alone.json("add", str(folder)).code == 0
    assert alone.json("download", "local:mine").code == 0
    assert mine.stat().st_nlink == 1
    mine.chmod(0o644)
    with mine.open("ab") as file:
        file.write(b"more")
    assert (alone.home / "store" / "blobs" / "sha256" / SHA256).read_bytes() == WEIGHTS
    assert alone.json("verify").code == 0


@pytest.mark.parametrize("content", [b"", b"abcde", WEIGHTS[:-1]], ids=["empty", "junk", "cut"])
def test_weights_that_are_not_whole_do_not_become_a_model(
    alone: Inside, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "broken.safetensors"
    file.write_bytes(content)
    assert alone.json("add", str(file)).code == 0
    failed = alone.json("download", "local:broken")
    assert (failed.code, failed.error) == (1, "corrupt")
    assert "is no whole weights file" in failed.document["error"]["message"]
    assert alone.json("activate", "local:broken").code != 0


def test_weights_whose_connection_broke_do_not_become_a_model(
    alone: Inside, server: FileServer
) -> None:
    """Where nobody told how long they are, that is what their end may be."""
    address = server.put("/w.safetensors", WEIGHTS[:-1], ranges=False, length=False)
    assert alone.json("add", address, "--name", "cut", "--type", "llm", "--yes").code == 0
    failed = alone.json("download", "url:cut")
    assert (failed.code, failed.error) == (1, "corrupt")
    assert "is no whole weights file" in failed.document["error"]["message"]
    server.put("/w.safetensors", WEIGHTS, ranges=False, length=False)
    (file,) = alone.json("download", "url:cut").document["files"]
    assert (file["sha256"], file["verified"]) == (SHA256, "none")


def test_a_folder_that_is_gone(alone: Inside, folder: Path) -> None:
    assert alone.json("add", str(folder)).code == 0
    folder.rename(folder.with_name("moved"))
    failed = alone.json("download", "local:mine")
    assert (failed.code, failed.error) == (4, "not_found")
    assert str(folder) in failed.document["error"]["message"]
    assert "Put it back" in failed.document["error"]["hint"]
    assert "are not where they were" in failed.err
    folder.with_name("moved").rename(folder)
    assert alone.json("download", "local:mine").code == 0
    (folder / "config.json").unlink()
    (folder / "model.safetensors").unlink()
    folder.rmdir()
    kept = alone.json("download", "local:mine")
    assert (kept.code, kept.document["bytes_transferred"]) == (0, 0)
    assert alone.json("show", "local:mine").document["status"] == "installed"


def test_a_definition_outlives_the_catalogue(
    program: Inside, server: FileServer, folder: Path
) -> None:
    address = server.put("/model.safetensors", WEIGHTS)
    assert program.json("add", address, "--name", "web", "--yes", "--type", "llm").code == 0
    assert program.json("add", str(folder), "--type", "llm").code == 0
    before = [program.json("show", model).document for model in ("url:web", "local:mine")]
    assert program.json("sync").code == 0
    for path in program.home.glob("catalogue.db*"):
        path.unlink()
    found = program.json("search", "--source", "url", "web").document["models"]
    assert [model["id"] for model in found] == ["url:web"]
    after = [program.json("show", model).document for model in ("url:web", "local:mine")]
    assert after == before
    assert program.json("download", "url:web").code == 0


def test_what_is_installed_brings_its_definition_back(alone: Inside, server: FileServer) -> None:
    address = server.put("/model.safetensors", WEIGHTS)
    assert alone.json("add", address, "--name", "m", "--type", "llm", "--yes").code == 0
    assert alone.json("download", "url:m").code == 0
    for path in alone.home.glob("*.db*"):
        path.unlink()
    assert alone.json("show", "url:m").document["status"] == "installed"
    again = alone.json("download", "url:m")
    assert (again.code, again.document["bytes_transferred"]) == (0, 0)
    assert alone.json("activate", "url:m").code == 0
    for blob in (alone.home / "store" / "blobs" / "sha256").iterdir():
        blob.unlink()
    gone = alone.json("download", "url:m")
    assert (gone.code, gone.document["bytes_transferred"]) == (0, len(WEIGHTS)), "from its receipt"


def test_a_changed_file_is_noticed(alone: Inside, server: FileServer) -> None:
    address = server.put("/model.safetensors", WEIGHTS)
    assert alone.json("add", address, "--name", "m", "--yes").code == 0
    first = alone.json("download", "url:m").document
    newer = tensors_file(8)
    server.put("/model.safetensors", newer, etag='"two"')
    second = alone.json("download", "url:m").document
    assert first["revision"] != second["revision"]
    (file,) = second["files"]
    assert file["sha256"] == hashlib.sha256(newer).hexdigest()
    server.close()
    alone.environment["TUI_HUB_NETWORK__TIMEOUT"] = "1"
    assert alone.json("show", "url:m").document["status"] == "installed"


def test_an_added_model_is_forgotten(alone: Inside, server: FileServer, folder: Path) -> None:
    address = server.put("/model.safetensors", WEIGHTS)
    assert alone.json("add", address, "--name", "m", "--yes").code == 0
    assert alone.json("download", "url:m").code == 0
    assert alone.json("edit", "url:m", "--note", "mine").code == 0
    assert alone.json("versions", "url:m", "--name", "good").code == 0
    preview = alone.json("delete", "url:m", "--forget", "--dry-run").document
    assert (preview["files"], preview["bytes_freed"]) == (1, len(WEIGHTS))
    gone = alone.json("delete", "url:m", "--forget", "--yes")
    assert (gone.code, gone.document["forgotten"]) == (0, True)
    assert gone.document["bytes_freed"] == len(WEIGHTS)
    assert alone.json("show", "url:m").code == 4
    assert alone.json("search", "").document["models"] == []
    assert list((alone.home / "store" / "blobs" / "sha256").iterdir()) == []
    assert alone.json("delete", "url:m", "--forget", "--yes").code == 4

    assert alone.json("add", str(folder)).code == 0
    assert alone.json("delete", "local:mine", "--yes").code == 4
    assert alone.json("delete", "local:mine", "--forget", "--yes").document["files"] == 0
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert alone.json("add", address, "--name", "m", "--yes").document["status"] == "not_installed"
    assert alone.json("show", "url:m").document["user_note"] is None
    (revision,) = alone.json("versions", "url:m").document["versions"]
    assert revision["names"] == []


def test_what_is_listed_by_a_sync_is_not_forgotten(lived_in: Inside) -> None:
    refused = lived_in.json("delete", "acme/tiny-llm", "--forget", "--yes")
    assert (refused.code, refused.error) == (4, "not_found")
    assert lived_in.json("show", "acme/tiny-llm").document["status"] == "installed"


def test_an_active_model_is_not_replaced_by_another_type(alone: Inside, folder: Path) -> None:
    assert alone.json("add", str(folder), "--type", "llm").code == 0
    assert alone.json("download", "local:mine").code == 0
    assert alone.json("activate", "local:mine").code == 0
    refused = alone.json("add", str(folder), "--type", "tts", "--yes")
    assert (refused.code, refused.error) == (5, "refused")
    assert alone.json("delete", "local:mine", "--forget", "--yes").code == 5
    assert alone.json("show", "local:mine").document["type"] == "llm"


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (["https://a.org/x?token=pa55", "--name", "m", "--yes"], 5, "carries a credential"),
        (["https://u:pa55@a.org/x", "--name", "m", "--yes"], 5, "user name or password"),
        (["https://a.org/x", "./mine"], 2, "one folder or file of this box, or of addresses"),
        (["./mine", "./other"], 2, "one folder or file of this box, or of addresses"),
        (["./no-such-folder"], 4, "No such file"),
        (["~nosuchuser/x"], 2, "is no path"),
        (["file:///tmp/a%00b"], 2, "is no path"),
        (["file://[x"], 2, "is no path"),
        (["org/name", "org/other"], 2, "one model is added at a time"),
        (["org/name", "--md5", MD5], 2, "has a source"),
        (["{folder}", "--name", "../up"], 2, "is not the id of a model"),
        (["{folder}", "--sha256", SHA256], 2, "1 sha256 checksums are given without a name"),
        (["{folder}", "--sha256", "none.bin=" + SHA256], 2, "there is no file 'none.bin'"),
        (["{folder}", "--sha256", "config.json=" + MD5], 2, "is no sha256 checksum"),
        (["{folder}", "--requires-memory", "much"], 2, "is no size"),
        (["{home}/store/blobs"], 5, "lies in the store already"),
    ],
)  # fmt: skip
def test_what_cannot_be_added(
    alone: Inside, folder: Path, given: list[str], code: int, words: str
) -> None:
    (alone.home / "store" / "blobs").mkdir(parents=True)
    places = {"folder": folder, "home": alone.home}
    filled = [word.format(**places) if word.startswith("{") else word for word in given]
    ran = alone.json("add", *filled)
    assert ran.code == code, ran.document
    assert words in ran.document["error"]["message"]
    assert "pa55" not in ran.out + ran.err
    assert alone.json("search", "").document["models"] == []
    for log in (alone.home / "logs").glob("*"):
        assert "pa55" not in log.read_text()


def test_no_credential_is_kept_or_shown(alone: Inside, server: FileServer) -> None:
    address = server.put("/model.safetensors", WEIGHTS)
    assert alone("add", f"{address}?part=1#pa55", "--name", "m", "--yes").code == 0
    assert alone("download", "url:m").code == 0
    assert {target for _, target, _ in server.seen} == {"/model.safetensors?part=1"}
    assert alone.json("show", "url:m").document["links"] == {"link 1": address}
    for path in alone.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert b"pa55" not in path.read_bytes(), path


def test_a_registered_address_is_synced(alone: Inside, server: FileServer) -> None:
    address = server.put("/config.json", b"{}")
    assert alone.json("add", address, "--name", "m", "--type", "utility", "--yes").code == 0
    registered = alone.json("register", "url:m", "--vendor", "me", "--auto-sync")
    assert registered.document["registration"]["status"] == "synced"
    server.put("/config.json", b"{ }", etag='"two"')
    report = alone.json("sync", "url:m").document
    assert [(feed["feed"], feed["updated"]) for feed in report["feeds"]] == [("url:m", 1)]
    assert alone.json("show", "url:m").document["size"] == 3


def test_a_page_of_the_hub_is_still_a_repository(program: Inside, hub: DemoHub) -> None:
    added = program.json("add", f"{hub.endpoint}/acme/tiny-llm", "--type", "utility")
    assert (added.document["id"], added.document["type"]) == ("hf:acme/tiny-llm", "utility")


def test_a_path_that_looks_like_an_id(
    program: Inside, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    missing = program.json("add", "mine/model.safetensors")
    assert (missing.code, missing.error) == (4, "not_found")
    assert "`tui-hub add ./mine/model.safetensors`" in missing.document["error"]["hint"]
    assert program.json("add", "./mine/model.safetensors").document["id"] == "local:model"


def test_other_commands_say_how_to_take_an_address(alone: Inside) -> None:
    ran = alone.json("download", "https://example.org/model.gguf")
    assert ran.code == 5
    assert "tui-hub add" in json.dumps(ran.document["error"]["hint"])


def test_a_file_that_cannot_be_read(alone: Inside, folder: Path) -> None:
    assert alone.json("add", str(folder)).code == 0
    stamp = (folder / "config.json").stat().st_mtime_ns
    (folder / "config.json").write_bytes(b"[]")
    os.utime(folder / "config.json", ns=(stamp, stamp + 5))
    done = alone.json("download", "local:mine")
    (config,) = [file for file in done.document["files"] if file["path"] == "config.json"]
    assert config["sha256"] == hashlib.sha256(b"[]").hexdigest()


def test_a_named_version_of_a_folder_comes_back(alone: Inside, folder: Path) -> None:
    assert alone("add", str(folder), "--name", "mine").code == 0
    first = alone.json("download", "local:mine").document["revision"]
    assert alone("versions", "local:mine", "--name", "first").code == 0
    (folder / "model.safetensors").write_bytes(tensors_file(8))
    (folder / "config.json").unlink()
    assert alone.json("download", "local:mine").document["revision"] != first
    assert alone.json("download", "local:mine@first", "--dry-run").document["status"] == "planned"
    back = alone.json("download", "local:mine@first")
    assert (back.code, back.document["revision"]) == (0, first)
    assert (Path(back.document["path"]) / "model.safetensors").read_bytes() == WEIGHTS
    assert alone("download", "local:mine").code == 0
    told = alone("versions", "local:mine", "--remove", "first").out
    assert "first is no version any more; " in told and " freed" in told
    gone = alone.json("download", "local:mine", "--revision", first)
    assert (gone.code, gone.error) == (4, "not_found")
