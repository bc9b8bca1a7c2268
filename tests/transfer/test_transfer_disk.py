"""A transfer into the store on a disk that gets full: what arrived is kept, and room comes back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from content import CONTENT, SHA256
from hostile import Hostile
from test_transfer_resume import Running, until

from tui_hub.blobs import BlobStore, Partial
from tui_hub.domain.errors import NoSpaceError
from tui_hub.transfer import Options, Request, Transfer

SIZE = len(CONTENT)
MIB = 1024**2

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: mounting needs root"),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BlobStore]:
    """A store on a file system of five mebibytes."""
    point = tmp_path / "small"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(point)], check=True)
    store = BlobStore(point / "store")
    store.prepare()
    yield store
    subprocess.run(["umount", "-l", str(point)], check=True)


def fill(store: BlobStore, leave: int = 0) -> Path:
    """Take all room of the disk but so many bytes."""
    filler = store.root.parent / "filler"
    room = os.statvfs(store.root)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - leave)
    return filler


def free(store: BlobStore) -> int:
    room = os.statvfs(store.root)
    return room.f_bavail * room.f_frsize


def begin(server: Hostile, partial: Partial, behaviour: str = "honest", size: int | None = SIZE):
    options = Options(connections=2, piece_size=256 * 1024, stall=30, timeout=30, environment={})
    request = Request(url=server.url(behaviour), size=size, sha256=SHA256)
    return Transfer(request, partial, options)


def held(content: bytes, partial: Partial) -> int:
    """How much the record vouches for, after a look that it is right."""
    for start, end in partial.ranges:
        assert os.pread(partial.fileno(), end - start, start) == content[start:end]
    return sum(end - start for start, end in partial.ranges)


def test_a_disk_that_gets_full_on_the_way_costs_nothing_that_arrived(server, store):
    server.pace = 0.08
    partial = store.open_partial("key", SIZE)
    running = Running(begin(server, partial))
    until(lambda: running.transfer.snapshot().transferred > 300_000)
    filler = fill(store)
    running.thread.join(60)
    assert isinstance(running.error, NoSpaceError)
    arrived = running.transfer.snapshot().done
    assert arrived >= 300_000 and held(CONTENT, partial) == arrived
    (info,) = store.partials()
    assert (info.key, info.size, info.here, info.live) == ("key", SIZE, arrived, True)
    assert info.allocated < SIZE - MIB and free(store) > 0, "the room for the rest was given back"
    partial.close()

    assert store.resumable("key") == arrived
    filler.unlink()
    server.pace = 0
    again = store.open_partial("key", SIZE)
    result = begin(server, again).run()
    assert (result.resumed_from, result.bytes_transferred) == (arrived, SIZE - arrived)
    assert store.commit(again, result.sha256).read_bytes() == CONTENT


def test_a_full_disk_gives_up_a_few_bytes_for_the_record_of_all_others(server, store):
    """Without a size nothing is reserved that could be given back."""
    filler = fill(store, leave=2 * MIB)
    partial = store.open_partial("key")
    with pytest.raises(NoSpaceError):
        begin(server, partial, "chunked", size=None).run()
    assert MIB < held(CONTENT, partial) <= 2 * MIB
    partial.close()
    filler.unlink()


def test_no_room_to_begin_with_takes_no_room(server, store):
    filler = fill(store, leave=2 * MIB)
    before = free(store)
    partial = store.open_partial("key", SIZE)
    with pytest.raises(NoSpaceError):
        begin(server, partial).run()
    assert before - free(store) <= 64 * 1024
    assert [info.allocated for info in store.partials()] == [0]
    filler.unlink()
    result = begin(server, partial).run()
    assert store.commit(partial, result.sha256).read_bytes() == CONTENT


def test_two_that_share_the_last_room_both_keep_what_they_have(server, store):
    server.pace = 0.02
    partials = [store.open_partial(key) for key in ("one", "two")]
    runs = [Running(begin(server, partial, "chunked", size=None)) for partial in partials]
    for running in runs:
        running.thread.join(60)
    assert any(isinstance(running.error, NoSpaceError) for running in runs)
    for running, partial in zip(runs, partials, strict=True):
        if running.error is not None:
            assert held(CONTENT, partial) > MIB
