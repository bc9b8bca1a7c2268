"""What is noted between two checkpoints, and what a killed process leaves thanks to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from content import CONTENT, SHA256
from plain_file import PlainFile
from test_transfer_resume import Running, until

from tui_hub.blobs import BlobStore
from tui_hub.blobs.sidecar import Note, Record, note_path, record_path
from tui_hub.transfer import Options, Request, Transfer

SIZE = len(CONTENT)


def total(ranges: tuple[tuple[int, int], ...]) -> int:
    return sum(end - start for start, end in ranges)


def test_what_arrived_is_noted_when_it_changed(server, destination, make):
    server.pace = 0.05
    running = Running(make(server.url("honest"), sha256=SHA256, connections=4))
    until(lambda: len(destination.notes) >= 3)
    for ranges, validator in destination.notes:
        assert validator == '"strong-1"'
        for start, end in ranges:
            assert os.pread(destination.fileno(), end - start, start) == CONTENT[start:end]
    running.stop()
    told = [total(ranges) for ranges, _ in destination.notes]
    assert told == sorted(set(told))


def test_a_server_that_stalls_gives_nothing_to_note(server, destination, make):
    running = Running(make(server.url("stall"), sha256=SHA256, stall=600.0))
    until(lambda: running.transfer.snapshot().transferred >= 80_000)
    until(lambda: destination.notes and total(destination.notes[-1][0]) >= 80_000)
    count = len(destination.notes)
    time.sleep(0.6)
    running.stop()
    assert len(destination.notes) == count


def test_without_a_hash_nothing_is_noted(server, destination, make):
    """Then nobody would find out that a disk which was pulled out had lost noted bytes."""
    server.pace = 0.06
    make(server.url("honest"), size=SIZE, connections=1).run()
    assert destination.checkpoints > 0 and destination.notes == []


class SlowDisk(PlainFile):
    """One whose first flush lasts until more is noted."""

    outlasted = False

    def checkpoint(self, ranges, validator) -> None:
        if not self.outlasted:
            until(lambda: self.notes and total(self.notes[-1][0]) > total(ranges))
            self.outlasted = True
        super().checkpoint(ranges, validator)


def test_a_slow_flush_holds_no_note_up(server, tmp_path, pauses):
    server.pace = 0.05
    disk = SlowDisk(tmp_path / "slow")
    request = Request(url=server.url("honest"), sha256=SHA256)
    Transfer(request, disk, Options(environment={}, connections=1), clock=pauses.clock).run()
    assert disk.outlasted


CHILD = """
import os, sys, threading
from pathlib import Path
from tui_hub.blobs import BlobStore
from tui_hub.transfer import Options, Request, Transfer

partial = BlobStore(Path(sys.argv[1])).open_partial("key", int(sys.argv[4]))
request = Request(url=sys.argv[2], size=int(sys.argv[4]), sha256=sys.argv[3])
options = Options(environment={}, connections=int(sys.argv[5]), piece_size=256 * 1024)
print(os.getpid(), flush=True)
Transfer(request, partial, options).run()
"""


def written(partial: Path) -> int:
    """The bytes of a file that is reserved, and so reads as zeros where nothing was written."""
    data, block = partial.read_bytes(), 4096
    return sum(
        len(data[at : at + block])
        for at in range(0, len(data), block)
        if data[at : at + block] == CONTENT[at : at + block]
    )


def ended(pid: int) -> bool:
    """Whether a process is gone; `init` may yet reap it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def noted(partial: Path) -> int:
    """The bytes that the note beside it tells of."""
    try:
        note = msgspec.json.decode(note_path(partial).read_bytes(), type=Note)
    except (FileNotFoundError, msgspec.DecodeError):
        return 0
    return total(note.ranges)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(("connections", "boot"), [(1, "this"), (4, "this"), (4, "another")])
def test_a_kill_during_a_slow_flush_costs_nothing_that_was_noted(
    server, tmp_path, connections, boot
):
    store = BlobStore(tmp_path / "store")
    store.prepare()
    server.pace = 0.05 if connections == 1 else 0.1
    child = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=fdatasync",
         "-e", "inject=fdatasync:delay_enter=600000000", sys.executable, "-c", CHILD,
         str(store.root), server.url("honest"), SHA256, str(SIZE), str(connections)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with child:
        assert child.stdout is not None
        pid = int(child.stdout.readline())
        (part,) = store.temp.glob("*.part")
        until(lambda: written(part) > SIZE // 2)
        server.pace = 600.0  # what is on its way arrives, and is noted; then nothing more comes
        until(lambda: noted(part) == written(part))
        os.kill(pid, signal.SIGKILL)
        child.kill()  # strace would sit its delay out
    until(lambda: ended(pid))
    here = written(part)
    record = msgspec.json.decode(record_path(part).read_bytes(), type=Record)
    assert record.ranges == (), "no flush has come to its end yet"
    if boot == "another":
        note = msgspec.json.decode(note_path(part).read_bytes(), type=Note)
        other = msgspec.structs.replace(note, boot="0" + note.boot)
        note_path(part).write_bytes(msgspec.json.encode(other))

    server.pace = 0
    partial = store.open_partial("key", SIZE)
    kept = total(partial.ranges)
    assert kept == (here if boot == "this" else 0)
    for start, end in partial.ranges:
        assert os.pread(partial.fileno(), end - start, start) == CONTENT[start:end]
    request = Request(url=server.url("honest"), size=SIZE, sha256=SHA256)
    result = Transfer(request, partial, Options(environment={})).run()
    assert (result.resumed_from, result.bytes_transferred) == (kept, SIZE - kept)
    assert store.commit(partial, result.sha256).read_bytes() == CONTENT
    assert list(store.temp.iterdir()) == []
