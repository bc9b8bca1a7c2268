"""The folders that loaders open."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from tui_hub.blobs import (
    BlobStore,
    clear_active,
    publish_model,
    read_active,
    remove_model,
    set_active,
)
from tui_hub.domain.errors import NotFoundError, UnsafeError

Put = Callable[[bytes], str]


def names(folder: Path) -> set[str]:
    """The files below a folder that a loader sees."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return {str(path) for path in found if not path.name.startswith(".")}


def test_a_view_holds_relative_links_to_the_blobs(store: BlobStore, put: Put) -> None:
    config, weights = put(b"{}"), put(b"weights")
    view = publish_model(
        store, "llm", "name", "org", "hf:org/name", {"a.json": config, "x/y/w.bin": weights}
    )

    assert view == store.models / "llm" / "name"
    assert (view / "a.json").read_bytes() == b"{}"
    assert (view / "x/y/w.bin").read_bytes() == b"weights"
    assert (view / "x/y/w.bin").readlink() == Path(f"../../../../../blobs/sha256/{weights}")

    moved = store.root.rename(store.root.with_name("moved"))
    assert (moved / "models/llm/name/x/y/w.bin").read_bytes() == b"weights"


def test_publishing_again_with_fewer_files_removes_the_others(store: BlobStore, put: Put) -> None:
    one, two = put(b"1"), put(b"2")
    publish_model(store, "llm", "name", "org", "hf:org/name", {"a": one, "b/c": two})
    view = publish_model(store, "llm", "name", "org", "hf:org/name", {"a": two})

    assert names(view) == {"a"}
    assert (view / "a").read_bytes() == b"2"
    assert list(store.temp.iterdir()) == []


def test_what_a_program_wrote_beside_a_model_stays(store: BlobStore, put: Put) -> None:
    """An engine that was built for this GPU, say, which took an hour."""
    one, two = put(b"1"), put(b"2")
    view = publish_model(store, "llm", "name", "org", "hf:org/name", {"a": one, "b/c": two})
    (view / "engines").mkdir()
    (view / "engines" / "gpu.plan").write_bytes(b"built")
    (view / "last").symlink_to("engines/gpu.plan")
    assert publish_model(store, "llm", "name", "org", "hf:org/name", {"a": two}) == view
    assert names(view) == {"a", "engines/gpu.plan", "last"}
    assert remove_model(store, "llm", "name", "org", "hf:org/name")
    assert names(view) == {"engines/gpu.plan", "last"}
    assert (view / "last").read_bytes() == b"built"
    assert publish_model(store, "llm", "name", "org", "hf:org/name", {"a": one}) == view
    assert names(view) == {"a", "engines/gpu.plan", "last"}
    assert list(store.temp.iterdir()) == []


def test_a_file_that_a_user_put_in_the_place_of_a_link_stays_beside_it(
    store: BlobStore, put: Put
) -> None:
    """As `sed -i` does, and editors that save by a new file."""
    one, two = put(b"1"), put(b"2")
    view = publish_model(store, "llm", "name", "org", "hf:org/name", {"a": one, "b/c": one})
    for path in ("a", "b/c"):
        (view / path).unlink()
        (view / path).write_bytes(b"edited")
    for _ in range(2):
        publish_model(store, "llm", "name", "org", "hf:org/name", {"a": two, "b/c": two})
        assert (view / "a").read_bytes() == (view / "b/c").read_bytes() == b"2"
        kept = [*view.glob("a.*.kept"), *view.glob("b/c.*.kept")]
        assert [file.read_bytes() for file in kept] == [b"edited", b"edited"]
    assert len(names(view)) == 4


def test_two_models_of_one_name_have_two_views(store: BlobStore, put: Put) -> None:
    blob = put(b"1")

    def publish(model: str, author: str | None) -> str:
        return publish_model(store, "llm", "name", author, model, {"a": blob}).name

    assert publish("hf:first/name", "first") == "name"
    assert publish("hf:second/name", "second") == "name--second"
    third = publish("curated:name", None)
    assert third.startswith("name--") and third != "name--second"
    assert publish("ollama:second/name", "second").startswith("name--")
    assert publish("hf:first/name", "first") == "name"
    assert len(list((store.models / "llm").iterdir())) == 4

    assert remove_model(store, "llm", "name", "first", "hf:first/name")
    assert publish("hf:second/name", "second") == "name--second", "a view keeps its place"
    assert not remove_model(store, "llm", "name", "first", "hf:first/name")
    assert len(list((store.models / "llm").iterdir())) == 3


def test_a_folder_of_the_users_own_is_left_alone(store: BlobStore, put: Put) -> None:
    mine = store.models / "llm" / "name"
    mine.mkdir(parents=True)
    (mine / "mine.txt").write_text("mine")

    view = publish_model(store, "llm", "name", "org", "hf:org/name", {"a": put(b"1")})

    assert view.name == "name--org" and (mine / "mine.txt").read_text() == "mine"
    assert remove_model(store, "llm", "name", "org", "hf:org/name")
    assert not remove_model(store, "llm", "name", "org", "hf:org/name")
    assert (mine / "mine.txt").exists()


def test_removing_a_view_leaves_the_blobs(store: BlobStore, put: Put) -> None:
    blob = put(b"1")
    view = publish_model(store, "llm", "name", "org", "hf:org/name", {"a": blob})
    assert remove_model(store, "llm", "name", "org", "hf:org/name")
    assert not view.exists() and store.verify(blob)
    assert list(store.temp.iterdir()) == []


def test_a_missing_blob_is_not_linked(store: BlobStore) -> None:
    with pytest.raises(NotFoundError, match="000 of 'hf:org/name' is not in the store"):
        publish_model(store, "llm", "name", "org", "hf:org/name", {"a": "0" * 64})
    assert list(store.models.rglob("name*")) == [] and list(store.temp.iterdir()) == []


@pytest.mark.parametrize(
    "path",
    [
        *(
            "../x",
            "a/../../x",
            "/etc/passwd",
            "C:\\x",
            "..\\x",
            "a//b",
            "",
            ".",
            "a/",
            "a\0b",
            "~/x",
        ),
        *("x" * 300, "a\nb", "a\u202eb", "\ud800", ".tui-hub-model", ".tui-hub-model/x"),
    ],
)
def test_hostile_paths_are_refused(store: BlobStore, put: Put, path: str) -> None:
    files = {"good": put(b"1"), path: put(b"2")}
    with pytest.raises(UnsafeError):
        publish_model(store, "llm", "name", "org", "hf:org/name", files)
    assert list(store.models.rglob("good")) == [] and list(store.temp.iterdir()) == []


@pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b"), ("a", "a/b/c")])
def test_a_path_is_not_both_file_and_folder(
    store: BlobStore, put: Put, paths: tuple[str, str]
) -> None:
    blob = put(b"1")
    with pytest.raises(UnsafeError, match="both a file and a folder"):
        publish_model(store, "llm", "name", "org", "hf:org/name", dict.fromkeys(paths, blob))
    assert store.verify(blob)


@pytest.mark.parametrize("kind", ["", "..", "a/b", "/etc", "LLM", "x" * 99, "a\n", ".hidden"])
def test_hostile_types_are_refused(store: BlobStore, put: Put, kind: str) -> None:
    with pytest.raises(UnsafeError):
        publish_model(store, kind, "name", "org", "hf:org/name", {"a": put(b"1")})
    for action in (read_active, clear_active):
        with pytest.raises(UnsafeError):
            action(store, kind)
    with pytest.raises(UnsafeError):
        set_active(store, kind, store.models)


@pytest.mark.parametrize(
    "name", ["..", ".", "", "../../x", "/etc", "a/b", "-rf", ".git", "a\nb", "\x1b]0;x", "é" * 300]
)
def test_hostile_names_stay_below_their_type(store: BlobStore, put: Put, name: str) -> None:
    blob = put(b"1")
    view = publish_model(store, "llm", name, "../..", "hf:org/name", {"a": blob})
    assert view.parent == store.models / "llm" and view.name[0] not in ".-"
    assert (view / "a").read_bytes() == b"1"
    other = publish_model(store, "llm", name, "../..", "hf:other/name", {"a": blob})
    assert other.parent == view.parent and other != view
    assert remove_model(store, "llm", name, "../..", "hf:org/name") and not view.exists()


def look(name: Path) -> list[str]:
    """What is wrong with the view that a name leads to, unless it was replaced just now."""
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = len(os.listdir(folder))  # noqa: PTH208 - of a descriptor
        stays = os.path.samestat(os.fstat(folder), name.stat())
    finally:
        os.close(folder)
    return [f"{name} has {found} files"] if stays and found != 11 else []


def test_a_reader_never_finds_a_view_or_a_slot_missing_or_half(store: BlobStore, put: Put) -> None:
    blobs = [put(f"version {number}".encode()) for number in range(2)]

    def publish(number: int) -> Path:
        files = {f"file{index}": blobs[number] for index in range(10)}
        return publish_model(store, "llm", "name", "org", "hf:org/name", files)

    view = publish(0)
    set_active(store, "llm", view)
    over, faults, reads = Event(), list[str](), 0

    def write() -> None:
        for number in range(120):
            set_active(store, "llm", publish(number % 2))
        over.set()

    writer = Thread(target=write)
    writer.start()
    while not over.is_set():
        reads += 1
        for name in (view, store.active / "llm"):
            try:
                faults += look(name)
            except OSError as error:
                faults.append(f"{name} is missing: {error}")
    writer.join()
    assert faults == [] and reads > 20


def test_a_slot_is_a_relative_link_that_changes_in_one_step(store: BlobStore, put: Put) -> None:
    view = publish_model(store, "tts", "name", "org", "hf:org/name", {"a": put(b"1")})
    assert read_active(store, "tts") is None

    link = set_active(store, "tts", view)

    assert link == store.active / "tts" and link.readlink() == Path("../models/tts/name")
    assert read_active(store, "tts") == view and (link / "a").read_bytes() == b"1"
    set_active(store, "tts", view.with_name("other"))
    assert read_active(store, "tts") == view.with_name("other")
    clear_active(store, "tts")
    clear_active(store, "tts")
    assert read_active(store, "tts") is None and view.exists()


def test_a_slot_may_point_out_of_the_store(store: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "own model").mkdir()
    set_active(store, "llm", tmp_path / "own model")
    assert read_active(store, "llm") == tmp_path / "own model"
