"""What a listing alone tells of a model's need, and the classes that it is searched by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_hub.domain.fit import Basis, Need, needs_on
from tui_hub.domain.models import Fit, Model
from tui_hub.domain.stored_need import (
    NEEDS,
    Capacity,
    classes_within,
    most_weights,
    need_class,
    stored_need,
)

GIB = 2**30


def model(params: int | None = None, size: int | None = None) -> Model:
    return Model(id="hf:a/b", source="hf", name="b", params=params, size=size)


@given(st.integers(1, 2**45))
def test_the_need_is_that_of_a_fit_by_the_count(params: int) -> None:
    weights = Need(part="weights", bytes=2 * params, basis=Basis.ESTIMATE)
    assert stored_need(model(params)) == sum(one.bytes for one in needs_on([weights], gpu=True))


def test_files_that_are_smaller_than_their_numbers_are_quantised() -> None:
    assert stored_need(model(8 * 10**9, 5 * GIB)) == stored_need(model(size=5 * GIB))
    assert stored_need(model(8 * 10**9, 40 * GIB)) == stored_need(model(8 * 10**9))
    assert stored_need(model()) is None
    assert stored_need(model(0, 0)) is None


def test_real_cards_have_room_for_their_classes() -> None:
    mebibytes = {8188: "7.5 GiB", 12282: "11.5 GiB", 15360: "14.7 GiB", 16376: "14.7 GiB",
                 23028: "22 GiB", 24564: "22 GiB", 32607: "31.5 GiB", 40536: "39 GiB",
                 46068: "44.5 GiB", 49140: "44.5 GiB", 81559: "79 GiB", 95830: "93 GiB",
                 143771: "139 GiB", 183359: "178 GiB"}  # fmt: skip
    for total, largest in mebibytes.items():
        assert classes_within(total * 2**20)[-1] == largest
    assert classes_within(GIB) == ()
    assert len(classes_within(2**60)) == len(NEEDS) - 1


@given(st.integers(GIB // 2, 300 * GIB), st.integers(0, 300 * GIB))
def test_the_bound_of_weights_is_that_of_the_classes(weights: int, memory: int) -> None:
    within = need_class(model(size=weights)) in classes_within(memory)
    assert within == (weights <= most_weights(memory))


@pytest.mark.parametrize(
    ("weights", "fit"),
    [(10, Fit.FITS), (30, Fit.NEEDS_GPUS), (60, Fit.OFFLOAD), (200, Fit.TOO_BIG)],
)
def test_a_box_with_two_cards(weights: int, fit: Fit) -> None:
    box = Capacity(24 * GIB, 48 * GIB, 64 * GIB)
    assert box.fit(model(size=weights * GIB)) is fit


def test_a_box_without_a_card() -> None:
    box = Capacity(64 * GIB, 0, 64 * GIB)
    assert box.fit(model(size=30 * GIB)) is Fit.FITS
    assert box.fit(model(size=100 * GIB)) is Fit.TOO_BIG
    assert box.fit(model()) is Fit.UNKNOWN
