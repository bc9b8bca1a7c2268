"""One deletion, or one sweep: the program whose every step is a crash point.

Arguments: the root of a store that `fill` made, and `delete` or `gc`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tui_hub.blobs import (
    BlobStore,
    Hold,
    Receipt,
    ReceiptFile,
    publish_hf,
    publish_model,
    receipts,
    unreferenced,
)
from tui_hub.blobs.folders import metadata_folder
from tui_hub.services.storage.garbage import sweep_store
from tui_hub.services.storage.service import remove_files
from tui_hub.services.storage.views import place_of

FOREVER = "2126-01-01T00:00:00Z"
KEPT, GONE, HALF = "hf:org/kept", "hf:org/gone", "hf:org/half"


def fill(root: Path, content: Path) -> None:
    """Make a store with two models that share a blob, and with what crashes left of a third."""
    store = BlobStore(root)
    store.prepare()
    for model, names in ((KEPT, ("shared", "own")), (GONE, ("shared", "lone")), (HALF, ("odd",))):
        hashes = {}
        for name in names:
            source = content / (name if name == "shared" else f"{model[-4:]}-{name}")
            source.write_text(f"{source.name} " * 3000)
            hashes[f"{name}.bin"] = store.adopt(source)
        publish(store, model, hashes)
    receipts.delete(store, HALF)
    folder = metadata_folder(store, HALF)
    for path in (folder, *folder.iterdir()):
        os.utime(path, (1, 1))
    stale = store.temp / "left.host-1-abc.part"
    stale.write_text("left")
    os.utime(stale, (1, 1))
    damaged = content / "damaged"
    damaged.write_text("damaged")
    store.quarantine(store.adopt(damaged))


def publish(store: BlobStore, model: str, hashes: dict[str, str]) -> None:
    """Install a model, the way a download does it."""
    name = model.removeprefix("hf:org/")
    hold = Hold(store, hashes.values())
    view = publish_model(store, "llm", name, "org", model, hashes)
    publish_hf(store, f"org/{name}", "a" * 40, ("main",), [(p, h, None) for p, h in hashes.items()])
    files = tuple(
        ReceiptFile(path=path, sha256=sha256, size=store.size(sha256) or 0)
        for path, sha256 in hashes.items()
    )
    receipt = Receipt(
        model=model,
        source="hf",
        revision="a" * 40,
        type="llm",
        name=name,
        author="org",
        installed_at="2026-01-31T02:00:00Z",
        path=str(view.relative_to(store.root)),
        files=files,
    )
    receipts.write(store, receipt)
    hold.release()


def delete(root: Path) -> None:
    """Take the second model out, as far as it is still there."""
    store = BlobStore(root)
    store.prepare()
    receipt = receipts.read(store, GONE)
    blobs = [file.sha256 for file in receipt.files] if receipt is not None else []
    places = [place_of(receipt)] if receipt is not None else []
    remove_files(store, GONE, places, blobs, keep_small_files=False)


def sweep(root: Path) -> None:
    """Sweep what nothing needs."""
    store = BlobStore(root)
    store.prepare()
    sweep_store(store, unreferenced(store), (), (), FOREVER)


if __name__ == "__main__":
    {"delete": delete, "gc": sweep}[sys.argv[2]](Path(sys.argv[1]))
    print("done")
