"""Weights files that nobody vouches for by a hash: whether their headers say that they are whole.

What a publisher gives a hash of is what that hash says, whatever is in it. A file of this box is
only as good as it looks: one that was cut short, or is no such file, must not become a model.
"""

from __future__ import annotations

import os
from pathlib import Path

from tui_hub.domain.artifacts import weights_format
from tui_hub.formats import READABLE, HeaderError, NewerError, read_header

BROKEN = "It may have been cut short on its way here; get it again from where it is from."
"""What to do about such a file."""


def why_broken(file: Path, path: str) -> str | None:
    """What is wrong with a weights file by its header; `None` for one that may be whole.

    Formats without a header that is read here pass, and so does what a newer program may have
    written.

    Args:
        file: where its bytes are.
        path: its name inside the model, which tells the format.

    Raises:
        OSError: when it cannot be read.
    """
    form = weights_format(path)
    if form is None:
        return None
    with file.open("rb") as opened:
        descriptor = opened.fileno()
        size = os.fstat(descriptor).st_size
        if size == 0:
            return "no whole weights file: it is empty"
        if form not in READABLE:
            return None
        try:
            read_header(form, size, lambda offset, length: os.pread(descriptor, length, offset))
        except NewerError:
            return None
        except HeaderError as error:
            return f"no whole weights file: {error.message}"
    return None
