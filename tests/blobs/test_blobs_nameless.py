"""Small files that are written whole and get no name but that of their hash."""

from __future__ import annotations

import hashlib
import os
import stat

import pytest

from tui_hub.blobs import BlobStore, Nameless, Partial, nameless
from tui_hub.domain.errors import HubError

DATA = b"a small file"
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def named(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
    """A store on a file system that makes no files without a name."""
    monkeypatch.setattr(nameless, "_FLAGS", os.O_RDWR | os.O_CLOEXEC)
    nameless.makes_nameless.cache_clear()
    return store


def made(store: BlobStore, data: bytes = DATA) -> tuple[Partial | Nameless, str]:
    sha256 = hashlib.sha256(data).hexdigest()
    return store.make_whole(sha256, memoryview(data)), sha256


def test_files_without_a_name_become_read_only_blobs(store: BlobStore) -> None:
    files = [made(store, b"%d" % number) for number in range(3)]
    assert all(isinstance(file, Nameless) for file, _ in files)
    assert list(store.temp.iterdir()) == [] and list(store.iter()) == []

    store.commit_all(files)

    assert set(store.iter()) == {sha256 for _, sha256 in files}
    for _, sha256 in files:
        assert store.verify(sha256)
        status = store.path(sha256).stat()
        assert (stat.S_IMODE(status.st_mode), status.st_nlink) == (0o444, 1)
    assert list(store.temp.iterdir()) == []


def test_one_that_is_let_go_leaves_nothing(store: BlobStore) -> None:
    file, _ = made(store)
    file.discard()
    file.discard()
    assert list(store.temp.iterdir()) == [] and list(store.iter()) == []


def test_a_blob_that_is_there_already_stays(store: BlobStore) -> None:
    first, second = made(store), made(store)
    store.commit(*first)
    inode = store.path(SHA256).stat().st_ino
    store.commit(*second)
    assert store.path(SHA256).stat().st_ino == inode


def test_a_blob_of_another_size_is_put_aside(store: BlobStore) -> None:
    store.path(SHA256).write_bytes(DATA[:-1])
    store.commit(*made(store))
    assert store.verify(SHA256)
    assert [path.read_bytes() for path in store.quarantined.iterdir()] == [DATA[:-1]]


def test_a_failed_flush_is_not_tried_again(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, sha256 = made(store)

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(HubError):
            store.commit(file, sha256)
    with pytest.raises(HubError):
        store.commit(file, sha256)
    assert list(store.iter()) == []
    file.discard()


def test_where_every_file_has_a_name_a_partial_does(named: BlobStore) -> None:
    file, sha256 = made(named)
    assert isinstance(file, Partial)
    named.commit_all([(file, sha256)])
    assert named.verify(sha256) and list(named.temp.iterdir()) == []


def test_the_beginning_of_a_file_waits_for_the_next_attempt(store: BlobStore) -> None:
    assert store.begun() == frozenset()
    store.keep_beginning(SHA256, len(DATA), memoryview(DATA[:5]), '"tag"')
    assert store.begun() == {SHA256}

    partial = store.open_partial(SHA256, len(DATA))
    assert (partial.ranges, partial.validator) == (((0, 5),), '"tag"')
    assert os.pread(partial.fileno(), 20, 0) == DATA[:5]
    partial.discard()
