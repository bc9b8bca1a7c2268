"""One file of a download that has to wait for its turn, without services around it."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tui_hub.blobs import BlobStore, Hold
from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import InterruptedJobError
from tui_hub.services.downloads import turns
from tui_hub.services.downloads.file_download import FileDownload, Means
from tui_hub.services.downloads.file_fetching import FileFetching
from tui_hub.services.downloads.transfers import Mover
from tui_hub.sources.base import FileRequest
from tui_hub.transfer import Options

SHA256 = "a" * 64


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    store = BlobStore(tmp_path / "store")
    store.prepare()
    return store


@pytest.fixture
def waiting(store: BlobStore) -> FileDownload:
    means = Means(store, Hold(store, ()), Mover(Options(), 0).begin())
    artifact = Artifact(id="one", model="hf:org/name", revision="r", path="file", sha256=SHA256)
    return FileFetching(means, artifact, FileRequest(url="http://127.0.0.1:1/file"), None)


def open_locks() -> int:
    """The descriptors of locks that this process has."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found += descriptor.readlink().name == f"{SHA256}.lock"
        except FileNotFoundError:
            continue
    return found


def test_every_look_whether_it_is_its_turn_gives_its_descriptor_back(
    store: BlobStore, waiting: FileDownload
) -> None:
    """Three a second would be all that a process may have after five minutes."""
    with store.lock(SHA256) as mine, ExitStack() as until:
        assert mine
        waiting.stop()
        with pytest.raises(InterruptedJobError):
            waiting.await_turn(until)
        assert open_locks() == 1


def test_whoever_gets_no_further_is_not_waited_for(
    store: BlobStore, waiting: FileDownload, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that a person stopped with Ctrl-Z keeps its locks."""
    monkeypatch.setattr(turns, "_SILENCE", 0.0)
    with store.lock(SHA256), ExitStack() as until:
        waiting.await_turn(until)
        assert open_locks() == 1


def test_a_byte_or_a_record_is_a_sign_that_somebody_gets_on(store: BlobStore) -> None:
    seen = [store.signs(SHA256)]
    partial = store.open_partial(SHA256, 1000)
    seen.append(store.signs(SHA256))
    past = time.time() - 10
    for path in store.temp.iterdir():
        os.utime(path, (past, past))
    seen.append(store.signs(SHA256))
    assert store.signs(SHA256) == seen[-1]
    os.pwrite(partial.fileno(), b"x", 0)
    seen.append(store.signs(SHA256))
    partial.checkpoint(((0, 1),), None)
    seen.append(store.signs(SHA256))
    assert len({*seen}) == len(seen)


def test_its_turn_lasts_until_it_is_committed(store: BlobStore, waiting: FileDownload) -> None:
    with ExitStack() as until:
        waiting.await_turn(until)
        with store.lock(SHA256) as mine:
            assert not mine
    with store.lock(SHA256) as mine:
        assert mine
