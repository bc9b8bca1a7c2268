"""Choosing models to delete: enough is freed, nothing goes for nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui_hub.domain.room import Holding, RoomPlan, plan_room


def holding(model: str, used: str | None = None, **blobs: int) -> Holding:
    return Holding(model=model, blobs=blobs, last_used=used)


def names(plan: RoomPlan) -> list[str]:
    return [step.model for step in plan.steps]


def test_what_was_never_used_goes_first_then_what_rested_longest() -> None:
    models = [holding("new", "2026-11-01", a=10), holding("old", "2026-01-01", b=10)]
    models.append(holding("never", None, c=10))
    assert names(plan_room(10, models)) == ["never"]
    assert names(plan_room(11, models)) == ["never", "old"]
    assert names(plan_room(30, models)) == ["never", "old", "new"]
    assert not plan_room(31, models).enough


def test_no_more_goes_than_is_needed() -> None:
    models = [holding("small", "2026-01-01", a=1), holding("large", "2026-02-01", b=100)]
    assert names(plan_room(50, models)) == ["large"]


def test_shared_bytes_go_with_the_last_that_needs_them() -> None:
    twins = [holding("one", "1", a=10, x=1), holding("two", "2", a=10), holding("rest", "3", b=5)]
    plan = plan_room(10, twins)
    assert (names(plan), [step.bytes for step in plan.steps]) == (["one", "two"], [1, 10])
    assert names(plan_room(10, [holding("one", "1", a=10)], kept=["a"])) == []
    assert plan_room(0, twins).steps == ()


models = st.lists(
    st.dictionaries(st.sampled_from("abcdefgh"), st.just(7), min_size=1, max_size=4),
    max_size=7,
)


@given(models, st.integers(1, 70), st.sets(st.sampled_from("abcdefgh"), max_size=3))
def test_the_figures_are_those_of_the_disk(
    blobs: list[dict[str, int]], wanted: int, kept: set[str]
) -> None:
    holdings = [holding(str(number), str(number), **one) for number, one in enumerate(blobs)]
    plan = plan_room(wanted, holdings, kept)
    gone = set(names(plan))
    stays = kept | {blob for one in holdings if one.model not in gone for blob in one.blobs}
    went = {blob for one in holdings if one.model in gone for blob in one.blobs} - stays
    assert plan.bytes == 7 * len(went)
    possible = 7 * len({blob for one in holdings for blob in one.blobs} - kept)
    assert plan.bytes >= min(wanted, possible)
    assert plan.enough == (possible >= wanted)
    for one in plan.steps:
        left = {blob for other in holdings if other.model in gone - {one.model}
                for blob in other.blobs}  # fmt: skip
        staying = stays | set(next(h for h in holdings if h.model == one.model).blobs)
        assert 7 * len(left - staying) < min(wanted, possible), "nothing goes for nothing"
