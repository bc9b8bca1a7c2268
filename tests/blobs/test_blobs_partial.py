"""Files on their way in: what is recorded of them, and who may go on with them."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import Popen
from threading import Barrier, Thread

import msgspec
import pytest

from tui_hub.blobs import BlobStore, Partial
from tui_hub.blobs.sidecar import OPEN, STALE, Record, record_path, sound
from tui_hub.processes import known_alive, this_process
from tui_hub.transfer.request import Destination

Python = Callable[..., "Popen[str]"]

HOLDER = """
import os, sys
from pathlib import Path
from tui_hub.blobs import BlobStore
store = BlobStore(Path(sys.argv[1]))
partial = store.open_partial("key", 1000)
partial.allocate(1000)
os.pwrite(partial.fileno(), b"x" * 400, 0)
partial.checkpoint(((0, 400),), '"tag"')
print("ready", flush=True)
sys.stdin.readline()
"""


def half_done(store: BlobStore) -> Partial:
    partial = store.open_partial("key", 1000)
    partial.allocate(1000)
    os.pwrite(partial.fileno(), b"x" * 400, 0)
    partial.checkpoint(((0, 400),), '"tag"')
    return partial


def rewrite(partial: Path, **changes: object) -> None:
    """Change what the record says, as another process would have written it."""
    path = record_path(partial)
    record = msgspec.json.decode(path.read_bytes(), type=Record)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(record, **changes)))


def test_a_partial_is_what_a_transfer_writes_to(store: BlobStore) -> None:
    destination: Destination = store.open_partial("key")
    assert (destination.size, destination.validator, destination.ranges) == (None, None, ())


def test_a_closed_partial_goes_on_where_it_stopped(store: BlobStore) -> None:
    first = half_done(store)
    assert store.resumable("key") == 0, "nobody can go on with it while it is open"
    first.close()
    first.close()
    assert store.resumable("key") == 400

    again = store.open_partial("key", 1000)
    assert again.ranges == ((0, 400),) and again.validator == '"tag"' and again.size == 1000
    assert os.pread(again.fileno(), 1000, 0) == b"x" * 400, "no disk is held for the rest"
    assert [info.path for info in store.partials()] == [again.path]
    assert not first.path.exists() and again.path != first.path


def test_an_open_partial_is_never_shared(store: BlobStore) -> None:
    first = half_done(store)
    second = store.open_partial("key", 1000)

    assert second.ranges == () and second.path != first.path


def test_threads_of_one_process_never_get_the_same_partial(store: BlobStore) -> None:
    for _ in range(4):
        half_done(store).close()
    barrier, found = Barrier(8), list[Partial]()

    def take() -> None:
        barrier.wait()
        found.append(store.open_partial("key", 1000))

    threads = [Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({os.fstat(partial.fileno()).st_ino for partial in found}) == 8


def test_a_dead_process_leaves_its_partial_to_the_next(store: BlobStore, python: Python) -> None:
    process = python(HOLDER, store.root)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    live = store.open_partial("key", 1000)
    assert live.ranges == (), "a live process keeps its own"
    live.discard()

    process.kill()
    process.wait()
    assert store.resumable("key") == 400
    heir = store.open_partial("key", 1000)
    assert heir.ranges == ((0, 400),)
    assert len(store.partials()) == 1 and len(list(store.temp.glob("*.json"))) == 1


def test_a_process_not_yet_waited_for_counts_as_dead(store: BlobStore, python: Python) -> None:
    process = python(HOLDER, store.root)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    os.kill(process.pid, 9)
    deadline = time.monotonic() + 10
    while store.resumable("key") == 0 and time.monotonic() < deadline:
        os.sched_yield()
    assert store.resumable("key") == 400


def test_a_pid_used_again_is_another_process(store: BlobStore) -> None:
    partial = half_done(store)
    me = this_process()
    assert known_alive(me) is True
    other = replace(me, pid=1, started=1e9)
    assert known_alive(other) is False
    rewrite(partial.path, owner=other)
    assert store.open_partial("key", 1000).ranges == ((0, 400),)


def test_a_reboot_ends_every_process(store: BlobStore) -> None:
    me = this_process()
    boot, _, place = me.boot.partition(" ")
    assert boot and place
    assert known_alive(replace(me, boot=f"00000000-0000 {place}")) is False
    assert known_alive(replace(me, boot=f"{boot} {place}9")) is None, "another container"
    assert known_alive(replace(me, boot="other other", host="other")) is None, "another machine"


def test_a_process_that_cannot_be_seen_keeps_its_file_and_gives_a_copy_when_stale(
    store: BlobStore,
) -> None:
    partial = half_done(store)
    rewrite(partial.path, owner=replace(this_process(), boot="elsewhere", host="node2"))
    fresh = store.open_partial("key", 1000)
    assert fresh.ranges == ()
    fresh.discard()

    past = time.time() - STALE - 10
    os.utime(record_path(partial.path), (past, past))
    copy = store.open_partial("key", 1000)
    assert copy.ranges == ((0, 400),) and copy.validator == '"tag"'
    assert os.pread(copy.fileno(), 400, 0) == b"x" * 400
    assert os.fstat(copy.fileno()).st_ino != os.fstat(partial.fileno()).st_ino
    assert partial.path.exists()


def test_giving_a_file_up_leaves_that_of_a_process_that_cannot_be_seen(store: BlobStore) -> None:
    """On a shared disk another machine may be at work on the same file."""
    partial = half_done(store)
    rewrite(partial.path, owner=replace(this_process(), boot="elsewhere", host="node2"))
    store.discard_partials(["key"])
    assert partial.path.exists()

    past = time.time() - STALE - 10
    os.utime(record_path(partial.path), (past, past))
    store.discard_partials(["key"])
    assert not partial.path.exists()


def test_a_blob_that_a_killed_process_left_without_a_record_loses_its_other_name(
    store: BlobStore,
) -> None:
    """Else deleting the blob would not give back its disk for a week."""
    data = b"brief"
    partial = store.open_partial("key", len(data), brief=True)
    os.pwrite(partial.fileno(), data, 0)
    store.publish(partial.path, hashlib.sha256(data).hexdigest(), partial.seal())
    store.sweep_temp()
    assert partial.path.exists(), "its process may be about to go on"

    past = time.time() - STALE - 10
    os.utime(partial.path, (past, past))
    store.sweep_temp()
    assert partial.path.exists(), "it is this one, and late"

    OPEN.discard(partial.path)
    store.sweep_temp()
    assert not partial.path.exists()
    assert [*store.iter()] == [hashlib.sha256(data).hexdigest()]


def test_what_holds_nothing_goes_soon_however_much_it_is_awaited(store: BlobStore) -> None:
    brief = store.open_partial("brief", 1000, brief=True)
    brief.allocate(1000)
    OPEN.discard(brief.path)
    half = half_done(store)
    half.close()
    past = time.time() - 3 * 3600
    for path in store.temp.iterdir():
        os.utime(path, (past, past))
    store.sweep_temp(awaited=("brief", "key"))
    assert not brief.path.exists()
    assert half.path.exists()


def test_another_size_is_another_version(store: BlobStore) -> None:
    half_done(store).close()

    assert store.open_partial("key", 1001).ranges == ()
    assert store.open_partial("other", 1000).ranges == ()
    assert store.open_partial("key").ranges == ((0, 400),)


def test_bytes_that_the_file_does_not_hold_are_not_believed(store: BlobStore) -> None:
    partial = half_done(store)
    os.ftruncate(partial.fileno(), 100)
    partial.close()

    assert store.open_partial("key", 1000).ranges == ((0, 100),)


def test_starting_afresh_forgets_before_it_empties(store: BlobStore) -> None:
    partial = half_done(store)
    partial.reset()

    assert (partial.ranges, partial.validator, partial.size) == ((), None, None)
    assert partial.path.stat().st_size == 0
    assert json.loads(record_path(partial.path).read_text())["ranges"] == []
    partial.allocate(50)
    assert partial.size == 50 and partial.path.stat().st_size == 50


def test_learning_the_size_keeps_the_bytes_but_a_changed_one_does_not(store: BlobStore) -> None:
    partial = store.open_partial("key")
    os.pwrite(partial.fileno(), b"x" * 10, 0)
    partial.checkpoint(((0, 10),), None)
    partial.allocate(100)
    assert partial.ranges == ((0, 10),)
    partial.allocate(99)
    assert partial.ranges == ()


def test_allocating_reserves_the_disk(store: BlobStore) -> None:
    partial = store.open_partial("key")
    partial.allocate(5 * 1024**2)
    assert partial.path.stat().st_blocks * 512 >= 5 * 1024**2


def test_a_failed_flush_is_never_trusted_again(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = half_done(store)

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        partial.checkpoint(((0, 900),), None)
    monkeypatch.undo()
    with pytest.raises(OSError, match="Input/output error"):
        partial.checkpoint(((0, 900),), None)
    assert partial.ranges == ((0, 400),)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"key": 1}', b"\xff" * 100, b"[" * 100000])
def test_a_broken_record_costs_the_progress_only(store: BlobStore, content: bytes) -> None:
    partial = half_done(store)
    record_path(partial.path).write_bytes(content)
    past = time.time() - STALE - 10
    os.utime(record_path(partial.path), (past, past))

    assert store.open_partial("key", 1000).ranges == ()


def test_records_of_strangers_are_made_sound() -> None:
    ranges = [(5, 3), (-7, 4), (2, 9), (9, 12), (20, 99), (50, 60)]
    assert sound(ranges, 30) == ((0, 12), (20, 30))


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "a/b", "", ".", "-rf", "\x1b[2J", "x" * 5000, "a.b", "\ud800", "*"]
)
def test_any_text_is_a_key(store: BlobStore, key: str) -> None:
    partial = store.open_partial(key, 10)
    assert partial.path.parent == store.temp and partial.path.is_file()
    partial.allocate(10)
    partial.checkpoint(((0, 10),), None)
    partial.close()
    assert store.resumable(key) == 10


def test_planted_links_and_pipes_are_not_followed(store: BlobStore, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    record = Record(key="key", size=8, ranges=((0, 8),))
    for name in ("key.a-1.aa.part", "key.b-1.bb.part", "key.c-1.cc.part", "key.d-1.dd.part"):
        (store.temp / name).with_suffix(".json").write_bytes(msgspec.json.encode(record))
    (store.temp / "key.a-1.aa.part").symlink_to(victim)
    (store.temp / "key.b-1.bb.part").hardlink_to(victim)
    os.mkfifo(store.temp / "key.c-1.cc.part")
    (store.temp / "key.d-1.dd.part").mkdir()
    other = tmp_path / "other"
    other.touch(mode=0o640)
    (store.temp / "key.lock").symlink_to(other)

    partial = store.open_partial("key", 8)
    partial.allocate(8)
    os.pwrite(partial.fileno(), b"attacker", 0)
    with store.lock("key"):
        pass
    store.sweep_temp(0)

    assert victim.read_bytes() == b"precious"
    assert stat.S_IMODE(victim.stat().st_mode) != 0o600
    assert stat.S_IMODE(other.stat().st_mode) == 0o640
    assert partial.ranges == ()


def test_a_record_that_is_a_link_is_not_read(store: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "record").write_bytes(msgspec.json.encode(Record(key="key", ranges=((0, 3),))))
    (store.temp / "key.a-1.aa.part").write_bytes(b"abc")
    (store.temp / "key.a-1.aa.json").symlink_to(tmp_path / "record")

    assert store.open_partial("key").ranges == ()


def age(path: Path, seconds: float) -> None:
    past = time.time() - seconds
    os.utime(path, (past, past), follow_symlinks=False)


def test_the_sweep_takes_what_is_old_and_leaves_what_lives(store: BlobStore) -> None:
    day = 86400.0
    live, left, recent = half_done(store), half_done(store), half_done(store)
    left.close()
    recent.close()
    (store.temp / "write.aa.tmp").write_bytes(b"x")
    (store.temp / "view.aa.tmp").mkdir()
    (store.temp / "new.tmp").write_bytes(b"x")
    for path in store.temp.iterdir():
        if path.name != "new.tmp" and not path.name.startswith(recent.path.stem):
            age(path, 8 * day)

    freed = store.sweep_temp(7 * day)

    assert freed >= 1000
    assert {path.name for path in store.temp.iterdir()} == {
        *(
            path.name
            for partial in (live, recent)
            for path in (partial.path, record_path(partial.path))
        ),
        "new.tmp",
    }
