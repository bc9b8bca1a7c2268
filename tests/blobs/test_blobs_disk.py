"""File systems that are full, read-only, or cannot do everything."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tui_hub.blobs import (
    BlobStore,
    Receipt,
    ReceiptFile,
    collect,
    files,
    hold,
    publish_model,
    read_active,
    receipts,
    set_active,
)
from tui_hub.domain.errors import CorruptError, HubError, NoSpaceError, RefusedError

Put = Callable[[bytes], str]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: mounting needs root")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    point = tmp_path / "small"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(point)], check=True)
    yield point
    subprocess.run(["umount", "-l", str(point)], check=True)


@pytest.fixture
def read_only(store: BlobStore, put: Put, tmp_path: Path) -> Iterator[BlobStore]:
    """A filled store, seen through a mount that cannot be written."""
    view = publish_model(store, "llm", "name", "org", "hf:org/name", {"a": put(b"1")})
    set_active(store, "llm", view)
    put(b"nobody needs this")
    point = tmp_path / "read-only"
    point.mkdir()
    subprocess.run(["mount", "--bind", str(store.root), str(point)], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", str(point)], check=True)
    yield BlobStore(point)
    subprocess.run(["umount", "-l", str(point)], check=True)


@pytest.mark.root
@needs_root
def test_a_full_disk_is_told_and_what_is_here_is_kept(small: Path) -> None:
    store = BlobStore(small / "store")
    store.prepare()
    data = os.urandom(900_000)
    partial = store.open_partial("key")
    os.pwrite(partial.fileno(), data[:100_000], 0)
    partial.checkpoint(((0, 100_000),), None)
    with pytest.raises(OSError, match="No space left") as failure:
        partial.allocate(2_000_000)
    assert failure.value.errno == errno.ENOSPC
    partial.close()

    filler = small / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 4096)
    with pytest.raises(NoSpaceError, match="there is no room left in the store"):
        store.open_partial("other", 10)
    with pytest.raises(NoSpaceError), hold(store, ["0" * 64]):
        pass
    filler.unlink()

    again = store.open_partial("key")
    assert again.ranges == ((0, 100_000),)
    os.pwrite(again.fileno(), data, 0)
    again.allocate(len(data))
    digest = hashlib.sha256(data).hexdigest()
    store.commit(again, digest)
    assert store.verify(digest) and store.partials() == ()


@pytest.mark.root
@needs_root
def test_a_full_disk_takes_no_note_and_one_that_is_cut_has_none(small: Path) -> None:
    store = BlobStore(small / "store")
    store.prepare()
    partial = store.open_partial("key")
    os.pwrite(partial.fileno(), b"x" * 8192, 0)
    partial.checkpoint(((0, 4096),), None)
    partial.note(((0, 8192),), None)
    assert store.partials()[0].here == 8192
    with pytest.raises(OSError, match="No space left"):
        partial.allocate(2_000_000)
    os.ftruncate(partial.fileno(), 8192)
    assert store.partials()[0].here == 4096, "what was cut off is not noted any more"

    filler = small / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 4096)
    partial.note(((0, 8192),), None)
    assert {path.suffix for path in store.temp.iterdir()} == {".part", ".json"}


@pytest.fixture
def small_ext4(tmp_path: Path) -> Iterator[Path]:
    """An ext4 of sixteen mebibytes, which keeps what a failed fallocate(2) took."""
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("NOT TESTED: mkfs.ext4 makes the file system")
    image, point = tmp_path / "image", tmp_path / "ext4"
    with image.open("wb") as file:
        file.truncate(16 * 1024**2)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    point.mkdir()
    mounted = subprocess.run(["mount", "-o", "loop", str(image), str(point)], capture_output=True)
    if mounted.returncode:
        pytest.skip("NOT TESTED: loop devices are needed")
    yield point
    subprocess.run(["umount", "-l", str(point)], check=True)


@pytest.mark.root
@needs_root
def test_a_failed_reservation_gives_back_what_it_took(small_ext4: Path) -> None:
    store = BlobStore(small_ext4 / "store")
    store.prepare()
    partial = store.open_partial("key")
    data = os.urandom(1024**2)
    os.pwrite(partial.fileno(), data, 0)
    partial.checkpoint(((0, len(data)),), '"tag"')
    before = os.statvfs(small_ext4).f_bavail

    with pytest.raises(OSError, match="No space left"):
        partial.allocate(64 * 1024**2)
    (info,) = store.partials()
    assert (info.here, info.size, info.live) == (len(data), 64 * 1024**2, True)
    assert len(data) <= info.allocated <= len(data) + 64 * 1024
    assert before - os.statvfs(small_ext4).f_bavail <= 64
    assert os.pread(partial.fileno(), len(data) + 1, 0) == data and partial.validator == '"tag"'
    (small_ext4 / "room").write_bytes(bytes(8 * 1024**2))


@pytest.mark.root
@needs_root
def test_a_partial_of_a_full_disk_is_found_again_by_the_same_process(small: Path) -> None:
    store = BlobStore(small / "store")
    store.prepare()
    partial = store.open_partial("key")
    os.pwrite(partial.fileno(), b"x" * 1000, 0)
    partial.checkpoint(((0, 1000),), None)
    with pytest.raises(OSError, match="No space left"):
        for offset in range(4096, 2 * 1024**2, 4096):
            os.pwrite(partial.fileno(), b"x" * 4096, offset)
    partial.close()

    assert store.resumable("key") == 1000


@pytest.mark.root
@needs_root
def test_a_read_only_store_is_read_and_says_that_it_cannot_be_written(
    read_only: BlobStore, tmp_path: Path
) -> None:
    store = read_only
    store.prepare()
    (digest,), (needless,) = ([one for one in store.iter() if store.has(one, n)] for n in (1, 17))
    assert store.verify(digest) and store.usage().blobs == 2
    assert (store.models / "llm/name/a").read_bytes() == b"1"
    assert read_active(store, "llm") == store.models / "llm/name"
    assert receipts.references(store) == {digest}, "the slot needs it"
    assert list(receipts.iter(store)) == []
    with store.lock(digest) as mine:
        assert mine

    (tmp_path / "file").write_bytes(b"2")
    receipt = Receipt(
        model="hf:org/name",
        source="hf",
        revision="r",
        type="llm",
        name="name",
        installed_at="2026-01-31T02:00:00Z",
        path="models/llm/name",
        files=(ReceiptFile(path="a", sha256=digest, size=1),),
    )
    for action in (
        lambda: store.open_partial("key"),
        lambda: store.adopt(tmp_path / "file"),
        lambda: store.remove(digest),
        lambda: store.quarantine(digest),
        lambda: collect(store, [needless]),
        lambda: receipts.write(store, receipt),
        lambda: set_active(store, "llm", store.models),
        lambda: publish_model(store, "llm", "x", None, "hf:x/x", {"a": digest}),
    ):
        with pytest.raises(RefusedError, match=r"cannot be written: Read-only file system"):
            action()
    assert store.verify(digest)


@pytest.mark.root
@needs_root
@pytest.mark.parametrize("made", [True, False])
def test_a_store_on_two_file_systems_is_refused(store: BlobStore, made: bool) -> None:
    """Also one whose `temp/` was put elsewhere before it was made."""
    if not made:
        (store.root / "VERSION").unlink()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(store.temp)], check=True)
    try:
        with pytest.raises(RefusedError, match="temp is not a plain folder on the file system of"):
            store.prepare()
    finally:
        subprocess.run(["umount", "-l", str(store.temp)], check=True)


OTHER_USER = """
import os, sys
from pathlib import Path
from tui_hub.blobs import BlobStore, receipts
from tui_hub.domain.errors import RefusedError
store = BlobStore(Path(sys.argv[1]))
store.prepare()  # So that Python has read all it needs, which the other user may not.
os.setgid(65534)
os.setuid(65534)
store.prepare()
print(store.verify(sys.argv[2]), store.resumable("key"))
for action in (
    lambda: store.remove(sys.argv[2]),
    lambda: store.open_partial("key"),
    lambda: store.sweep_temp(0),
):
    try:
        action()
    except RefusedError as error:
        print(error.message.partition(": ")[2].partition(" (")[0])
"""


@pytest.mark.root
@needs_root
def test_another_user_reads_a_readable_store_and_cannot_write(
    python: Callable[..., subprocess.Popen[str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        store = BlobStore(root)
        store.prepare()
        store.open_partial("key").close()
        digest = store.adopt(Path(__file__))

        output, errors = python(OTHER_USER, root, digest).communicate()

        refusals = ["Permission denied"] * 2
        assert output.splitlines() == ["True 0", *refusals], errors
        assert store.verify(digest) and len(store.partials()) == 1


def test_a_file_system_without_links_takes_renames(
    store: BlobStore, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    digest = put(b"1")
    assert put(b"1") == digest
    assert store.verify(digest) and list(store.temp.iterdir()) == []


def test_a_file_system_without_links_takes_the_good_files_of_a_group(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that came before the bad one have moved to their names already."""

    def refuse(source: Path, *_: object, **__: object) -> None:
        source.lstat()
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    good = [(store.open_partial(name, 0, brief=True), name * 64) for name in "ab"]
    bad = store.open_partial("c", 7, brief=True), "c" * 64

    with pytest.raises(CorruptError):
        store.commit_all([*good, bad])
    for partial, sha256 in good:
        store.commit(partial, sha256)
    bad[0].discard()
    assert {*store.iter()} == {"a" * 64, "b" * 64}
    assert list(store.temp.iterdir()) == []


def test_a_kernel_without_special_renames_takes_plain_ones(
    store: BlobStore, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_renameat2_function", lambda: None)
    one, two = put(b"1"), put(b"2")
    publish_model(store, "llm", "name", "org", "hf:org/name", {"a": one})
    view = publish_model(store, "llm", "name", "org", "hf:org/name", {"a": two})
    other = publish_model(store, "llm", "name", "else", "hf:else/name", {"a": one})

    assert (view / "a").read_bytes() == b"2" and other.name == "name--else"
    assert list(store.temp.iterdir()) == []


def test_an_error_of_the_disk_names_the_store(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    partial = store.open_partial("key")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(HubError, match=f"the store {store.root} failed: Input/output error"):
        store.commit(partial, hashlib.sha256(b"").hexdigest())
    monkeypatch.undo()
    assert list(store.iter()) == []
