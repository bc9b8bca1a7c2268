"""One file of a download: into the store, from wherever it comes or has come already."""

from __future__ import annotations

import errno
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import field, replace
from pathlib import Path

from tui_hub.blobs import BlobStore, Hold, Nameless, Partial, Terms
from tui_hub.blobs.hashing import sha256_file
from tui_hub.domain.artifacts import Artifact, ArtifactStatus, Verified, partial_key
from tui_hub.domain.downloads import FileProgress, FileState
from tui_hub.domain.errors import CorruptError, HubError, InterruptedJobError, NoSpaceError
from tui_hub.domain.frozen import dataclass
from tui_hub.services.downloads.copies import is_copy
from tui_hub.services.downloads.pictures import Ranges
from tui_hub.services.downloads.transfers import DownloadTransfers
from tui_hub.services.downloads.turns import await_turn
from tui_hub.services.downloads.whole_weights import BROKEN, why_broken
from tui_hub.sources.base import FileRequest
from tui_hub.text import clean
from tui_hub.transfer import Transferred


@dataclass(frozen=True, slots=True)
class Means:
    """What all files of a download share."""

    store: BlobStore
    hold: Hold
    """Keeps what this download relies on from being collected before its receipt is written."""
    transfers: DownloadTransfers
    owners: Mapping[str, str] = field(default_factory=dict)
    """Other models that have a file of this download already, by its SHA-256."""


class FileDownload(ABC):
    """Brings one file into the store: it arrives, and is committed, alone or with others.

    From where it comes is for those that are made of it: `FileFetching`, `FileTaking`.

    `arrive` and `commit` block; `stop` and `snapshot` may be called from any thread.
    """

    def __init__(
        self,
        means: Means,
        artifact: Artifact,
        request: FileRequest,
        metadata_copy: Path | None,
        here: Ranges = (),
    ) -> None:
        """Begin with what earlier attempts left.

        Args:
            means: what all files of the download share.
            artifact: the file.
            request: how to fetch it.
            metadata_copy: where a sync put a small file of this name.
            here: the ranges of it that have arrived.
        """
        self.artifact = artifact
        self._means = means
        self._request = request
        self._metadata_copy = metadata_copy
        self._stopped = threading.Event()
        self._arrived: tuple[Partial | Nameless, Transferred] | None = None
        self._last = FileProgress(
            path=artifact.path,
            size=artifact.size,
            done=sum(end - start for start, end in here),
            ranges=here,
        )
        """Its picture while no transfer runs."""

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
            await_turn(self._means.store, self.key, until, self._stopped, self._wait)

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
            return self._obtain(until, room)

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
        """Stop soon; `arrive` raises and the bytes stay."""
        self._stopped.set()

    def snapshot(self) -> FileProgress:
        """Where the file stands."""
        return self._last

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

    @abstractmethod
    def _obtain(self, until: ExitStack, room: memoryview | None) -> bool:
        """Bring a file here that is not; whether it is still to be committed."""

    def _refuse_broken(self, file: Path) -> None:
        """Stop at weights that are not whole by their own header. Raises `CorruptError`."""
        why = why_broken(file, self.artifact.path)
        if why is not None:
            raise CorruptError(f"this is {why}", hint=BROKEN)

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

    def _wait(self) -> None:
        self._note(FileState.WAITING, "another process is fetching this file")

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
