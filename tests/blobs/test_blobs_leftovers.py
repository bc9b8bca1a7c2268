"""What leads to nothing is found and taken away, unless it turns out to be needed after all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tui_hub.blobs import (
    BlobStore,
    Receipt,
    ReceiptFile,
    hold,
    publish_hf,
    publish_model,
    receipts,
)
from tui_hub.blobs.changing import announce, settle
from tui_hub.blobs.leftovers import Leftover, Surroundings, caches, views

Put = Callable[[bytes], str]


def receipt_of(store: BlobStore, model: str, view: Path, *blobs: str) -> Receipt:
    return Receipt(
        model=model,
        source=model.partition(":")[0],
        revision="a" * 40,
        type="llm",
        name="name",
        installed_at="2026-01-31T02:00:00Z",
        path=str(view.relative_to(store.root)),
        files=tuple(
            ReceiptFile(path=f"{number}.bin", sha256=blob, size=store.size(blob) or 0)
            for number, blob in enumerate(blobs)
        ),
    )


def names(found: list[Leftover]) -> list[str]:
    return [one.path.name for one in found]


def test_a_view_that_becomes_needed_after_the_first_look_is_put_back(
    store: BlobStore, put: Put
) -> None:
    blob = put(b"1")
    view = publish_model(store, "llm", "name", None, "hf:org/name", {"0.bin": blob})
    (left,) = views(store, Surroundings(store))
    receipts.write(store, receipt_of(store, "hf:org/name", view, blob))
    assert not left.remove()
    assert (view / "0.bin").read_bytes() == b"1"
    assert list(views(store, Surroundings(store))) == []


def test_what_somebody_put_into_a_view_outlives_it(store: BlobStore, put: Put) -> None:
    view = publish_model(store, "llm", "name", None, "hf:org/name", {"x/0.bin": put(b"1")})
    (view / "notes.txt").write_text("mine")
    (left,) = views(store, Surroundings(store))
    assert left.remove()
    assert (view / "notes.txt").read_text() == "mine"
    assert not (view / "x").exists()
    assert list(views(store, Surroundings(store))) == []


def test_a_view_made_anew_after_the_first_look_stays(store: BlobStore, put: Put) -> None:
    blob = put(b"1")
    view = publish_model(store, "llm", "name", None, "hf:org/name", {"0.bin": blob})
    (left,) = views(store, Surroundings(store))
    with hold(store, [blob]):
        publish_model(store, "llm", "name", None, "hf:org/name", {"0.bin": blob})
        assert not left.remove()
        assert (view / "0.bin").read_bytes() == b"1"
    assert left.remove() and not view.exists()


def test_views_under_change_are_left_alone(store: BlobStore, put: Put) -> None:
    blob = put(b"1")
    view = publish_model(store, "llm", "name", None, "hf:org/name", {"0.bin": blob})
    publish_hf(store, "org/name", "a" * 40, ("main",), [("0.bin", blob, None)])
    note = announce(store, "hf:org/name", ())
    seen = Surroundings(store)
    assert [*views(store, seen), *caches(store, seen)] == []
    settle(store, note)
    seen = Surroundings(store)
    assert names([*views(store, seen), *caches(store, seen)]) == ["name", "models--org--name"]
    assert view.is_dir()


def test_an_old_place_of_a_model_that_has_moved_is_a_leftover(store: BlobStore, put: Put) -> None:
    blob = put(b"1")
    publish_model(store, "llm", "name", None, "hf:org/name", {"0.bin": blob})
    new = publish_model(store, "tts", "name", None, "hf:org/name", {"0.bin": blob})
    receipts.write(store, receipt_of(store, "hf:org/name", new, blob))
    (left,) = views(store, Surroundings(store))
    assert left.path == store.models / "llm" / "name"
    assert left.remove() and new.is_dir()


def test_what_others_downloaded_into_the_cache_stays(store: BlobStore, put: Put) -> None:
    theirs = store.hf / "models--org--theirs"
    (theirs / "blobs").mkdir(parents=True)
    (theirs / "blobs" / "etag").write_bytes(b"theirs")
    (theirs / "snapshots" / "c").mkdir(parents=True)
    (theirs / "snapshots" / "c" / "f").symlink_to("../../blobs/etag")
    publish_hf(store, "org/ours", "a" * 40, ("main",), [("0.bin", put(b"1"), None)])
    (left,) = caches(store, Surroundings(store))
    assert left.path.name == "models--org--ours"
    assert left.remove()
    assert (theirs / "snapshots" / "c" / "f").read_bytes() == b"theirs"
