"""Receipts, the metadata folders they lie in, and what they keep alive."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from subprocess import Popen

import pytest

from tui_hub.blobs import (
    BlobStore,
    Hold,
    KeptRevision,
    Receipt,
    ReceiptFile,
    collect,
    garbage,
    hold,
    metadata_folder,
    receipts,
    recover,
    trash,
    unreferenced,
)
from tui_hub.blobs.metadata import RESERVED, find_metadata, remove_metadata, write_metadata
from tui_hub.blobs.sidecar import STALE
from tui_hub.domain.errors import CorruptError, RefusedError, UnsafeError
from tui_hub.processes import this_process

Put = Callable[[bytes], str]
Python = Callable[..., "Popen[str]"]


def receipt_of(store: BlobStore, model: str, *hashes: str) -> Receipt:
    files = tuple(
        ReceiptFile(
            path=f"folder/{number}.bin",
            sha256=sha256,
            size=store.size(sha256) or 0,
            etag=f'"{number}"',
            verified="sha256",
        )
        for number, sha256 in enumerate(hashes)
    )
    return Receipt(
        model=model,
        source="hf",
        revision="a" * 40,
        type="llm",
        name="name",
        author="org",
        license="apache-2.0",
        installed_at="2026-01-31T02:00:00Z",
        files=files,
        path="models/llm/name",
        variants=("Q4_K_M", "Q8_0"),
    )


def test_a_receipt_comes_back_as_it_was_written(store: BlobStore, put: Put) -> None:
    receipt = receipt_of(store, "hf:org/name", put(b"1"), put(b"22"))
    receipts.write(store, receipt)

    assert (store.metadata / "org_name" / "receipt.json").is_file()
    assert receipts.read(store, "hf:org/name") == receipt
    assert list(receipts.iter(store)) == [receipt]
    assert receipts.references(store) == {file.sha256 for file in receipt.files}
    assert receipts.read(store, "hf:org/other") is None


def test_a_deleted_receipt_is_gone_and_the_metadata_files_stay(store: BlobStore, put: Put) -> None:
    receipts.write(store, receipt_of(store, "hf:org/name", put(b"1")))
    write_metadata(store, "hf:org/name", "README.md", b"hello")

    assert receipts.delete(store, "hf:org/name")
    assert not receipts.delete(store, "hf:org/name")
    assert list(receipts.iter(store)) == []
    found = find_metadata(store, "hf:org/name", "README.md")
    assert found is not None and found.read_bytes() == b"hello"


def test_a_receipt_counts_wherever_its_folder_lies(
    store: BlobStore, put: Put, tmp_path: Path
) -> None:
    blob = put(b"1")
    receipts.write(store, receipt_of(store, "hf:org/name", blob))
    folder = store.metadata / "org_name"
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    assert receipts.references(store) == {blob}
    assert [one.model for one in receipts.iter(store)] == ["hf:org/name"]


def test_a_receipt_that_nobody_can_look_at_stops_deletions_and_no_listing(
    store: BlobStore, put: Put
) -> None:
    receipts.write(store, receipt_of(store, "hf:org/name", put(b"1")))
    closed = store.metadata / "org_closed"
    closed.symlink_to("org_closed")  # as unreadable to root as a folder of mode 0 is to others
    with pytest.raises(RefusedError, match="org_closed"):
        receipts.references(store)
    assert [one.model for one in receipts.iter(store)] == ["hf:org/name"]
    assert receipts.damaged(store) == (closed / "receipt.json",)


def test_models_that_want_one_folder_get_two(store: BlobStore, put: Put) -> None:
    models = ["hf:a_b/c", "hf:a/b_c", "ollama:a_b/c", "hf:a_b/c:x", "hf:a_b/c_x"]
    folders = [metadata_folder(store, model) for model in models]
    assert len(set(folders)) == len(models)
    assert folders[0] == store.metadata / "a_b_c"
    assert [metadata_folder(store, model) for model in models] == folders
    for model in models:
        receipts.write(store, receipt_of(store, model, put(model.encode())))
    assert [receipts.read(store, model) for model in models] == [
        receipt_of(store, model, put(model.encode())) for model in models
    ]


@pytest.mark.parametrize(
    "model", ["", "..", "hf:../../x", "/etc", "hf:.", "a\0b", "\ud800", "x/" * 300]
)
def test_hostile_ids_stay_below_the_metadata_folder(store: BlobStore, model: str) -> None:
    folder = metadata_folder(store, model)
    assert folder.parent == store.metadata and folder.is_dir()
    assert not folder.name.startswith(".")


@pytest.mark.parametrize(
    "path", ["../x", "/etc/x", "receipt.json", ".model", "receipt.json/x", ".model/x"]
)
def test_hostile_metadata_paths_are_refused(store: BlobStore, put: Put, path: str) -> None:
    receipts.write(store, receipt_of(store, "hf:org/name", put(b"1")))
    with pytest.raises(UnsafeError):
        write_metadata(store, "hf:org/name", path, b"evil")
    assert receipts.read(store, "hf:org/name") is not None
    if not path.startswith(("..", "/")):
        assert find_metadata(store, "hf:org/name", path) is None


@pytest.mark.parametrize("change", [{"path": "../x"}, {"sha256": "../x"}, {"sha256": "A" * 64}])
def test_a_hostile_receipt_is_not_written(
    store: BlobStore, put: Put, change: dict[str, str]
) -> None:
    receipt = receipt_of(store, "hf:org/name", put(b"1"))
    hostile = replace(receipt, files=(replace(receipt.files[0], **change),))
    with pytest.raises(UnsafeError):
        receipts.write(store, hostile)
    assert list(receipts.iter(store)) == []


def test_a_receipt_for_a_blob_that_is_not_here_says_so(store: BlobStore, put: Put) -> None:
    blob = put(b"1")
    receipt = receipt_of(store, "hf:org/name", blob, put(b"2"))
    store.remove(blob)
    with pytest.raises(CorruptError, match=r"1 files of hf:org/name are not here, 'folder/0\.bin'"):
        receipts.write(store, receipt)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\0" * 99, b'{"model": "x"}', b"[" * 10**5, b'{"files": 1}']
)
def test_an_unreadable_receipt_stops_every_deletion(
    store: BlobStore, put: Put, content: bytes
) -> None:
    blob, orphan = put(b"1"), put(b"2")
    receipts.write(store, receipt_of(store, "hf:org/name", blob))
    path = metadata_folder(store, "hf:org/name") / "receipt.json"
    path.write_bytes(content)

    assert receipts.damaged(store) == (path,)
    assert list(receipts.iter(store)) == []
    with pytest.raises(CorruptError):
        receipts.read(store, "hf:org/name")
    for action in (lambda: collect(store, [orphan]), lambda: unreferenced(store)):
        with pytest.raises(RefusedError, match="what the store needs is unknown"):
            action()
    assert store.has(blob) and store.has(orphan)


def test_a_receipt_with_more_keys_is_understood(store: BlobStore, put: Put) -> None:
    blob = put(b"1")
    receipts.write(store, receipt_of(store, "hf:org/name", blob))
    path = metadata_folder(store, "hf:org/name") / "receipt.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 1, "more": {"a": 1}'))

    assert receipts.references(store) == {blob}


def test_nothing_is_lost_of_what_a_later_program_knows(store: BlobStore, put: Put) -> None:
    blob, other = put(b"1"), put(b"2")
    receipt = receipt_of(store, "hf:org/name", blob)
    receipts.write(store, receipt)
    path = metadata_folder(store, "hf:org/name") / "receipt.json"
    later = path.read_text().replace('"format": 1', f'"format": 2, "also": "{other}"')
    path.write_text(later)

    found = receipts.read(store, "hf:org/name")
    assert found is not None and found.files == receipt.files
    for work in (lambda: collect(store, [other]), lambda: receipts.write(store, receipt)):
        with pytest.raises(RefusedError, match="newer version"):
            work()
    assert path.read_text() == later and store.has(other)


def test_a_receipt_may_keep_files_that_no_view_shows(store: BlobStore, put: Put) -> None:
    receipt = replace(receipt_of(store, "hf:org/name", put(b"1")), path="", variants=())
    receipts.write(store, receipt)
    assert receipts.read(store, "hf:org/name") == receipt
    assert receipts.damaged(store) == ()


def test_a_receipt_of_an_earlier_program_has_no_variants(store: BlobStore, put: Put) -> None:
    receipt = receipt_of(store, "hf:org/name", put(b"1"))
    receipts.write(store, receipt)
    path = metadata_folder(store, "hf:org/name") / "receipt.json"
    document = json.loads(path.read_text())
    assert document.pop("variants") == ["Q4_K_M", "Q8_0"]
    document["variant"] = None
    path.write_text(json.dumps(document))

    assert receipts.read(store, "hf:org/name") == replace(receipt, variants=())


@pytest.mark.parametrize(
    ("field", "nonsense"),
    [
        ("model", ""),
        ("source", " "),
        ("revision", ""),
        ("type", ""),
        ("type", "a\x1b[2J"),
        ("type", None),
        ("name", "a\nb"),
        ("variants", [""]),
        ("variants", "Q4"),
        ("installed_at", "yesterday"),
        ("path", "/etc"),
        ("path", "../../etc"),
        ("path", "a/../../etc"),
        ("format", "one"),
        ("files", [{}]),
        ("files.path", "../x"),
        ("files.sha256", "A" * 64),
        ("files.size", -1),
        ("files.size", 2**63),
        ("files.size", "1"),
        ("files.verified", "surely"),
        ("files.etag", 1),
    ],
)
def test_nonsense_in_a_receipt_is_told_as_damage(
    store: BlobStore, put: Put, field: str, nonsense: object
) -> None:
    receipts.write(store, receipt_of(store, "hf:org/name", put(b"1")))
    path = metadata_folder(store, "hf:org/name") / "receipt.json"
    document = json.loads(path.read_text())
    _, in_a_file, name = field.rpartition("files.")
    (document["files"][0] if in_a_file else document)[name] = nonsense
    path.write_text(json.dumps(document))

    with pytest.raises(CorruptError, match="receipt"):
        receipts.read(store, "hf:org/name")
    assert receipts.damaged(store) == (path,) and list(receipts.iter(store)) == []


def test_metadata_goes_as_a_whole(store: BlobStore, put: Put) -> None:
    for model in ("hf:org/name", "hf:org/other"):
        receipts.write(store, receipt_of(store, model, put(b"1")))
        write_metadata(store, model, "README.md", b"hello")
        write_metadata(store, model, "unet/config.json", b"{}")

    assert remove_metadata(store, "hf:org/name")
    assert not remove_metadata(store, "hf:org/name")
    assert [path.name for path in store.metadata.iterdir()] == ["org_other"]
    assert not list(store.temp.glob("view*"))


def test_metadata_can_go_without_the_receipt(store: BlobStore, put: Put) -> None:
    receipt = receipt_of(store, "hf:org/name", put(b"1"))
    receipts.write(store, receipt)
    write_metadata(store, "hf:org/name", "README.md", b"hello")
    write_metadata(store, "hf:org/name", "unet/config.json", b"{}")

    assert remove_metadata(store, "hf:org/name", keep_receipt=True)
    assert {path.name for path in (store.metadata / "org_name").iterdir()} == RESERVED
    assert receipts.read(store, "hf:org/name") == receipt
    assert not list(store.temp.glob("view*"))

    receipts.delete(store, "hf:org/name")
    assert remove_metadata(store, "hf:org/name", keep_receipt=True)
    assert list(store.metadata.iterdir()) == []


def test_what_is_kept_beside_the_installed_revision_is_needed(store: BlobStore, put: Put) -> None:
    newest, older = put(b"1"), put(b"22")
    files = receipt_of(store, "hf:org/name", older).files
    receipt = replace(
        receipt_of(store, "hf:org/name", newest), kept=(KeptRevision("b" * 40, files),)
    )
    receipts.write(store, receipt)
    assert receipts.read(store, "hf:org/name") == receipt
    assert receipts.references(store) == {newest, older}
    assert collect(store, [newest, older]) == 0
    store.path(older).unlink()
    with pytest.raises(CorruptError, match="1 files"):
        receipts.write(store, receipt)
    for wrong in (
        KeptRevision("", files),
        KeptRevision("b", (replace(files[0], path="../up"),)),
        KeptRevision("b", (replace(files[0], sha256="x"),)),
    ):
        with pytest.raises(UnsafeError):
            receipts.write(store, replace(receipt, kept=(wrong,)))


def test_only_what_nothing_needs_is_collected(store: BlobStore, put: Put) -> None:
    kept, orphan, bystander = put(b"kept"), put(b"orphan"), put(b"bystander")
    receipts.write(store, receipt_of(store, "hf:org/name", kept))

    assert unreferenced(store) == {orphan, bystander}
    assert collect(store, [kept, orphan, "0" * 64]) == len(b"orphan")
    assert set(store.iter()) == {kept, bystander}
    assert not list(store.temp.glob("*.trash"))


def test_a_blob_that_two_models_share_goes_with_the_last(store: BlobStore, put: Put) -> None:
    blob = put(b"shared")
    for model in ("hf:org/one", "hf:org/two"):
        receipts.write(store, receipt_of(store, model, blob))

    receipts.delete(store, "hf:org/one")
    assert collect(store, [blob]) == 0 and store.verify(blob)
    receipts.delete(store, "hf:org/two")
    assert collect(store, [blob]) == len(b"shared") and not store.has(blob)


def test_a_receipt_published_in_the_very_moment_saves_its_blobs(
    store: BlobStore, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process writes its receipt between the first and the last look at the receipts."""
    blob, orphan = put(b"1"), put(b"2")
    other = BlobStore(store.root)
    receipt = receipt_of(store, "hf:org/name", blob)
    throw = garbage.throw

    def throw_then_publish(store: BlobStore, sha256: str) -> Path | None:
        aside = throw(store, sha256)
        if sha256 == blob:
            monkeypatch.setattr(other, "lock", lambda *_, **__: nullcontext(True))
            receipts.write(other, receipt)
        return aside

    monkeypatch.setattr(garbage, "throw", throw_then_publish)
    collect(store, [blob, orphan])

    assert store.verify(blob) and not store.has(orphan)
    assert not list(store.temp.glob("*.trash"))


def test_a_receipt_written_before_the_last_look_keeps_its_blobs(
    store: BlobStore, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with a process that looked at its blobs before they lost their names."""
    blob = put(b"1")
    receipt = receipt_of(store, "hf:org/name", blob)
    throw = garbage.throw

    def publish_then_throw(store: BlobStore, sha256: str) -> Path | None:
        unlocked = BlobStore(store.root)
        monkeypatch.setattr(unlocked, "lock", lambda *_, **__: nullcontext(True))
        receipts.write(unlocked, receipt)
        return throw(store, sha256)

    monkeypatch.setattr(garbage, "throw", publish_then_throw)
    assert collect(store, [blob]) == 0
    assert store.verify(blob)


def test_a_collection_that_died_is_undone(store: BlobStore, put: Put) -> None:
    needed, orphan = put(b"needed"), put(b"orphan")
    receipts.write(store, receipt_of(store, "hf:org/name", needed))
    for blob in (needed, orphan):
        aside = trash.throw(store, blob)
        assert aside is not None
        os.utime(aside, (0, 0))
    assert not store.has(needed)
    assert store.sweep_temp(0) == 0, "no sweep may decide what a receipt needs"

    recover(store)
    assert store.verify(needed) and store.verify(orphan)
    assert trash.throw(store, orphan) is not None
    assert collect(store, []) == len(b"orphan")
    assert set(store.iter()) == {needed}


def test_what_a_running_process_holds_stays(store: BlobStore, put: Put) -> None:
    first, second = put(b"1"), put(b"2")
    with hold(store, [first]) as held:
        assert collect(store, [first]) == 0
        held.add(second)
        assert unreferenced(store) == set()
        store.sweep_temp(0)
        assert collect(store, [first, second]) == 0
    assert collect(store, [first, second]) == 2


def test_a_hold_ends_with_its_process(store: BlobStore, put: Put, python: Python) -> None:
    blob = put(b"1")
    program = """
import sys
from pathlib import Path
from tui_hub.blobs import BlobStore, Hold
hold = Hold(BlobStore(Path(sys.argv[1])), [sys.argv[2]])
print("ready", flush=True)
sys.stdin.readline()
"""
    process = python(program, store.root, blob)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    assert collect(store, [blob]) == 0

    process.kill()
    process.wait()
    assert collect(store, [blob]) == 1


def test_a_promise_of_a_machine_that_is_not_seen_lasts_while_it_shows_that_it_lives(
    store: BlobStore, put: Put
) -> None:
    """A container that was killed would have its disk promised for a week otherwise."""
    blob = put(b"1")
    held = Hold(store, [blob], {"key": 1000})
    (path,) = store.temp.glob("*.hold")
    here = this_process()
    told = path.read_text()
    for mine, theirs in ((here.boot, "elsewhere"), (here.host, "node2")):
        told = told.replace(f'"{mine}"', f'"{theirs}"')
    path.write_text(told)
    assert store.promised() == {"key": 1000}

    past = time.time() - STALE - 10
    os.utime(path, (past, past))
    assert store.promised() == {}
    assert collect(store, [blob]) == 0, "what is here is not worth the risk"
    held.beat()
    assert store.promised() == {"key": 1000}
    held.release()
    held.beat()


def test_a_hold_grows_from_many_threads(store: BlobStore) -> None:
    hashes = [f"{number:064x}" for number in range(40)]
    held = Hold(store, ())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(held.add, hashes))
    assert receipts.references(store) == set(hashes)
    held.release()
    held.release()
    assert receipts.references(store) == set()


def test_strange_files_among_the_holds_are_passed_over(store: BlobStore, tmp_path: Path) -> None:
    (store.temp / "a.hold").write_bytes(b"{")
    (store.temp / "b.hold").mkdir()
    (store.temp / "c.hold").symlink_to(tmp_path / "nowhere")
    assert receipts.references(store) == set()
