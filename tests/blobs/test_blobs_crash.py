"""A process that dies at any moment leaves a sound store, and the next one finishes the work.

Each system call of a whole installation is a crash point: `strace` kills the process with SIGKILL
as it enters the call. What a power cut would leave cannot be seen this way; for that, the order of
the flushes is read from the trace.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import crash_points
import crash_writer
import pytest
from crash_points import Call, unsound

from tui_hub.blobs import BlobStore

WRITER = Path(crash_writer.__file__)

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
pytestmark = needs_strace


def traced(root: Path, *options: str, mode: str = "fsync") -> subprocess.CompletedProcess[str]:
    return crash_points.traced(WRITER, root, mode, options=options)


def trace(root: Path, log: Path, mode: str = "fsync") -> list[Call]:
    return crash_points.trace(WRITER, root, log, mode, "installed")


def crash(template: Path, root: Path, call: Call) -> list[str]:
    """Die at one call, look at what is left, finish the work, and look again."""
    shutil.copytree(template, root, symlinks=True)
    inject = f"inject={call.name}:signal=SIGKILL:when={call.number}"
    died = traced(root, "-e", inject, "-o", os.devnull)
    if died.returncode != -signal.SIGKILL:
        return [f"did not die but ended with {died.returncode}: {died.stderr}"]
    wrong = unsound(root)
    try:
        crash_writer.install(root)
    except Exception as error:
        return [*wrong, f"could not go on: {error!r}"]
    wrong += unsound(root)
    store = BlobStore(root)
    if sum(1 for _ in store.iter()) != len(crash_writer.CONTENT | crash_writer.SMALL):
        wrong.append("a blob is missing, or one that nobody wants is left")
    shutil.rmtree(root)
    return wrong


@pytest.mark.timeout(300)
def test_a_kill_at_every_system_call_leaves_a_sound_store(place: Path) -> None:
    template = place / "template"
    BlobStore(template).prepare()
    whole = place / "whole"
    shutil.copytree(template, whole)
    calls = trace(whole, place / "log")
    assert unsound(whole) == []
    assert len(calls) > 60

    with ThreadPoolExecutor(2) as pool:
        results = pool.map(
            lambda item: (item[1], crash(template, place / f"run{item[0]}", item[1])),
            enumerate(calls),
        )
    assert {call.text: wrong for call, wrong in results if wrong} == {}


def positions(calls: list[Call], pattern: str) -> list[int]:
    return [index for index, call in enumerate(calls) if re.search(pattern, call.text)]


def order_is_safe(calls: list[Call]) -> bool:
    """Whether bytes are flushed before their record, and files and names as the protocol says."""
    part = r"/temp/[0-9a-f]{64}\.[^/>\"]*\.part"
    records = positions(calls, r'^(\d+ +)?rename.*\.tmp", .*"[^"]*temp/[0-9a-f]{64}\.[^"]*\.json"')
    writes = positions(calls, rf"pwrite64\(\d+<[^>]*{part}>")
    links = positions(calls, r'link(at)?\(.*\.part", .*"[^"]*/blobs/sha256/[0-9a-f]{64}"')
    assert len(writes) == 2 and len(links) == 2 and len(records) >= len(writes)
    flushes = positions(calls, rf"fdatasync\(\d+<[^>]*{part}>\) += 0")
    for write in writes:
        record = next(index for index in records if index > write)
        if not any(write < flush < record for flush in flushes):
            return False
    for link in links:
        before = [call.text for call in calls[:link]]
        sealed = max(i for i, text in enumerate(before) if re.search(rf"fchmod\(.*{part}", text))
        durable = [re.search(rf"fsync\(\d+<[^>]*{part}>\) += 0", text) for text in before[sealed:]]
        named = re.search(r"fsync\(\d+<[^>]*/blobs/sha256>\) += 0", calls[link + 1].text)
        if not any(durable) or named is None:
            return False
    return small_files_are_safe(calls)


def small_files_are_safe(calls: list[Call]) -> bool:
    """Whether files without a name are flushed before they get one, and then their names are."""
    bare = r"/temp/#\d+>\(deleted\)"
    links = positions(calls, r'linkat\(.*"/proc/self/fd/\d+", .*/blobs/sha256/[0-9a-f]{64}"')
    assert len(links) == len(crash_writer.SMALL)
    assert len(positions(calls, rf"\bwrite\(\d+<[^>]*{bare}, ")) == len(links)
    for link in links:
        found = re.search(r'/proc/self/fd/(\d+)"', calls[link].text)
        assert found is not None
        own = rf"\({found[1]}<[^>]*{bare}"
        sealed = max(index for index in positions(calls[:link], rf"fchmod{own}"))
        if not positions(calls[sealed:link], rf"fsync{own}\) += 0"):
            return False
    return bool(positions(calls[links[-1] :][:2], r"fsync\(\d+<[^>]*/blobs/sha256>\) += 0"))


def test_bytes_are_durable_before_their_record_and_before_their_name(place: Path) -> None:
    root = place / "store"
    BlobStore(root).prepare()

    assert order_is_safe(trace(root, place / "log"))


def test_a_writer_that_does_not_flush_is_found_out(place: Path) -> None:
    root = place / "store"
    BlobStore(root).prepare()

    calls = trace(root, place / "log", mode="no-fsync")
    assert not order_is_safe(calls)
    assert not small_files_are_safe(calls)


FAULTS = {
    **dict.fromkeys(("write", "pwrite64", "fallocate", "link", "symlink"), "ENOSPC"),
    **dict.fromkeys(("fsync", "fdatasync"), "EIO"),
}


def fail(template: Path, root: Path, call: Call) -> list[str]:
    """Let one call fail; the store must be sound, and the work can be finished.

    The error must be told, but for that of a note, which must not disturb.
    """
    shutil.copytree(template, root)
    inject = f"inject={call.name}:error={FAULTS[call.name]}:when={call.number}"
    failed = traced(root, "-e", inject, "-o", os.devnull)
    wrong = unsound(root)
    told = re.search(r"domain.errors.\w+Error|Errno (28|5)\b", failed.stderr) is not None
    harmless = r'"{\"boot' in call.text
    if (failed.returncode, told) != ((0, False) if harmless else (1, True)):
        wrong.append(f"ended with {failed.returncode}: {failed.stderr[-300:]}")
    crash_writer.install(root)
    wrong += unsound(root)
    shutil.rmtree(root)
    return wrong


def test_a_full_or_failing_disk_is_told_and_loses_nothing(place: Path) -> None:
    template = place / "template"
    BlobStore(template).prepare()
    whole = place / "whole"
    shutil.copytree(template, whole)
    # The last write goes to the standard output.
    calls = [call for call in trace(whole, place / "log")[:-1] if call.name in FAULTS][::3]

    with ThreadPoolExecutor(2) as pool:
        results = pool.map(
            lambda item: (item[1], fail(template, place / f"run{item[0]}", item[1])),
            enumerate(calls),
        )
    assert {call.text: wrong for call, wrong in results if wrong} == {}
