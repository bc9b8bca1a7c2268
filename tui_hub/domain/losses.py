"""Files that were here and are not any more, in the words that every list of files has for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tui_hub.domain.artifacts import Artifact

DAMAGED = "its bytes were damaged on disk, and were moved away; download it again"
MISSING = "its bytes are not in the store any more; download it again"
_WORDS = {DAMAGED: "damaged", MISSING: "missing"}


def file_words(file: Artifact) -> str:
    """A file's status; one that was lost from the store is no download that failed."""
    return _WORDS.get(file.error or "", file.status.value)


def lost_words(files: Iterable[Artifact]) -> str:
    """What of these is lost: `1 damaged file, 2 missing files`; empty where nothing is."""
    lost = Counter(_WORDS[file.error] for file in files if file.error in _WORDS)
    return ", ".join(
        f"{count} {word} {'file' if count == 1 else 'files'}" for word, count in lost.items()
    )
