"""A process that dies at any moment of a deletion or a sweep leaves a sound store.

No receipt names a blob that is not there, and a sweep afterwards ends what was begun. A sample of
the crash points is taken each time; `--all-crash-points` takes them all.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import crash_points
import crash_remover
import pytest
from crash_points import Call, unsound

from tui_hub.blobs import BlobStore, receipts, recover

PROGRAM = Path(crash_remover.__file__)
SAMPLE = 12
_SHUTDOWN = 0x8004587D
"""FS_IOC_SHUTDOWN: the file system ends as in a power cut, see ioctl_xfs_goingdown(2)."""

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
pytestmark = needs_strace


@pytest.fixture
def template(place: Path) -> Path:
    """A store with something to delete, and something to sweep."""
    content = place / "content"
    content.mkdir()
    crash_remover.fill(place / "template", content)
    return place / "template"


def points(template: Path, place: Path, mode: str) -> list[Call]:
    """The crash points of one run."""
    whole = place / "whole"
    shutil.copytree(template, whole, symlinks=True)
    calls = crash_points.trace(PROGRAM, whole, place / "log", mode, "done")
    assert unsound(whole) == []
    shutil.rmtree(whole)
    return calls


def finished(root: Path, mode: str) -> list[str]:
    """What is wrong after the work is done again, and swept after."""
    (crash_remover.delete if mode == "delete" else crash_remover.sweep)(root)
    wrong = unsound(root)
    crash_remover.sweep(root)
    store = BlobStore(root)
    left = {receipt.model: receipt for receipt in receipts.iter(store)}
    expected = {crash_remover.KEPT} | ({crash_remover.GONE} if mode == "gc" else set())
    if set(left) != expected:
        wrong.append(f"the receipts are those of {sorted(left)}")
    if {file.sha256 for one in left.values() for file in one.all_files} != set(store.iter()):
        wrong.append("a blob is missing, or one that nobody needs is left")
    names = {model.rpartition("/")[2] for model in expected}
    if {path.name for path in (store.models / "llm").iterdir()} != names:
        wrong.append("a folder of a model is missing, or one is left")
    if {path.name.rpartition("--")[2] for path in store.hf.iterdir()} != names:
        wrong.append("an entry of the cache is missing, or one is left")
    return wrong + unsound(root)


def crash(template: Path, root: Path, call: Call, mode: str) -> list[str]:
    """Die at one call, look at what is left, do it again, and look again."""
    shutil.copytree(template, root, symlinks=True)
    inject = f"inject={call.name}:signal=SIGKILL:when={call.number}"
    died = crash_points.traced(PROGRAM, root, mode, options=("-e", inject, "-o", os.devnull))
    if died.returncode != -signal.SIGKILL:
        return [f"did not die but ended with {died.returncode}: {died.stderr}"]
    # What was on its way out is put back by the next process that starts; then all must be there.
    recover(BlobStore(root))
    wrong = unsound(root)
    wrong += finished(root, mode)
    shutil.rmtree(root)
    return wrong


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", ["delete", "gc"])
def test_a_kill_amid_a_removal_leaves_a_sound_store(
    template: Path, place: Path, mode: str, all_crash_points: bool
) -> None:
    calls = points(template, place, mode)
    assert len(calls) > 20
    if not all_crash_points:
        calls = random.Random(20_260_131).sample(calls, SAMPLE)
    with ThreadPoolExecutor(2) as pool:
        results = list(
            pool.map(
                lambda item: (item[1], crash(template, place / f"run{item[0]}", item[1], mode)),
                enumerate(calls),
            )
        )
    print(f"{mode}: {len(results)} crash points")
    assert {call.text: wrong for call, wrong in results if wrong} == {}


@contextmanager
def disk(image: Path, mountpoint: Path) -> Iterator[Path]:
    """A disk of its own, mounted."""
    subprocess.run(["mount", "-o", "loop", image, mountpoint], check=True, capture_output=True)
    try:
        yield mountpoint
    finally:
        subprocess.run(["umount", mountpoint], check=True, capture_output=True)


def pull_the_plug(mountpoint: Path, flag: int) -> None:
    """Let a file system lose what it has not written; 1 writes its journal first, 2 does not."""
    descriptor = os.open(mountpoint, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", flag))
    finally:
        os.close(descriptor)


@pytest.mark.root
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("flag", [1, 2])
@pytest.mark.parametrize("mode", ["delete", "gc"])
def test_a_power_cut_amid_a_removal_leaves_a_sound_store(
    template: Path, place: Path, tmp_path: Path, mode: str, flag: int, all_crash_points: bool
) -> None:
    if not all_crash_points or os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("only by hand: --all-crash-points, as root, with mkfs.ext4")
    image, mountpoint = tmp_path / "image", tmp_path / "disk"
    mountpoint.mkdir()
    wrong = {}
    for call in points(template, place, mode):
        with image.open("wb") as file:
            file.truncate(32 * 1024**2)
        subprocess.run(["mkfs.ext4", "-q", image], check=True, capture_output=True)
        with disk(image, mountpoint):
            shutil.copytree(template, mountpoint / "store", symlinks=True)
            os.sync()
            inject = f"inject={call.name}:signal=SIGKILL:when={call.number}"
            options = ("-e", inject, "-o", os.devnull)
            died = crash_points.traced(PROGRAM, mountpoint / "store", mode, options=options)
            assert died.returncode == -signal.SIGKILL
            pull_the_plug(mountpoint, flag)
        with disk(image, mountpoint):
            recover(BlobStore(mountpoint / "store"))
            found = unsound(mountpoint / "store") + finished(mountpoint / "store", mode)
        if found:
            wrong[call.text] = found
    assert wrong == {}
