"""One file of a download that lies on this box already: taken into the store, verified."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tui_hub.blobs import Terms
from tui_hub.domain.artifacts import Verified
from tui_hub.domain.downloads import FileState
from tui_hub.domain.errors import CorruptError, InterruptedJobError, NotFoundError
from tui_hub.services.downloads.file_download import FileDownload
from tui_hub.sources.folders import look_at
from tui_hub.text import clean


class FileTaking(FileDownload):
    """Takes one local file in: shares its blocks where the disk can, else copies it.

    Never by a second name for the file itself, however read-only it is: its owner may write to it
    one day, and that would damage the blob.
    """

    @property
    def _file(self) -> Path:
        return self._request.file or Path()

    def _obtain(self, until: ExitStack, room: memoryview | None) -> bool:
        artifact, modified = self.artifact, self._look()
        size = artifact.size or 0
        self._advance(0)
        if artifact.sha256 is None and artifact.md5 is None:
            self._refuse_broken(self._file)
        sha256 = self._means.store.adopt(
            self._file,
            Terms(
                sha256=artifact.sha256,
                md5=artifact.md5,
                modified=modified,
                progress=self._advance,
                announce=self._means.hold.add,
            ),
        )
        self._last = replace(
            self._last,
            state=FileState.COMPLETED,
            size=size,
            done=size,
            ranges=((0, size),) if size else (),
            message="",
        )
        checked = Verified.MD5 if artifact.md5 else Verified.SIZE
        verified = Verified.SHA256 if artifact.sha256 else checked
        self._complete(sha256, size, verified, artifact.etag)
        return False

    def _look(self) -> int:
        """When the file was written last, if it is still the one that was listed.

        Raises:
            CorruptError: when it was written since.
            NotFoundError: when it is gone.
            UnsafeError: when something else is in its place.
        """
        try:
            now = look_at(self._file, self._file.parent)
        except NotFoundError as error:
            hint = "Put it back, or add the model anew from where its files are."
            raise NotFoundError(error.message, hint=hint) from None
        if (now.size, now.mark) != (self.artifact.size, self.artifact.etag):
            raise CorruptError(
                f"{clean(str(self._file), 300)} changed since it was listed",
                hint="The same command once more takes it as it is now.",
            )
        return int(now.mark or 0)

    def _advance(self, done: int) -> None:
        """Note how far it is. Raises `InterruptedJobError` after `stop`."""
        if self._stopped.is_set():
            raise InterruptedJobError("stopped; the file stays where it is")
        self._last = replace(
            self._last,
            state=FileState.DOWNLOADING,
            done=done,
            bytes_transferred=done,
            ranges=((0, done),) if done else (),
        )
