"""Whole small files that have no name until they get that of their hash.

A partial has a name so that another process can go on with it. A file that arrived in one go needs
none: until it is a blob it ends with its process, and no crash leaves anything of it behind.
"""

from __future__ import annotations

import errno
import os
from functools import cache
from pathlib import Path

from tui_hub.blobs.blocks import begin_flush
from tui_hub.blobs.files import unique

_FLAGS = getattr(os, "O_TMPFILE", 0) | os.O_RDWR | os.O_CLOEXEC


class Nameless:
    """An open file without a name. What writes to the disk raises `OSError`."""

    def __init__(self, folder: Path, content: memoryview) -> None:
        """Write a file whole.

        Args:
            folder: a folder on its file system, for which `makes_nameless` says so.
            content: all its bytes.
        """
        self.size = len(content)
        self._failed = False
        self._descriptor = os.open(folder, _FLAGS, 0o600)
        try:
            while content:
                content = content[os.write(self._descriptor, content) :]
            begin_flush(self._descriptor)
        except BaseException:
            self.discard()
            raise

    def seal(self) -> os.stat_result:
        """Make the file read-only and durable."""
        # After a failed flush the kernel calls the lost pages clean, and the next flush succeeds.
        if self._failed:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fchmod(self._descriptor, 0o444)
        try:
            os.fsync(self._descriptor)
        except OSError:
            self._failed = True
            raise
        return os.fstat(self._descriptor)

    def link(self, path: str) -> None:
        """Give it a name that is free. Raises `FileExistsError` when it is not."""
        # The folder is of no account, but has os.link call linkat(2), which can follow this link.
        own = self._descriptor
        os.link(f"/proc/self/fd/{own}", path, src_dir_fd=own, follow_symlinks=True)

    def discard(self) -> None:
        """Let it go; what has no name is gone then. Doing so twice is no error."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    close = discard


@cache
def makes_nameless(folder: Path) -> bool:
    """Whether files without a name can be made here, and get one."""
    path = folder / unique("nameless", ".tmp")
    try:
        file = Nameless(folder, memoryview(b""))
    except OSError:
        return False
    try:
        file.link(str(path))
        path.unlink()
    except OSError:
        return False
    finally:
        file.discard()
    return True
