"""One file of a download that comes over the network."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from tui_hub.blobs import Partial
from tui_hub.domain.artifacts import Artifact, Verified
from tui_hub.domain.downloads import FileProgress, FileState
from tui_hub.domain.errors import CorruptError, HubError, InterruptedJobError
from tui_hub.services.downloads.file_download import FileDownload, Means
from tui_hub.services.downloads.pictures import Ranges
from tui_hub.services.downloads.transfers import Running
from tui_hub.sources.base import FileRequest
from tui_hub.text import clean
from tui_hub.transfer import Brief, Request, Transferred

_log = logging.getLogger(__name__)

_OVER = (FileState.COMPLETED, FileState.FAILED, FileState.PAUSED)


class FileFetching(FileDownload):
    """Fetches one file: a small one at once, a large one by a transfer that can be gone on with."""

    def __init__(
        self,
        means: Means,
        artifact: Artifact,
        request: FileRequest,
        metadata_copy: Path | None,
        others: Sequence[FileRequest] = (),
        here: Ranges = (),
    ) -> None:
        """Begin as `FileDownload` does, with the arguments that it takes and one more.

        Args:
            others: where the same bytes are said to be, should its own place hand out wrong ones.
        """
        super().__init__(means, artifact, request, metadata_copy, here)
        self._others = others
        self._spent = 0
        """Bytes that earlier tries brought."""
        self._transfer: Running | Brief | None = None

    def stop(self) -> None:
        """Stop soon; `arrive` raises and the bytes stay."""
        super().stop()
        transfer = self._transfer
        if transfer is not None:
            transfer.stop()

    def snapshot(self) -> FileProgress:
        """Where the file stands."""
        transfer = self._transfer
        if transfer is None or self._last.state in _OVER:
            return self._last
        live = transfer.snapshot()
        return replace(
            self._last,
            size=live.size if live.size is not None else self._last.size,
            state=live.state,
            done=live.done,
            bytes_transferred=self._spent + live.transferred,
            resumed_from=live.resumed_from,
            connections=live.connections,
            retries=live.retries,
            ranges=live.ranges,
            message=live.message,
        )

    def _obtain(self, until: ExitStack, room: memoryview | None) -> bool:
        """Whether it has arrived and is to be committed."""
        if room is not None and self._fetch_briefly(until, room):
            return True
        partial = self._means.store.open_partial(self.key, self.artifact.size)
        until.callback(partial.close)
        try:
            result = self._from_any(partial)
            if result.verified is Verified.NONE:
                # Of a size that nobody told, an end is no different from a connection that broke.
                self._refuse_broken(partial.path)
            self._arrived = partial, result
        finally:
            self._keep_figures()
        return True

    def _fetch_briefly(self, until: ExitStack, room: memoryview) -> bool:
        """Whether it arrived in one go; if not, what came of it waits to be gone on with."""
        store = self._means.store
        brief = self._means.transfers.brief(self._as_request(self._request), room)
        if brief is None:
            return False
        self._transfer = brief
        if self._stopped.is_set():
            brief.stop()
        result: Transferred | None = None
        try:
            result = brief.run()
        finally:
            if result is None:
                self._keep_figures()
                self._spent = len(brief.content)
                if brief.resumable:
                    size = self.artifact.size or 0
                    # A disk that has no room for it must not hide how this ended.
                    with suppress(HubError):
                        store.keep_beginning(self.key, size, brief.content, brief.validator)
            self._transfer = None  # the room is for the next file
        if result is None:
            return False
        size = result.size
        self._last = replace(
            self._last,
            state=FileState.VERIFYING,
            done=size,
            bytes_transferred=size,
            ranges=((0, size),) if size else (),
        )
        whole = store.make_whole(self.key, brief.content)
        until.callback(whole.close)
        self._arrived = whole, result
        return True

    def _from_any(self, partial: Partial) -> Transferred:
        """From its own place, or where that hands out wrong bytes from another that has them too.

        Raises:
            HubError: what is wrong with its own place.
        """
        try:
            return self._transfer_from(self._request, partial)
        except CorruptError as wrong:
            for other in self._others:
                _log.warning("%s: %s", clean(self.artifact.path, 200), wrong.message)
                self._spent = self.snapshot().bytes_transferred
                try:
                    return self._transfer_from(other, partial)
                except InterruptedJobError:
                    raise
                except HubError as error:
                    _log.warning("another place that has it is no help: %s", error.message)
            raise

    def _as_request(self, request: FileRequest) -> Request:
        artifact = self.artifact
        return Request(
            url=request.url,
            headers=request.headers,
            log_in=request.log_in,
            size=artifact.size,
            sha256=artifact.sha256,
            git_sha1=artifact.git_sha1,
            md5=artifact.md5,
        )

    def _transfer_from(self, request: FileRequest, partial: Partial) -> Transferred:
        self._transfer = self._means.transfers.transfer(
            self._as_request(request),
            partial,
        )
        if self._stopped.is_set():
            self._transfer.stop()
        result = self._transfer.run()
        if result.mended:
            _log.warning(
                "%s arrived damaged and was fetched again, where it was: bytes %s",
                clean(self.artifact.path, 200),
                ", ".join(f"{start}-{end - 1}" for start, end in result.mended[:10]),
            )
        return replace(result, bytes_transferred=self._spent + result.bytes_transferred)

    def _keep_figures(self) -> None:
        """Remember the figures of a transfer that is over, whichever way it ended."""
        if self._transfer is not None:
            self._last = replace(self.snapshot(), connections=0)
