"""The store on disk: content-addressed blobs, the views that loaders open, and the receipts that
keep blobs alive. Knows hashes and files, nothing of models beyond plain strings."""

from tui_hub.blobs.adoption import Adopted, Terms, Way
from tui_hub.blobs.features import Features, probe_features
from tui_hub.blobs.folders import metadata_folder
from tui_hub.blobs.garbage import collect, recover, unreferenced
from tui_hub.blobs.holds import Hold, hold
from tui_hub.blobs.huggingface import publish_hf, remove_hf
from tui_hub.blobs.nameless import Nameless
from tui_hub.blobs.ollama import publish_ollama, remove_ollama
from tui_hub.blobs.partial import Partial
from tui_hub.blobs.receipts import KeptRevision, Receipt, ReceiptFile
from tui_hub.blobs.sidecar import PartialInfo
from tui_hub.blobs.store import BlobStore
from tui_hub.blobs.usage import Usage
from tui_hub.blobs.views import (
    clear_active,
    publish_model,
    read_active,
    remove_model,
    replace_file,
    set_active,
)

__all__ = [
    "Adopted",
    "BlobStore",
    "Features",
    "Hold",
    "KeptRevision",
    "Nameless",
    "Partial",
    "PartialInfo",
    "Receipt",
    "ReceiptFile",
    "Terms",
    "Usage",
    "Way",
    "clear_active",
    "collect",
    "hold",
    "metadata_folder",
    "probe_features",
    "publish_hf",
    "publish_model",
    "publish_ollama",
    "read_active",
    "recover",
    "remove_hf",
    "remove_model",
    "remove_ollama",
    "replace_file",
    "set_active",
    "unreferenced",
]
