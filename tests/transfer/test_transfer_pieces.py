"""The row of pieces: what is here, what is on its way, what comes next."""

from __future__ import annotations

import random

import pytest

from tui_hub.transfer.pieces import Pieces, Ranges

MIB = 1024**2


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ([], []),
        ([(3, 3)], []),
        ([(0, 4), (4, 8)], [(0, 8)]),
        ([(5, 8), (0, 2)], [(0, 2), (5, 8)]),
        ([(0, 2), (5, 8), (1, 6)], [(0, 8)]),
        ([(0, 10), (2, 3)], [(0, 10)]),
        ([(0, 1), (2, 3), (4, 5), (1, 4)], [(0, 5)]),
        ([(4, 6), (0, 2), (8, 9), (2, 8)], [(0, 9)]),
    ],
)
def test_ranges_merge(added, expected):
    assert list(Ranges(added)) == expected


def test_ranges_agree_with_a_set_of_offsets():
    chance = random.Random(3)
    for _ in range(200):
        ranges, offsets = Ranges(), set()
        for _ in range(chance.randrange(1, 12)):
            start = chance.randrange(60)
            end = start + chance.randrange(12)
            ranges.add(start, end)
            offsets.update(range(start, end))
        assert {at for start, end in ranges for at in range(start, end)} == offsets
        assert ranges.total == len(offsets)
        missing = next(at for at in range(100) if at not in offsets)
        assert ranges.prefix == missing
        assert all(end < start for (_, end), (start, _) in zip(ranges, list(ranges)[1:]))  # noqa: B905


def test_gaps_stop_at_the_end_asked_for():
    ranges = Ranges([(0, 4), (8, 12)])
    assert ranges.gap(20) == (4, 8)
    assert ranges.gap(6) == (4, 6)
    assert ranges.gap(4) is None
    assert Ranges([(2, 4)]).gap(10) == (0, 2)
    assert Ranges([(0, 10)]).gap(10) is None


def test_claims_come_in_order_on_the_grid_and_never_overlap():
    pieces = Pieces(100, held=[(10, 25)], piece_size=20)
    claims = []
    while (claim := pieces.claim(0.0)) is not None:
        claims.append((claim.start, claim.end))
    assert claims == [(0, 10), (25, 40), (40, 60), (60, 80), (80, 100)]
    assert not pieces.wanted(0.0)


def test_a_run_covers_several_pieces_but_stops_at_what_is_here():
    pieces = Pieces(100, held=[(50, 60)], piece_size=10)
    claim = pieces.claim(0.0, 8)
    assert claim is not None
    assert (claim.start, claim.end) == (0, 50)


def test_progress_inside_a_claim_counts_and_survives_giving_it_up():
    pieces = Pieces(100, piece_size=50)
    claim = pieces.claim(0.0)
    assert claim is not None
    pieces.advance(claim, 7)
    assert pieces.ranges == ((0, 7),)
    pieces.release(claim)
    again = pieces.claim(0.0)
    assert again is not None
    assert (again.start, again.end) == (7, 50)


def test_complete_only_when_every_byte_is_here():
    pieces = Pieces(30, piece_size=10)
    while (claim := pieces.claim(0.0)) is not None:
        assert not pieces.complete
        pieces.advance(claim, claim.end - claim.position)
        pieces.release(claim)
    assert pieces.complete
    assert pieces.prefix == pieces.done == 30
    assert Pieces(0).complete


def test_held_ranges_beyond_the_size_are_cut():
    assert Pieces(10, held=[(5, 50)]).ranges == ((5, 10),)


def test_the_tail_of_a_slow_claim_is_shared():
    pieces = Pieces(32 * MIB, piece_size=32 * MIB)
    slow = pieces.claim(0.0)
    assert slow is not None
    pieces.advance(slow, MIB)
    assert pieces.claim(0.01) is None, "at that speed the rest takes a third of a second"
    helper = pieces.claim(10.0)
    assert helper is not None
    assert slow.end == helper.start
    assert helper.end == 32 * MIB
    assert helper.end - helper.start == pytest.approx(15.5 * MIB)


def test_a_small_rest_is_not_shared():
    pieces = Pieces(3 * MIB, piece_size=8 * MIB)
    assert pieces.claim(0.0) is not None
    assert pieces.claim(1000.0) is None


def test_widen_only_when_nothing_else_is_here_or_on_its_way():
    pieces = Pieces(100, piece_size=10)
    claim = pieces.claim(0.0)
    assert claim is not None
    assert pieces.widen(claim)
    assert claim.end == 100
    pieces.advance(claim, 1)
    assert not pieces.widen(claim)
    two = Pieces(100, piece_size=10)
    first, second = two.claim(0.0), two.claim(0.0)
    assert first is not None
    assert second is not None
    assert not two.widen(first)


def test_the_last_byte_is_asked_for_again():
    pieces = Pieces(100, held=[(0, 100)], piece_size=10)
    claim = pieces.claim_last(0.0)
    assert (claim.start, claim.end) == (99, 100)
    assert not pieces.complete
    empty = Pieces(0).claim_last(0.0)
    assert (empty.start, empty.end) == (0, 0)
