"""The store as one process sees it."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_hub.blobs import BlobStore, Partial, Terms, Way
from tui_hub.blobs.hashing import git_blob_sha1, sha256_file
from tui_hub.domain.errors import (
    CorruptError,
    InterruptedJobError,
    NotFoundError,
    RefusedError,
    UnsafeError,
)

Put = Callable[[bytes], str]


def test_a_committed_file_is_a_read_only_blob_and_leaves_nothing_behind(
    store: BlobStore, put: Put
) -> None:
    digest = put(b"weights")

    path = store.path(digest)
    assert path.parent == store.root / "blobs" / "sha256"
    assert path.read_bytes() == b"weights"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert path.stat().st_nlink == 1
    assert list(store.temp.iterdir()) == []
    assert list(store.iter()) == [digest]


def test_the_row_is_written_when_the_name_is_durable_and_before_the_partial_goes(
    store: BlobStore,
) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    partial = store.open_partial("empty", 0)
    seen: list[tuple[bool, bool]] = []

    store.commit(
        partial, digest, record=lambda path: seen.append((path.exists(), partial.path.exists()))
    )

    assert seen == [(True, True)]
    assert not partial.path.exists()


def test_several_files_are_committed_together(store: BlobStore) -> None:
    partials = [filled(store, data) for data in (b"one", b"two", b"one")]

    store.commit_all(partials)

    assert set(store.iter()) == {digest for _, digest in partials}
    assert all(store.verify(digest) for _, digest in partials)
    assert list(store.temp.iterdir()) == []


def test_one_file_that_cannot_be_committed_leaves_the_partials_of_all(store: BlobStore) -> None:
    good, bad = filled(store, b"good"), filled(store, b"damaged")
    os.ftruncate(bad[0].fileno(), 3)

    with pytest.raises(CorruptError, match="3 bytes are here instead of 7"):
        store.commit_all([good, bad])

    assert good[0].path.exists() and bad[0].path.exists()
    store.commit(*good)
    assert list(store.iter()) == [good[1]]
    bad[0].discard()
    assert list(store.temp.iterdir()) == []


def filled(store: BlobStore, data: bytes) -> tuple[Partial, str]:
    """A brief partial with all of its bytes, and their hash."""
    digest = hashlib.sha256(data).hexdigest()
    partial = store.open_partial(digest, len(data), brief=True)
    partial.allocate(len(data))
    os.pwrite(partial.fileno(), data, 0)
    return partial, digest


def test_a_brief_partial_is_nobody_elses_and_its_bytes_stay_when_it_is_given_up(
    store: BlobStore,
) -> None:
    partial, digest = filled(store, b"half of it")
    assert [path.suffix for path in store.temp.iterdir()] == [".part"]
    assert store.discard_partials([digest]) == 0
    assert partial.path.exists()

    partial.settle(((0, 4),), None)
    partial.close()
    assert store.resumable(digest) == 4


def test_a_failing_row_keeps_blob_and_partial(store: BlobStore) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    partial = store.open_partial("empty", 0)

    def refuse(path: Path) -> None:
        raise RuntimeError("no row")

    with pytest.raises(RuntimeError, match="no row"):
        store.commit(partial, digest, record=refuse)
    assert store.has(digest)
    assert partial.path.exists()
    partial.close()

    # It is a blob already: it must not be written on, and goes when its key is asked for again.
    fresh = store.open_partial("empty", 0)
    assert fresh.path.stat().st_ino != store.path(digest).stat().st_ino
    assert len(store.partials()) == 1


def test_two_files_of_one_hash_are_one_blob(store: BlobStore, put: Put) -> None:
    first = put(b"same")
    inode = store.path(first).stat().st_ino

    assert put(b"same") == first
    assert store.path(first).stat().st_ino == inode


def test_a_file_of_the_wrong_size_is_not_committed(store: BlobStore) -> None:
    partial = store.open_partial("short", 100)
    os.pwrite(partial.fileno(), b"x" * 99, 0)

    with pytest.raises(CorruptError, match="99 bytes are here instead of 100"):
        store.commit(partial, "0" * 64)
    assert list(store.iter()) == []


def test_a_blob_cut_short_by_the_disk_is_replaced(store: BlobStore, put: Put) -> None:
    digest = put(b"whole")
    store.path(digest).chmod(0o644)
    store.path(digest).write_bytes(b"who")

    assert not store.has(digest, 5)
    assert put(b"whole") == digest
    assert store.path(digest).read_bytes() == b"whole"
    assert [path.read_bytes() for path in store.quarantined.iterdir()] == [b"who"]


def test_bit_rot_is_found_quarantined_and_mended(store: BlobStore, put: Put) -> None:
    digest = put(b"0123456789")
    assert store.verify(digest)
    store.path(digest).chmod(0o644)
    store.path(digest).write_bytes(b"0123456\xb789")

    assert not store.verify(digest)
    aside = store.quarantine(digest)
    assert aside is not None and aside.read_bytes() == b"0123456\xb789"
    assert not store.has(digest)
    assert put(b"0123456789") == digest and store.verify(digest)


def test_verifying_reports_progress_and_can_be_stopped(store: BlobStore, put: Put) -> None:
    digest = put(b"x" * (3 * 1024**2 + 1))
    pieces: list[int] = []
    assert store.verify(digest, pieces.append)
    assert sum(pieces) == 3 * 1024**2 + 1 and len(pieces) == 4

    def stop(count: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        sha256_file(store.path(digest), stop)


def test_removing_gives_the_bytes_it_frees(store: BlobStore, put: Put, tmp_path: Path) -> None:
    alone, shared = put(b"a" * 1000), put(b"b" * 1000)
    (tmp_path / "elsewhere").hardlink_to(store.path(shared))

    assert store.remove(alone) == 1000
    assert store.remove(shared) == 0
    assert store.remove("0" * 64) == 0
    assert list(store.iter()) == []


@pytest.mark.parametrize(
    "digest",
    ["", "0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n", "../" + "0" * 61, "\uff10" * 64, "x\0"],
)
def test_what_is_no_hash_never_becomes_a_path(store: BlobStore, digest: str) -> None:
    for action in (store.path, store.has, store.remove, store.quarantine, store.verify):
        with pytest.raises(UnsafeError):
            action(digest)


def test_links_and_oddities_in_the_blob_folder_are_no_blobs(
    store: BlobStore, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (store.blobs / ("1" * 64)).symlink_to(tmp_path / "secret")
    (store.blobs / ("2" * 64)).mkdir()
    (store.blobs / "README").write_text("hello")

    assert list(store.iter()) == []
    assert not store.has("1" * 64) and not store.has("2" * 64)


def test_git_ids_are_those_of_git(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "hello").write_bytes(b"hello\n")

    # `git hash-object` says so.
    assert git_blob_sha1(tmp_path / "empty") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert git_blob_sha1(tmp_path / "hello") == "ce013625030ba8dba906f756967f9e9ca394464a"


@pytest.mark.parametrize("hardlink", [False, True])
def test_a_local_file_is_adopted(store: BlobStore, tmp_path: Path, hardlink: bool) -> None:
    source = tmp_path / "model.gguf"
    source.write_bytes(b"GGUF" * 1000)
    digest = hashlib.sha256(b"GGUF" * 1000).hexdigest()
    (tmp_path / "link").symlink_to(source)

    ways = (Way.REFLINK, Way.HARDLINK, Way.COPY) if hardlink else (Way.REFLINK, Way.COPY)
    assert store.adopt(tmp_path / "link", Terms(sha256=digest, ways=ways)) == digest
    assert store.path(digest).read_bytes() == b"GGUF" * 1000
    assert store.path(digest).samefile(source) == hardlink
    assert store.adopt(source) == digest
    assert list(store.temp.iterdir()) == []
    if not hardlink:
        source.write_bytes(b"changed")
        assert store.verify(digest)


def test_a_file_with_another_hash_is_not_adopted(store: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"something else")

    with pytest.raises(CorruptError, match="instead of 00000"):
        store.adopt(tmp_path / "file", Terms(sha256="0" * 64))
    assert list(store.iter()) == [] and list(store.temp.iterdir()) == []


def test_the_work_on_a_local_file_is_told_and_can_be_stopped(
    store: BlobStore, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 4 * 1024 * 40
    (tmp_path / "file").write_bytes(content)
    told: list[int] = []
    announced: list[tuple[str, bool]] = []
    digest = store.adopt(
        tmp_path / "file",
        Terms(
            md5=hashlib.md5(content).hexdigest(),
            progress=told.append,
            announce=lambda sha256: announced.append((sha256, store.has(sha256))),
        ),
    )
    assert digest == hashlib.sha256(content).hexdigest()
    assert told == sorted(told) and told[-1] == len(content) and len(told) > 2
    assert announced == [(digest, False)]
    store.remove(digest)

    def stop(done: int) -> None:
        if done:
            raise InterruptedJobError("enough")

    with pytest.raises(InterruptedJobError):
        store.adopt(tmp_path / "file", Terms(progress=stop))
    assert list(store.iter()) == [] and list(store.temp.iterdir()) == []


def test_a_file_that_changes_while_it_is_read_is_not_adopted(
    store: BlobStore, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"before")
    listed = file.stat().st_mtime_ns

    def write(done: int) -> None:
        file.write_bytes(b"behind")
        os.utime(file, ns=(listed, listed + done + 1))

    with pytest.raises(CorruptError, match="changed while it was read"):
        store.adopt(file, Terms(progress=write))
    with pytest.raises(CorruptError, match="since it was listed"):
        store.adopt(file, Terms(modified=listed))
    with pytest.raises(CorruptError, match="has the MD5"):
        store.adopt(file, Terms(md5="0" * 32))
    assert list(store.iter()) == [] and list(store.temp.iterdir()) == []


def test_a_file_that_is_here_already_is_not_copied(
    store: BlobStore, tmp_path: Path, put: Put
) -> None:
    put(b"the same")
    put(b"as long!")
    for content in (b"the same", b"of size!"):
        (tmp_path / "file").write_bytes(content)
        assert store.adopt(tmp_path / "file") == hashlib.sha256(content).hexdigest()
    assert len(list(store.iter())) == 3
    assert all(store.verify(sha256) for sha256 in store.iter())


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "dangling"])
def test_what_is_no_file_is_not_adopted(store: BlobStore, tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nowhere")

    with pytest.raises(NotFoundError):
        store.adopt(path)


def test_usage_counts_blobs_and_what_is_on_its_way(store: BlobStore, put: Put) -> None:
    put(b"a" * 5000)
    put(b"b" * 3000)
    partial = store.open_partial("big", 10 * 1024**2)
    os.pwrite(partial.fileno(), b"c" * 1024**2, 0)
    os.fsync(partial.fileno())

    usage = store.usage()
    assert (usage.blobs, usage.bytes) == (2, 8000)
    assert 1024**2 <= usage.partial_bytes < 2 * 1024**2
    assert usage.pending_bytes == 10 * 1024**2 - usage.partial_bytes
    assert 0 < usage.disk_free < usage.disk_total
    partial.close()
    assert store.usage().pending_bytes == 0


def test_a_lock_is_exclusive_between_threads_and_over_with_its_block(store: BlobStore) -> None:
    with store.lock("a" * 64) as first, store.lock("a" * 64) as second:
        assert (first, second) == (True, False)
        with store.lock("b" * 64) as other:
            assert other
    with store.lock("a" * 64) as again:
        assert again
    assert list(store.temp.iterdir()) == []


def test_who_waits_for_a_lock_gets_one_that_others_see(store: BlobStore) -> None:
    held, leave, got = threading.Event(), threading.Event(), []

    def hold() -> None:
        with store.lock("name"):
            held.set()
            leave.wait(60)

    def wait() -> None:
        with store.lock("name", wait=10) as mine, store.lock("name") as other:
            got.append((mine, other))

    holder, waiter = threading.Thread(target=hold), threading.Thread(target=wait)
    holder.start()
    held.wait(60)
    waiter.start()
    leave.set()
    holder.join()
    waiter.join()
    assert got == [(True, False)]


def test_a_lock_is_had_where_a_file_has_another_number_each_time(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on network and FUSE mounts that make inode numbers up as they go."""
    monkeypatch.setattr(os.path, "samestat", lambda *_: False)
    with store.lock("name") as mine:
        assert mine
    assert list(store.temp.iterdir()) == []


def test_a_store_of_a_newer_layout_is_refused(store: BlobStore) -> None:
    (store.root / "VERSION").write_text("2\n")
    with pytest.raises(RefusedError, match="layout '2', this program knows up to 1"):
        store.prepare()
    (store.root / "VERSION").write_text("\x1b[2J²\n", "latin-1")
    with pytest.raises(RefusedError, match="layout"):
        store.prepare()


def test_a_folder_of_the_store_that_is_a_link_is_refused(store: BlobStore, tmp_path: Path) -> None:
    store.temp.rmdir()
    (tmp_path / "elsewhere").mkdir()
    store.temp.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(RefusedError, match="temp is not a plain folder"):
        store.prepare()


def test_what_fails_after_a_blob_has_its_name_does_it_no_harm(store: BlobStore) -> None:
    data = os.urandom(100_000)
    digest = hashlib.sha256(data).hexdigest()
    partial = store.open_partial("key", len(data))
    partial.allocate(len(data))
    os.pwrite(partial.fileno(), data, 0)
    partial.checkpoint(((0, 10_000),), None)

    def fail(path: Path) -> None:
        raise RuntimeError(f"no row for {path.name}")

    with pytest.raises(RuntimeError):
        store.commit(partial, digest, fail)
    partial.close()
    assert store.verify(digest) and store.size(digest) == len(data)


def test_a_store_follows_the_rights_of_its_root(tmp_path: Path) -> None:
    for umask, mode in ((0o077, 0o700), (0o022, 0o755)):
        before = os.umask(umask)
        try:
            made = BlobStore(tmp_path / f"{mode:o}")
            made.prepare()
        finally:
            os.umask(before)
        assert stat.S_IMODE(made.root.stat().st_mode) == mode
        assert stat.S_IMODE(made.blobs.stat().st_mode) == mode

    (tmp_path / "group").mkdir()
    (tmp_path / "group").chmod(0o2770)
    group = BlobStore(tmp_path / "group")
    group.prepare()
    assert stat.S_IMODE(group.blobs.stat().st_mode) == 0o2770
    assert stat.S_IMODE((group.root / "VERSION").stat().st_mode) == 0o660


@pytest.mark.parametrize("place", ["file", "file/store"])
def test_a_root_in_whose_way_a_file_is_is_refused_in_words(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RefusedError, match="is not a folder") as caught:
        BlobStore(tmp_path / place).prepare()
    assert "another place" in caught.value.hint
