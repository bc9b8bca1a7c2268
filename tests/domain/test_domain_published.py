"""The end, the price and the results of a model, read back from facts that may hold anything."""

from __future__ import annotations

from typing import Any

import pytest

from tui_hub.domain.models import Model
from tui_hub.domain.published import (
    Benchmark,
    Deprecation,
    Price,
    benchmark_facts,
    benchmark_lines,
    benchmarks_of,
    deprecation_of,
    is_due,
    price_of,
    published_pairs,
)

TODAY = "2026-11-20"


def model(**facts: Any) -> Model:
    return Model(id="hf:a/b", source="hf", name="b", facts=facts)


@pytest.mark.parametrize(
    ("date", "due"),
    [
        ("2026-11-19", True),
        ("2026-11-20", True),
        ("2026-11-21", False),
        ("2026-11", True),
        ("2026-12", False),
        ("2026", True),
        ("2027", False),
        ("", False),
    ],
)
def test_a_date_is_due_from_its_day_on(date: str, due: bool) -> None:
    assert is_due(date, TODAY) is due


def test_an_end_that_came_and_one_to_come() -> None:
    told = {"successor": "curated:next", "deprecation_source": "https://x.org/ends"}
    past = deprecation_of(model(deprecated="2026-09-24", **told), TODAY)
    assert past == Deprecation("2026-09-24", True, "curated:next", "https://x.org/ends")
    assert past.words == "since 2026-09-24"
    ahead = deprecation_of(model(deprecated="2026-12-01"), TODAY)
    assert ahead == Deprecation("2026-12-01", due=False)
    assert ahead.words == "from 2026-12-01 on"
    assert deprecation_of(model(), TODAY) is None
    undated = deprecation_of(Model(id="x", source="x", name="x", deprecated=True), TODAY)
    assert undated is not None and (undated.due, undated.words) == (True, "by its maker")


def test_each_is_told_with_its_source() -> None:
    known = model(
        deprecated="2026-12-01",
        deprecation_source="https://x.org/ends",
        successor="Next 2",
        price="$1 an image",
        price_source="https://x.org/prices",
    )
    assert published_pairs(known, TODAY) == [
        ("deprecated", "from 2026-12-01 on (https://x.org/ends)"),
        ("successor", "Next 2"),
        ("price", "$1 an image (https://x.org/prices)"),
    ]
    assert published_pairs(model(price="free"), TODAY) == [("price", "free")]
    assert price_of(known) == Price("$1 an image", "https://x.org/prices")


def test_results_stand_above_their_source() -> None:
    results = (
        Benchmark("GSM8K", "exact_match", 0.91, "https://x.org"),
        Benchmark("MMLU", "", "71.2 ± 0.3", "https://x.org"),
        Benchmark("WikiText", "bleu", 5, "its model card"),
    )
    known = model(benchmarks=benchmark_facts(results))
    assert benchmarks_of(known) == results
    assert list(benchmark_lines(known)) == [
        "GSM8K exact_match 0.91",
        "MMLU 71.2 ± 0.3",
        "  from https://x.org",
        "WikiText bleu 5",
        "  from its model card",
    ]


def test_facts_of_another_shape_are_as_good_as_none() -> None:
    odd = model(
        price=7,
        successor=["x"],
        benchmarks=[7, {"dataset": "d"}, {"dataset": 1, "value": 2, "source": "s"}, None],
    )
    assert published_pairs(odd, TODAY) == []
    assert benchmarks_of(odd) == ()
    assert benchmarks_of(model(benchmarks="text")) == ()
    assert deprecation_of(model(deprecated={"when": 1}), TODAY) is None
