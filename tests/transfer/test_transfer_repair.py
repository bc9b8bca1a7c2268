"""A wrong hash: where the file is wrong is found out, and fetched again where that helps."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from content import CONTENT, SHA256

from tui_hub.domain.errors import CorruptError
from tui_hub.transfer.repair import Repair
from tui_hub.transfer.trouble import Mismatch

SIZE = len(CONTENT)
PIECE = 256 * 1024
WRONG = hashlib.sha256(b"").hexdigest()


def test_the_piece_that_was_wrong_is_named_after_a_second_fetch(server, destination, make):
    server.flips = {5 * PIECE + 7: (1,)}
    result = make(server.url("bit-flip-now-and-then"), size=SIZE, sha256=SHA256).run()
    assert destination.path.read_bytes() == CONTENT
    assert result.mended == ((5 * PIECE, 6 * PIECE),)
    assert result.bytes_transferred == 2 * SIZE


@pytest.mark.parametrize("lanes", [1, 4])
def test_what_differs_between_two_wrong_copies_is_fetched_a_third_time(
    lanes, server, destination, make
):
    """Neither copy is right; pieces on which they agree are, and only the others come again."""
    server.flips = {PIECE + 7: (1,), 5 * PIECE: (2,), SIZE - 1: (2,)}
    url = server.url("bit-flip-now-and-then")
    transfer = make(url, size=SIZE, sha256=SHA256, connections=lanes)
    if lanes > 1:
        server.pace = 0.004
    result = transfer.run()
    assert destination.path.read_bytes() == CONTENT
    last = (SIZE // PIECE) * PIECE
    assert result.mended == ((PIECE, 2 * PIECE), (5 * PIECE, 6 * PIECE), (last, SIZE))
    assert result.bytes_transferred == 2 * SIZE + 2 * PIECE + SIZE - last


def test_a_piece_that_comes_wrong_three_times_is_given_a_fourth(server, destination, make):
    server.flips = {7: (1,), 5 * PIECE: (2,), 5 * PIECE + 1: (3,)}
    result = make(server.url("bit-flip-now-and-then"), size=SIZE, sha256=SHA256).run()
    assert destination.path.read_bytes() == CONTENT
    assert result.bytes_transferred == 2 * SIZE + 3 * PIECE


def test_a_source_with_another_file_is_told_by_both_hashes(server, destination, make):
    transfer = make(server.url("honest"), size=SIZE, sha256=WRONG)
    with pytest.raises(CorruptError, match="the same each time") as caught:
        transfer.run()
    assert SHA256 in caught.value.message and WRONG in caught.value.message
    assert "given up" in caught.value.message
    assert transfer.snapshot().transferred == 2 * SIZE, "a third time would bring the same"
    assert destination.ranges == ()


def test_a_way_that_changes_bytes_each_time_is_told(server, destination, make):
    transfer = make(server.url("bit-flip-anywhere"), size=SIZE, sha256=SHA256)
    with pytest.raises(CorruptError, match="others each time") as caught:
        transfer.run()
    assert "proxy" in caught.value.hint
    assert transfer.snapshot().transferred <= 4 * SIZE
    assert destination.ranges == ()


def test_a_transfer_that_was_right_at_once_is_not_read_again(server, destination, make):
    assert make(server.url("honest"), size=SIZE, sha256=SHA256).run().mended == ()


@pytest.fixture
def copies(tmp_path: Path):
    """A file whose bytes can be set."""
    path = tmp_path / "file"
    path.touch()
    with path.open("r+b") as file:

        def put(data: bytes) -> int:
            path.write_bytes(data)
            return file.fileno()

        yield put


def nothing() -> None:
    pass


def test_only_what_differs_is_asked_for_again(copies):
    repair, mismatch = Repair(10), Mismatch("wrong")
    assert repair.compare(copies(b"a" * 95), 95, mismatch, nothing) == ()
    second = b"a" * 20 + b"b" + b"a" * 73 + b"b"
    assert repair.compare(copies(second), 95, mismatch, nothing) == ((0, 20), (30, 90))
    third = b"a" * 20 + b"c" + b"a" * 74
    assert repair.compare(copies(third), 95, mismatch, nothing) == ((0, 20), (30, 95))
    right = b"a" * 20 + b"d" + b"a" * 74
    assert repair.mended(copies(right), 95, nothing) == ((20, 30), (90, 95))


def test_many_pieces_in_doubt_are_not_fetched_a_third_time(copies):
    piece = 32 * 1024**2
    repair, mismatch = Repair(piece), Mismatch("wrong")
    size = 3 * piece
    repair.compare(copies(b"a" * size), size, mismatch, nothing)
    with pytest.raises(CorruptError, match="others each time"):
        repair.compare(copies(b"b" * size), size, mismatch, nothing)


def test_a_stop_is_heeded_while_pieces_are_compared(copies):
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    with pytest.raises(Stop):
        Repair(10).compare(copies(b"a" * 95), 95, Mismatch("wrong"), stop)
