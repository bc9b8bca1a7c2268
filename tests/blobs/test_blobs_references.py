"""Blobs that stay where they lie: found while the file is what it was, missing once it is not."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_hub.blobs import BlobStore, Terms, Way, collect, publish_model, references
from tui_hub.blobs.examination import examine, renew
from tui_hub.domain.errors import NoSpaceError, RefusedError

CONTENT = b"weights" * 200_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OLD = time.time_ns() - 10**12
IN_PLACE = Terms(ways=(Way.REFERENCE,))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that was written a while ago."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(CONTENT)
    os.utime(path, ns=(OLD, OLD))
    return path


def records(store: BlobStore) -> list[Path]:
    return list(store.references.iterdir())


def test_a_file_stays_where_it_lies_and_is_a_blob_all_the_same(
    store: BlobStore, file: Path
) -> None:
    before = file.stat()
    taken = store.take_in(file, IN_PLACE)
    assert (taken.sha256, taken.way) == (DIGEST, Way.REFERENCE)
    assert store.size(DIGEST) == len(CONTENT) and store.verify(DIGEST)
    assert store.path(DIGEST).samefile(file) and list(store.iter()) == [DIGEST]
    view = publish_model(store, "llm", "name", None, "local:name", {"m.safetensors": DIGEST})
    assert (view / "m.safetensors").read_bytes() == CONTENT
    usage = store.usage()
    assert (usage.blobs, usage.bytes, usage.referenced_bytes) == (1, 0, len(CONTENT))
    after = file.stat()
    assert (after.st_mode, after.st_nlink, after.st_mtime_ns) == (
        before.st_mode, 1, before.st_mtime_ns,
    )  # fmt: skip
    assert list(store.temp.iterdir()) == []
    assert store.take_in(file, IN_PLACE).way is None
    assert len(records(store)) == 1


def changed(file: Path) -> None:
    file.write_bytes(b"weighty" * 200_000)


def grown(file: Path) -> None:
    with file.open("ab") as end:
        end.write(b"more")


def touched(file: Path) -> None:
    os.utime(file)


def gone(file: Path) -> None:
    file.unlink()


def replaced(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("happens", [changed, touched, gone, replaced])
def test_a_file_that_is_not_what_it_was_counts_as_missing(
    store: BlobStore, file: Path, happens: Callable[[Path], None], tmp_path: Path
) -> None:
    store.adopt(file, IN_PLACE)
    happens(file)
    assert store.size(DIGEST) is None and not store.has(DIGEST)
    good = tmp_path / "good"
    good.write_bytes(CONTENT)
    assert store.take_in(good).way is Way.COPY
    assert store.has(DIGEST, len(CONTENT)) and not store.path(DIGEST).is_symlink()
    assert records(store) == [] and not store.quarantined.exists()


@pytest.mark.parametrize(
    ("happens", "away"), [(changed, True), (grown, True), (replaced, True), (gone, False)]
)
def test_nobody_is_handed_another_file_once_that_was_seen(
    store: BlobStore, file: Path, happens: Callable[[Path], None], away: bool
) -> None:
    """One that is gone may come back with its disk."""
    store.adopt(file, IN_PLACE)
    assert not references.put_away(store, DIGEST), "it is what it was"
    view = publish_model(store, "llm", "name", None, "local:name", {"m.safetensors": DIGEST})
    happens(file)
    assert references.put_away(store, DIGEST) is away
    assert store.path(DIGEST).is_symlink() is not away
    assert not (view / "m.safetensors").exists()
    assert not references.put_away(store, DIGEST)
    if not away:
        file.write_bytes(CONTENT)
        os.utime(file, ns=(OLD, OLD))
        assert (view / "m.safetensors").read_bytes() == CONTENT


def test_a_file_that_was_only_touched_stays_and_counts_again_once_it_was_hashed(
    store: BlobStore, file: Path
) -> None:
    store.adopt(file, IN_PLACE)
    view = publish_model(store, "llm", "name", None, "local:name", {"m.safetensors": DIGEST})
    os.utime(file, ns=(OLD, OLD + 10**9))
    assert not references.put_away(store, DIGEST)
    assert (view / "m.safetensors").read_bytes() == CONTENT and not store.has(DIGEST)
    examined = examine(store, DIGEST)
    assert examined is not None and examined.touched and examined.reason is None
    assert renew(store, examined) and store.has(DIGEST, len(CONTENT))
    assert (view / "m.safetensors").read_bytes() == CONTENT
    assert len(records(store)) == 1 and list(store.temp.iterdir()) == []
    again = examine(store, DIGEST)
    assert again is not None and not again.touched


def test_what_was_brought_in_meanwhile_is_not_renewed(store: BlobStore, file: Path) -> None:
    store.adopt(file, IN_PLACE)
    os.utime(file, ns=(OLD, OLD + 10**9))
    examined = examine(store, DIGEST)
    assert examined is not None
    store.remove(DIGEST)
    store.take_in(file)
    assert not renew(store, examined) and not store.path(DIGEST).is_symlink()


def test_a_file_touched_a_moment_ago_is_not_renewed_yet(store: BlobStore, file: Path) -> None:
    store.adopt(file, IN_PLACE)
    later = time.time_ns() + 10**12
    os.utime(file, ns=(later, later))
    examined = examine(store, DIGEST)
    assert examined is not None and not renew(store, examined)
    assert store.path(DIGEST).is_symlink() and len(records(store)) == 1


def test_deleting_such_a_blob_leaves_the_file_alone(store: BlobStore, file: Path) -> None:
    store.adopt(file, IN_PLACE)
    assert collect(store, [DIGEST]) == 0
    assert not store.has(DIGEST) and records(store) == []
    store.adopt(file, IN_PLACE)
    assert store.remove(DIGEST) == 0
    assert not store.has(DIGEST) and records(store) == []
    assert file.read_bytes() == CONTENT


def test_a_store_that_moves_takes_its_references_with_it(store: BlobStore, file: Path) -> None:
    store.adopt(file, IN_PLACE)
    moved = BlobStore(store.root.rename(store.root.with_name("elsewhere")))
    assert moved.has(DIGEST, len(CONTENT))


def test_a_file_written_a_moment_ago_is_not_pointed_at(store: BlobStore, file: Path) -> None:
    os.utime(file)
    with pytest.raises(RefusedError, match="written a moment ago"):
        store.adopt(file, IN_PLACE)
    assert store.take_in(file, Terms(ways=(Way.REFERENCE, Way.COPY))).way is Way.COPY


def test_a_way_that_is_not_wanted_is_not_taken(store: BlobStore, file: Path) -> None:
    with pytest.raises(RefusedError, match="cannot be taken in by reflink"):
        store.adopt(file, Terms(ways=(Way.REFLINK,)))
    assert list(store.iter()) == [] and list(store.temp.iterdir()) == []


def test_nothing_is_copied_where_there_is_no_room(store: BlobStore, file: Path) -> None:
    asked: list[int] = []

    def refuse(size: int) -> None:
        asked.append(size)
        raise NoSpaceError("there is no room")

    with pytest.raises(NoSpaceError):
        store.adopt(file, Terms(room=refuse))
    assert asked == [len(CONTENT)] and list(store.iter()) == []
    store.adopt(file, IN_PLACE)
    assert store.take_in(file, Terms(room=refuse)).way is None


def test_records_that_nothing_goes_by_are_swept(store: BlobStore, file: Path) -> None:
    store.adopt(file, IN_PLACE)
    lost = store.references / f"{DIGEST}.1.2.{'0' * 12}"
    lost.symlink_to(file)
    foreign = store.references / "notes.txt"
    foreign.write_text("mine")
    store.sweep_temp()
    assert lost.is_symlink()
    os.utime(lost, ns=(OLD * 0, OLD * 0), follow_symlinks=False)
    store.sweep_temp()
    assert not lost.is_symlink() and foreign.exists() and store.has(DIGEST)


def test_a_link_that_somebody_put_there_is_no_blob(store: BlobStore, file: Path) -> None:
    store.path(DIGEST).symlink_to(file)
    assert not store.has(DIGEST)
    store.path(DIGEST).unlink()
    store.path(DIGEST).symlink_to(DIGEST)
    assert not store.has(DIGEST)
