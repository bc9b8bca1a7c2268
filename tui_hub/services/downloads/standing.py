"""Where the files of a download stand, looked at again only while they are in work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui_hub.domain.downloads import FileProgress
from tui_hub.services.downloads.file_download import FileDownload


@dataclass(slots=True)
class Sums:
    """The figures of all files together."""

    total: int = 0
    done: int = 0
    transferred: int = 0
    saved: int = 0
    connections: int = 0
    retries: int = 0

    def add(self, file: FileProgress, sign: int = 1) -> None:
        """Take the figures of one file in, or out again by a negative sign."""
        self.total += sign * (file.size or 0)
        self.done += sign * file.done
        self.transferred += sign * file.bytes_transferred
        self.saved += sign * file.bytes_saved
        self.connections += sign * file.connections
        self.retries += sign * file.retries


class Standing:
    """The latest picture of every file; of thousands, few change from one look to the next."""

    def __init__(self, files: Sequence[FileDownload]) -> None:
        self._files = [file.snapshot() for file in files]
        self._places = {file: place for place, file in enumerate(files)}
        self._working: set[FileDownload] = set()
        self.sums = Sums()
        for file in self._files:
            self.sums.add(file)

    def begin(self, files: Iterable[FileDownload]) -> None:
        """These files are in work from now on."""
        self._working.update(files)

    def end(self, files: Iterable[FileDownload]) -> None:
        """These files change no more."""
        for file in files:
            self._look(file)
            self._working.discard(file)

    def look(self) -> tuple[FileProgress, ...]:
        """All files as they stand."""
        for file in self._working:
            self._look(file)
        return tuple(self._files)

    def _look(self, file: FileDownload) -> None:
        place, now = self._places[file], file.snapshot()
        before = self._files[place]
        if now is not before:
            self.sums.add(before, -1)
            self.sums.add(now)
            self._files[place] = now
