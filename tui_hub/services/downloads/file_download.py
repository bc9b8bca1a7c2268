"""One file of a download: from what is already here, or over the network, into the store."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from tui_hub.blobs import BlobStore, Hold, Nameless, Partial, Terms
from tui_hub.blobs.hashing import sha256_file
from tui_hub.domain.artifacts import Artifact, ArtifactStatus, Verified, partial_key
from tui_hub.domain.downloads import FileProgress, FileState
from tui_hub.domain.errors import CorruptError, HubError, InterruptedJobError, NoSpaceError
from tui_hub.services.downloads.copies import is_copy
from tui_hub.services.downloads.pictures import Ranges
from tui_hub.services.downloads.transfers import DownloadTransfers, Running
from tui_hub.sources import FileRequest
from tui_hub.text import clean
from tui_hub.transfer import Brief, Request, Transferred

_log = logging.getLogger(__name__)

_WAIT_SECONDS = 0.3
_SILENCE = 120.0
"""Seconds after which somebody who fetches a file and gets no further is not waited for."""


@dataclass(frozen=True, slots=True)
class Means:
    """What all files of a download share."""

    store: BlobStore
    hold: Hold
    """Keeps what this download relies on from being collected before its receipt is written."""
    transfers: DownloadTransfers
    owners: Mapping[str, str] = field(default_factory=dict)
    """Other models that have a file of this download already, by its SHA-256."""


class FileDownload:
    """Brings one file into the store: it arrives, and is committed, alone or with others.

    `arrive` and `commit` block; `stop` and `snapshot` may be called from any thread.
    """

    def __init__(
        self,
        means: Means,
        artifact: Artifact,
        request: FileRequest,
        metadata_copy: Path | None,
        others: Sequence[FileRequest] = (),
        here: Ranges = (),
    ) -> None:
        self.artifact = artifact
        self._means = means
        self._request = request
        self._metadata_copy = metadata_copy
        self._others = others
        """Where the same bytes are said to be, should its own place hand out wrong ones."""
        self._spent = 0
        """Bytes that earlier tries brought."""
        self._stopped = threading.Event()
        self._transfer: Running | Brief | None = None
        self._arrived: tuple[Partial | Nameless, Transferred] | None = None
        self._last = FileProgress(
            path=artifact.path,
            size=artifact.size,
            done=sum(end - start for start, end in here),
            ranges=here,
        )
        """Its picture while no transfer runs; it begins with what earlier attempts left."""

    @property
    def key(self) -> str:
        """Under which name its bytes wait in the store until they are whole."""
        return partial_key(self.artifact)

    def await_turn(self, until: ExitStack) -> None:
        """Wait while somebody else fetches the file, and gets on with it.

        A process may be stopped while it has the lock, which then tells nothing any more.

        Args:
            until: holds the lock until the file, and those that come with it, are committed.

        Raises:
            InterruptedJobError: after `stop`.
        """
        with self._telling():
            signs, since = self._means.store.signs(self.key), time.monotonic()
            while not self._take_turn(until):
                seen = self._means.store.signs(self.key)
                if seen != signs:
                    signs, since = seen, time.monotonic()
                elif time.monotonic() - since > _SILENCE:
                    return
                self._note(FileState.WAITING, "another process is fetching this file")
                self._stopped.wait(_WAIT_SECONDS)
                if self._stopped.is_set():
                    raise InterruptedJobError("stopped before it began")

    def _take_turn(self, until: ExitStack) -> bool:
        """Take the lock for as long as `until` says; leave nothing open where somebody has it."""
        with ExitStack() as attempt:
            if not attempt.enter_context(self._means.store.lock(self.key)):
                return False
            until.enter_context(attempt.pop_all())
            return True

    def arrive(self, until: ExitStack, room: memoryview | None = None) -> bool:
        """Bring the bytes here and verify them.

        Args:
            until: holds what must be held until the file is committed.
            room: memory for all of them, where the file is small and nothing is here of it: what
                arrived of it before the process died may be lost.

        Returns:
            Whether it is still to be committed; else it was in the store already.

        Raises:
            InterruptedJobError: after `stop`; what arrived is kept.
            HubError: when it cannot be had; what arrived is kept where it can still be of use.
        """
        with self._telling():
            if self._already_here():
                return False
            if self._stopped.is_set():
                raise InterruptedJobError("stopped before it began")
            return self._fetch(until, room)

    def commit(self) -> Artifact:
        """Bring what arrived into the store, and return the file as it is now.

        Raises:
            HubError: when the disk fails; what arrived is kept.
        """
        with self._telling():
            partial, result = self.arrived
            self._means.hold.add(result.sha256)
            self._means.store.commit(partial, result.sha256)
            return self.committed()

    def committed(self) -> Artifact:
        """The file as it is now that its bytes are in the store."""
        _, result = self.arrived
        self._last = replace(
            self._last,
            state=FileState.COMPLETED,
            size=result.size,
            done=result.size,
            bytes_transferred=result.bytes_transferred,
            resumed_from=result.resumed_from,
            connections=0,
            ranges=((0, result.size),) if result.size else (),
            message="",
        )
        self._complete(result.sha256, result.size, result.verified, result.etag)
        return self.artifact

    @property
    def arrived(self) -> tuple[Partial | Nameless, Transferred]:
        """What has arrived and is to be committed."""
        assert self._arrived is not None  # noqa: S101 - `arrive` gave `None`
        return self._arrived

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Show every failure in the picture, and raise it in words."""
        try:
            yield
        except InterruptedJobError:
            self._note(FileState.PAUSED)
            raise
        except CorruptError as error:
            self._note(FileState.FAILED, error.message)
            path = clean(self.artifact.path, 200)
            raise CorruptError(f"{path}: {error.message}", hint=error.hint) from error
        except HubError as error:
            self._note(FileState.FAILED, error.message)
            raise
        except OSError as error:
            failure = _of_disk(error, self._means.store.root)
            self._note(FileState.FAILED, failure.message)
            raise failure from error

    def stop(self) -> None:
        """Stop soon; `run` raises and the bytes stay."""
        self._stopped.set()
        transfer = self._transfer
        if transfer is not None:
            transfer.stop()

    def snapshot(self) -> FileProgress:
        """Where the file stands."""
        transfer = self._transfer
        if transfer is None or self._last.state in (
            FileState.COMPLETED,
            FileState.FAILED,
            FileState.PAUSED,
        ):
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

    def _already_here(self) -> bool:
        """Take the file out of the store, or out of the metadata that a sync fetched."""
        store, artifact = self._means.store, self.artifact
        if artifact.sha256 is not None:
            self._means.hold.add(artifact.sha256)
        if artifact.sha256 is not None and store.has(artifact.sha256, artifact.size):
            verified = artifact.verified if artifact.blob else Verified.SHA256
            # What this model has already, from an earlier attempt or download, saves nothing.
            self._deduplicated(artifact.sha256, verified, saves=artifact.blob is None)
            return True
        copy = self._metadata_copy
        if copy is None or not is_copy(artifact, copy):
            return False
        verified = Verified.SHA256 if artifact.sha256 else Verified.GIT_SHA1
        sha256 = artifact.sha256 or sha256_file(copy)
        self._means.hold.add(sha256)
        self._deduplicated(store.adopt(copy, Terms(sha256=sha256)), verified, saves=False)
        return True

    def _deduplicated(self, sha256: str, verified: Verified, *, saves: bool) -> None:
        self._means.hold.add(sha256)
        size = self._means.store.size(sha256)
        self._last = replace(
            self._last,
            state=FileState.COMPLETED,
            size=size,
            done=size or 0,
            deduplicated=True,
            origin=self._means.owners.get(sha256, ""),
            bytes_saved=(size or 0) if saves else 0,
            ranges=((0, size),) if size else (),
        )
        self._complete(sha256, self._last.size, verified, self.artifact.etag)

    def _fetch(self, until: ExitStack, room: memoryview | None) -> bool:
        """Whether it has arrived and is to be committed."""
        if room is not None and self._fetch_briefly(until, room):
            return True
        partial = self._means.store.open_partial(self.key, self.artifact.size)
        until.callback(partial.close)
        try:
            self._arrived = partial, self._from_any(partial)
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

    def _complete(
        self, sha256: str, size: int | None, verified: Verified, etag: str | None
    ) -> None:
        self.artifact = replace(
            self.artifact,
            status=ArtifactStatus.COMPLETED,
            sha256=sha256,
            blob=sha256,
            size=size,
            verified=verified,
            etag=etag or self.artifact.etag,
            error=None,
        )

    def _keep_figures(self) -> None:
        """Remember the figures of a transfer that is over, whichever way it ended."""
        if self._transfer is not None:
            self._last = replace(self.snapshot(), connections=0)

    def _note(self, state: FileState, message: str = "") -> None:
        self._last = replace(self._last, state=state, message=message, connections=0)


def _of_disk(error: OSError, root: Path) -> HubError:
    """An error of the disk, in words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(
            f"the disk of {root} is full",
            hint="Free some room and start the download again; it goes on where it stopped.",
        )
    return HubError(f"the store {root} cannot be written: {error.strerror}")
