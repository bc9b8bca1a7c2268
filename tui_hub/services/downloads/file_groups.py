"""Small files that arrive one after the other and are committed together.

What a small file costs is not its bytes but what makes them durable and writes that down, and
several files share most of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

from tui_hub.blobs import BlobStore, Hold
from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import HubError
from tui_hub.services.downloads.file_download import FileDownload
from tui_hub.transfer import BRIEF

_MOST = 32
"""Files of a group, which are open until it is committed."""
_BYTES = 8 * 1024**2
"""Bytes of a group: what a killed process may cost."""
_TURNS = 4
"""Groups for each worker at the least, so that all have work until the end."""

Ended = Mapping[FileDownload, Artifact | HubError]
"""How each file of a group ended."""


def grouped(files: Sequence[FileDownload], workers: int) -> Iterator[tuple[FileDownload, ...]]:
    """The files in their order, small ones that follow each other in groups."""
    small = sum(map(_is_small, files))
    most = max(1, min(_MOST, small // (workers * _TURNS)))
    group: list[FileDownload] = []
    room = _BYTES
    for file in files:
        if not _is_small(file):
            yield (file,)
            continue
        size = file.artifact.size or 0
        if group and (len(group) == most or size > room):
            yield tuple(group)
            group.clear()
            room = _BYTES
        group.append(file)
        room -= size
    if group:
        yield tuple(group)


def bring(store: BlobStore, hold: Hold, files: Sequence[FileDownload]) -> Ended:
    """Bring the files of a group in; one that fails does not stop the others.

    The lock of the first stands for all: another process has the same groups, or another part of
    the files and no harm is done.
    """
    ended: dict[FileDownload, Artifact | HubError] = {}
    rooms = _rooms(store, files)
    with ExitStack() as until:
        arrived: dict[str, FileDownload] = {}
        for file in files:
            try:
                if file is files[0]:
                    file.await_turn(until)
                if file.key in arrived:  # the same bytes once more, under another name
                    ended |= _commit(store, hold, [*arrived.values()])
                    arrived.clear()
                if file.arrive(until, rooms.get(file)):
                    arrived[file.key] = file
                else:
                    ended[file] = file.artifact
            except HubError as error:
                ended[file] = error
        ended |= _commit(store, hold, [*arrived.values()])
    return ended


def _rooms(store: BlobStore, files: Sequence[FileDownload]) -> Mapping[FileDownload, memoryview]:
    """The memory that the files of a group come into, one after the other.

    Those of which something is here already are none of them, nor is a file that is alone.
    """
    if len(files) < 2:
        return {}
    begun = store.begun()
    room = memoryview(bytearray(max(file.artifact.size or 0 for file in files)))
    return {file: room for file in files if file.key not in begun}


def _commit(store: BlobStore, hold: Hold, files: Sequence[FileDownload]) -> Ended:
    """Commit files together; where that fails, each by itself, to learn which one it was."""
    if len(files) > 1:
        arrived = [file.arrived for file in files]
        try:
            hold.add(*(result.sha256 for _, result in arrived))
            store.commit_all([(partial, result.sha256) for partial, result in arrived])
        except HubError:
            pass
        else:
            return {file: file.committed() for file in files}
    ended: dict[FileDownload, Artifact | HubError] = {}
    for file in files:
        try:
            ended[file] = file.commit()
        except HubError as error:
            ended[file] = error
    return ended


def _is_small(file: FileDownload) -> bool:
    size = file.artifact.size
    return size is not None and size <= BRIEF
