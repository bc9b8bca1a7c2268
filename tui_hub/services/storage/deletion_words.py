"""What a deletion takes, in words."""

from __future__ import annotations

from tui_hub.domain.storage import Deletion


def files_words(deletion: Deletion) -> str:
    """Its files as the model's page counts them, with those of other revisions beside them."""
    files = deletion.files - deletion.other_revisions
    words = "1 file" if files == 1 else f"{files} files"
    other = deletion.other_revisions
    return f"{words}, with {other} of other revisions" if other else words
