"""Files far beyond what fits into 32 bits: offsets, ranges and records at their end."""

from __future__ import annotations

import os
import threading

import pytest
from content import CONTENT
from hostile import Hostile, Reply, Seen
from plain_file import PlainFile

from tui_hub.domain.errors import InterruptedJobError
from tui_hub.transfer import Cancellation, Options, Pool, RangeReader, Request, Transfer
from tui_hub.transfer.pieces import Pieces

BASE = 60 * 10**9
SIZE = BASE + len(CONTENT)
PIECE = 256 * 1024


class Far(Hostile):
    """Serves a file of 60 GB that is known at its end."""

    def honest(self, seen: Seen) -> Reply:
        assert seen.range is not None
        start, end = seen.range[0], min(seen.range[1], SIZE)
        body = self.content[start - BASE : end - BASE]
        headers = {
            "ETag": self.etag,
            "Content-Range": f"bytes {start}-{end - 1}/{SIZE}",
            "Content-Length": str(len(body)),
        }
        return Reply(206, headers, body)


class Sparse(PlainFile):
    """Takes no disk for what was not written."""

    def allocate(self, size: int) -> None:
        os.ftruncate(self.fileno(), size)
        self.size = size


@pytest.mark.parametrize("lanes", [1, 4])
def test_the_last_pieces_of_a_huge_file_come_to_their_place(lanes, tmp_path, pauses):
    """Hashing all of it would take a minute: the test is over once every byte is here."""
    file = Sparse(tmp_path / "huge")
    file.allocate(SIZE)
    file.checkpoint(((0, BASE),), '"strong-1"')
    with Far(CONTENT, pace=0.004 if lanes > 1 else 0.0) as server:
        transfer = Transfer(
            Request(url=server.url("honest"), size=SIZE, sha256="0" * 64),
            file,
            Options(connections=lanes, piece_size=PIECE, environment={}),
            clock=pauses.clock,
        )
        ended: list[BaseException] = []

        def run() -> None:
            try:
                transfer.run()
            except InterruptedJobError as error:
                ended.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        while transfer.snapshot().done < SIZE and thread.is_alive():
            thread.join(0.01)
        transfer.stop()
        thread.join(60)
    assert len(ended) == 1
    assert file.ranges == ((0, SIZE),)
    assert os.pread(file.fileno(), len(CONTENT), BASE) == CONTENT
    assert file.path.stat().st_blocks * 512 < 2 * len(CONTENT)
    assert transfer.snapshot().transferred == len(CONTENT)
    file.close()


def test_a_few_bytes_at_the_end_of_a_huge_file_can_be_read():
    pool = Pool({}, timeout=30)
    with Far(CONTENT) as server:
        request = Request(url=server.url("honest"), size=SIZE)
        reader = RangeReader(request, Options(environment={}), pool, Cancellation())
        assert reader.read(SIZE - 500, 1000) == CONTENT[-500:]
    pool.close()


def test_the_pieces_of_a_huge_file_are_handed_out_to_its_end():
    pieces = Pieces(SIZE, ((0, BASE),), PIECE)
    claims = []
    while (claim := pieces.claim(0.0)) is not None:
        claims.append(claim)
    assert claims[0].start == BASE and claims[-1].end == SIZE
    assert [one.end for one in claims[:-1]] == [one.start for one in claims[1:]]
    assert all(one.start % PIECE == 0 for one in claims[1:])
