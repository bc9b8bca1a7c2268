"""One whole installation: the program whose every step is a crash point.

Arguments: the root of the store, and `fsync` or `no-fsync` (a mutant that must be found out).
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from tui_hub.blobs import (
    BlobStore,
    Receipt,
    ReceiptFile,
    Terms,
    Way,
    collect,
    hold,
    publish_hf,
    publish_model,
    receipts,
    set_active,
)

CONTENT = {"weights/model.bin": bytes(range(256)) * 64}
SMALL = {"config.json": b"{}", "folder/note.txt": b"a note"}
"""Files that arrive in one go, and are committed together."""
MODEL = "hf:org/name"
REVISION = "a" * 40


def bring(store: BlobStore, data: bytes) -> str:
    """Bring a file in, going on with what an earlier process left."""
    digest = hashlib.sha256(data).hexdigest()
    if store.has(digest, len(data)):
        return digest
    partial = store.open_partial(digest, len(data))
    half = len(data) // 2
    have = partial.ranges[0][1] if partial.ranges else 0
    assert os.pread(partial.fileno(), have, 0) == data[:have], "bytes are claimed that are not here"
    partial.allocate(len(data))
    if have < half:
        os.pwrite(partial.fileno(), data[:half], 0)
        partial.note(((0, half),), '"tag"')
        partial.checkpoint(((0, half),), '"tag"')
    os.pwrite(partial.fileno(), data[half:], half)
    partial.note(((0, len(data)),), '"tag"')
    partial.checkpoint(((0, len(data)),), '"tag"')
    store.commit(partial, digest)
    return digest


def bring_all(store: BlobStore, files: list[bytes]) -> list[str]:
    """Bring small files in together."""
    hashes = [hashlib.sha256(data).hexdigest() for data in files]
    store.commit_all(
        [
            (store.make_whole(sha256, memoryview(data)), sha256)
            for sha256, data in zip(hashes, files, strict=True)
        ]
    )
    return hashes


def install(root: Path) -> None:
    store = BlobStore(root)
    store.prepare()
    with hold(store) as held:
        hashes = {}
        for path, data in CONTENT.items():
            held.add(hashlib.sha256(data).hexdigest())
            hashes[path] = bring(store, data)
        held.add(*(hashlib.sha256(data).hexdigest() for data in SMALL.values()))
        hashes |= zip(SMALL, bring_all(store, [*SMALL.values()]), strict=True)
        view = publish_model(store, "llm", "name", "org", MODEL, hashes)
        publish_hf(
            store, "org/name", REVISION, ("main",), [(path, h, None) for path, h in hashes.items()]
        )
        sizes = {path: len(data) for path, data in (CONTENT | SMALL).items()}
        files = tuple(
            ReceiptFile(path=path, sha256=h, size=sizes[path]) for path, h in hashes.items()
        )
        receipts.write(
            store,
            Receipt(
                model=MODEL,
                source="hf",
                revision=REVISION,
                type="llm",
                name="name",
                installed_at="2026-01-31T02:00:00Z",
                files=files,
                path=str(view.relative_to(store.root)),
            ),
        )
    set_active(store, "llm", view)
    orphan = store.adopt(Path(__file__))
    pointed = store.adopt(Path(os.__file__), Terms(ways=(Way.REFERENCE,)))
    collect(store, [orphan, pointed, *hashes.values()])


if __name__ == "__main__":
    if sys.argv[2] == "no-fsync":
        os.fsync = os.fdatasync = lambda descriptor: None
    install(Path(sys.argv[1]))
    print("installed")
