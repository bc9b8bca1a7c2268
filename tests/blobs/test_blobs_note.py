"""Notes: what is written between two flushes outlives the process, and nothing more than that."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tui_hub.blobs import BlobStore, Partial
from tui_hub.blobs.sidecar import STALE, Note, Record, note_path, record_path
from tui_hub.domain.errors import HubError
from tui_hub.processes import this_process

DURABLE = ((0, 400),)
NOTED = ((0, 400), (500, 700))


def record_of(partial: Path) -> Record:
    return msgspec.json.decode(record_path(partial).read_bytes(), type=Record)


def rewrite(partial: Path, **changes: object) -> None:
    """Change what the record says, as another process would have written it."""
    record = msgspec.structs.replace(record_of(partial), **changes)
    record_path(partial).write_bytes(msgspec.json.encode(record))


def forge(partial: Path, **changes: object) -> None:
    """Change what the note says."""
    note = msgspec.json.decode(note_path(partial).read_bytes(), type=Note)
    note_path(partial).write_bytes(msgspec.json.encode(msgspec.structs.replace(note, **changes)))


def die(partial: Partial) -> None:
    """Let the file look as if its process had been killed."""
    rewrite(partial.path, owner=replace(this_process(), pid=1, started=1e9))


@pytest.fixture
def partial(store: BlobStore) -> Partial:
    """One with more noted than durable."""
    partial = store.open_partial("key", 1000)
    partial.allocate(1000)
    os.pwrite(partial.fileno(), b"x" * 400, 0)
    partial.checkpoint(DURABLE, '"tag"')
    os.pwrite(partial.fileno(), b"y" * 200, 500)
    partial.note(NOTED, '"tag"')
    return partial


def test_what_was_noted_is_found_and_flushed_before_the_record_claims_it(
    store: BlobStore, partial: Partial, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(partial)
    (info,) = store.partials()
    assert (info.ranges, info.record.ranges, store.resumable("key")) == (NOTED, DURABLE, 600)
    claimed: list[object] = []
    flush = os.fdatasync

    def look(descriptor: int) -> None:
        (path,) = store.temp.glob("*.part")
        claimed.append(record_of(path).ranges)
        assert store.partials()[0].ranges == NOTED, "a kill now costs nothing"
        flush(descriptor)

    monkeypatch.setattr(os, "fdatasync", look)
    heir = store.open_partial("key", 1000)

    assert claimed == [DURABLE]
    assert heir.ranges == record_of(heir.path).ranges == NOTED and heir.validator == '"tag"'
    assert os.pread(heir.fileno(), 200, 500) == b"y" * 200
    assert not note_path(partial.path).exists()


def test_a_note_before_the_first_checkpoint_tells_the_validator(store: BlobStore) -> None:
    partial = store.open_partial("key", 1000)
    partial.allocate(1000)
    partial.note(((0, 10),), '"tag"')
    die(partial)
    heir = store.open_partial("key", 1000)

    assert (heir.ranges, heir.validator) == (((0, 10),), '"tag"')


def test_a_note_of_another_boot_counts_for_nothing(store: BlobStore, partial: Partial) -> None:
    die(partial)
    boot, _, place = this_process().boot.partition(" ")
    for other in ("", f"00000000-0000 {place}", f"{boot} {place}9", boot):
        forge(partial.path, boot=other)
        assert store.resumable("key") == 400

    heir = store.open_partial("key", 1000)
    assert heir.ranges == record_of(heir.path).ranges == DURABLE


def test_a_torn_note_counts_for_nothing(store: BlobStore, partial: Partial) -> None:
    die(partial)
    whole = note_path(partial.path).read_bytes()
    for end in range(len(whole)):
        for rest in (b"", bytes(len(whole) - end)):
            note_path(partial.path).write_bytes(whole[:end] + rest)
            assert store.resumable("key") == 400
    note_path(partial.path).write_bytes(whole)
    assert store.resumable("key") == 600


@pytest.mark.parametrize("content", [b"[]", b'{"boot": 1}', b"\xff" * 100, b"[" * 100000])
def test_a_broken_note_costs_its_progress_only(
    store: BlobStore, partial: Partial, content: bytes
) -> None:
    die(partial)
    note_path(partial.path).write_bytes(content)

    assert store.open_partial("key", 1000).ranges == DURABLE


def test_a_note_that_is_a_link_is_not_read(
    store: BlobStore, partial: Partial, tmp_path: Path
) -> None:
    die(partial)
    note_path(partial.path).rename(tmp_path / "note")
    note_path(partial.path).symlink_to(tmp_path / "note")

    assert store.open_partial("key", 1000).ranges == DURABLE


def test_bytes_that_the_file_does_not_hold_are_not_believed(
    store: BlobStore, partial: Partial
) -> None:
    die(partial)
    forge(partial.path, ranges=((-5, 3), (600, 9**15), (8, 2)))
    os.ftruncate(partial.fileno(), 650)

    assert store.open_partial("key", 1000).ranges == ((0, 400), (600, 650))


def test_a_note_of_other_bytes_than_the_record_counts_for_nothing(
    store: BlobStore, partial: Partial
) -> None:
    die(partial)
    forge(partial.path, validator='"other"')
    assert store.resumable("key") == 400
    forge(partial.path, validator=None)
    assert store.resumable("key") == 400


@pytest.mark.parametrize("validator", [None, '"tag"'])
@pytest.mark.parametrize("how", ["reset", "size"])
def test_a_note_from_before_a_reset_never_counts_again(
    store: BlobStore, partial: Partial, how: str, validator: str | None
) -> None:
    old = note_path(partial.path).read_bytes()
    if how == "reset":
        partial.reset()
    else:
        partial.allocate(999)
    assert not note_path(partial.path).exists()
    partial.allocate(1000)
    if validator is not None:
        partial.checkpoint(((0, 1),), validator)
    note_path(partial.path).write_bytes(old)
    die(partial)

    assert store.resumable("key") == (1 if validator else 0)


@pytest.mark.parametrize("how", ["reset", "size"])
def test_the_note_goes_before_the_record(
    store: BlobStore, partial: Partial, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        partial.reset() if how == "reset" else partial.allocate(999)

    assert not note_path(partial.path).exists()
    assert record_of(partial.path).ranges == partial.ranges == DURABLE


def test_a_failed_flush_ends_all_notes(
    store: BlobStore, partial: Partial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        partial.checkpoint(NOTED, '"tag"')
    partial.note(NOTED, '"tag"')

    assert not note_path(partial.path).exists()


def test_noted_bytes_that_cannot_be_flushed_are_told_and_then_not_believed(
    store: BlobStore, partial: Partial, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(partial)

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(HubError, match="failed: Input/output error"):
        store.open_partial("key", 1000)
    monkeypatch.undo()

    assert store.open_partial("key", 1000).ranges == DURABLE
    assert len(store.partials()) == 1


def test_a_copy_for_another_process_takes_the_noted_bytes_along(
    store: BlobStore, partial: Partial
) -> None:
    rewrite(partial.path, owner=replace(this_process(), boot="elsewhere", host="node2"))
    past = time.time() - STALE - 10
    os.utime(record_path(partial.path), (past, past))
    copy = store.open_partial("key", 1000)

    assert copy.ranges == record_of(copy.path).ranges == NOTED
    assert os.pread(copy.fileno(), 200, 500) == b"y" * 200
    assert note_path(partial.path).exists(), "its own file is left alone"


@pytest.mark.parametrize("end", ["discard", "close", "commit", "discard_partials", "sweep"])
def test_no_note_stays_behind(store: BlobStore, partial: Partial, end: str) -> None:
    assert note_path(partial.path).exists()
    if end == "discard":
        partial.discard()
    elif end == "close":
        partial.close()
    elif end == "commit":
        store.commit(partial, "0" * 64)
    else:
        die(partial)
        store.sweep_temp(-1) if end == "sweep" else store.discard_partials(["key"])
    if end in ("discard", "close", "commit"):
        partial.note(NOTED, '"tag"')

    left = {path.suffix for path in store.temp.iterdir()}
    assert left == ({".part", ".json"} if end == "close" else set())


def test_a_blob_whose_process_died_before_the_partial_went_loses_its_note_too(
    store: BlobStore, partial: Partial
) -> None:
    store.publish(partial.path, "0" * 64, partial.seal())
    die(partial)
    store.open_partial("key", 1000).discard()

    assert list(store.temp.iterdir()) == []


def test_the_sweep_keeps_the_notes_of_those_that_live(store: BlobStore, partial: Partial) -> None:
    past = time.time() - 30 * 86400.0
    for path in store.temp.iterdir():
        os.utime(path, (past, past))
    store.sweep_temp(0)

    assert {path.suffix for path in store.temp.iterdir()} == {".part", ".json", ".note"}
