"""Benchmark results in a model's own metadata: both shapes, bounds, and what does harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Inside
from hub_server import HubServer, Seen, as_json

from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.published import Benchmark, benchmarks_of
from tui_hub.sources.huggingface import HuggingFace
from tui_hub.sources.huggingface_benchmarks import read_benchmarks

Connect = Callable[..., HuggingFace]
MODEL = ModelId.parse("org/name")
COMMIT = "a" * 40
OWN = "its model card"
INDEX = [
    {
        "name": "name",
        "results": [
            {
                "task": {"type": "text-generation", "name": "Text Generation"},
                "dataset": {"name": "WikiText", "type": "wikitext", "split": "test"},
                "metrics": [
                    {"type": "bleu", "value": 0.5, "name": "BLEU", "verified": False},
                    {"type": "wer", "value": "20.0 ± 1.2"},
                ],
                "source": {"name": "Leaderboard", "url": "https://example.org/board"},
            },
            {
                "task": {"type": "x"},
                "dataset": {"type": "beans"},
                "metrics": [{"type": "accuracy", "value": 1}],
            },
        ],
    }
]
RESULTS = [
    {
        "filename": ".eval_results/hle.yaml",
        "data": {
            "dataset": {"id": "cais/hle", "task_id": "default", "revision": "5503"},
            "value": 20.9,
            "verifyToken": "e30",
            "source": {"url": "https://huggingface.co/datasets/cais/hle", "name": "CAIS"},
        },
    },
    {"filename": ".eval_results/bad.yaml", "error": "no such dataset"},
    {"dataset": {"id": "Idavidrein/gpqa", "task_id": "gpqa_diamond"}, "value": 0.412},
]


def read(**record: object) -> tuple[Benchmark, ...]:
    return read_benchmarks(json.dumps({"id": "org/name", **record}).encode())


def index(*metrics: object, **more: object) -> list[object]:
    result = {"dataset": {"name": "D"}, "metrics": list(metrics), **more}
    return [{"name": "m", "results": [result]}]


def test_results_of_files() -> None:
    assert read(evalResults=RESULTS) == (
        Benchmark("cais/hle", "default", 20.9, "https://huggingface.co/datasets/cais/hle"),
        Benchmark("Idavidrein/gpqa", "gpqa_diamond", 0.412, OWN),
    )


@pytest.mark.parametrize("place", [{"model-index": INDEX}, {"cardData": {"model-index": INDEX}}])
def test_results_of_the_card(place: dict[str, object]) -> None:
    board = "https://example.org/board"
    assert read(**place) == (
        Benchmark("WikiText", "BLEU", 0.5, board),
        Benchmark("WikiText", "wer", "20.0 ± 1.2", board),
        Benchmark("beans", "accuracy", 1, OWN),
    )


def test_what_is_said_twice_counts_once() -> None:
    assert len(read(**{"model-index": INDEX, "cardData": {"model-index": INDEX}})) == 3


def test_there_are_no_more_than_twenty() -> None:
    metrics = [{"type": f"m{number}", "value": number} for number in range(15)]
    results = [{"dataset": {"name": f"D{number}"}, "metrics": metrics} for number in range(500)]
    found = read(**{"model-index": [{"name": "m", "results": results}]})
    assert len(found) == 20
    assert found[0] == Benchmark("D0", "m0", 0, OWN)


@pytest.mark.parametrize(
    "value", [None, True, [1], {"a": 1}, "", "   "], ids=lambda value: repr(value)
)
def test_values_that_are_none(value: object) -> None:
    assert read(**{"model-index": index({"type": "m", "value": value})}) == ()
    assert read(evalResults=[{"dataset": {"id": "d"}, "value": value}]) == ()


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_numbers_that_are_not_finite_are_left_out(number: str) -> None:
    index = f'[{{"results": [{{"dataset": {{"name": "D"}}, "metrics": [{{"value": {number}}}]}}]}}]'
    assert read_benchmarks(f'{{"model-index": {index}}}'.encode()) == ()


@pytest.mark.parametrize(
    "odd", [None, 7, "text", [], [7], {}, [{"results": 7}], [{"results": [7, {"dataset": {}}]}]]
)
def test_other_shapes_are_left_out(odd: object) -> None:
    for place in ("model-index", "evalResults", "cardData"):
        assert read(**{place: odd}) == ()
    assert read(cardData={"model-index": odd}) == ()


def test_words_are_clean_and_sources_are_safe() -> None:
    evil = "\x1b]52;c;c3RvbGVu\x07\u202e" + "x" * 500
    (found,) = read(
        **{
            "model-index": index(
                {"type": evil, "value": evil}, source={"name": evil, "url": "javascript:x"}
            )
        }
    )
    for text in (found.metric, str(found.value), found.source):
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
        assert len(text) <= 101
    (found,) = read(**{"model-index": index({"value": 1}, source={"url": "http://x.org"})})
    assert found.source == OWN


async def test_a_lookup_asks_for_them(hub: HubServer, connect: Connect) -> None:
    told = {"id": "org/name", "sha": COMMIT, "private": True, "model-index": INDEX}
    hub.on("/api/models/org/name", as_json(told))
    found = await connect().model(MODEL)
    assert len(benchmarks_of(found)) == 3
    assert found.facts["private"] is True
    (seen,) = hub.seen
    assert {"evalResults", "model-index", "cardData", "sha", "gated"} <= set(seen.query["expand"])


async def test_a_mirror_that_does_not_know_the_words_is_asked_without_them(
    hub: HubServer, connect: Connect
) -> None:
    def answer(seen: Seen) -> object:
        if "expand" in seen.query:
            return as_json({"error": "Invalid option: expected one of ..."}, 400)
        return as_json({"id": "org/name", "sha": COMMIT, "likes": 3})

    hub.on("/api/models/org/name", answer)  # type: ignore[arg-type]
    found = await connect().model(MODEL)
    assert (found.likes, benchmarks_of(found)) == (3, ())
    assert len(hub.seen) == 2


def test_the_program_shows_them_and_forgets_what_was_taken_back(
    hub: HubServer, tmp_path: Path
) -> None:
    program = Inside(tmp_path / "home", {"HF_ENDPOINT": hub.url})
    row = {"type": "file", "path": "config.json", "oid": "b" * 40, "size": 3}
    hub.on("/api/models/org/name/tree", as_json([row]))
    told = {"id": "org/name", "sha": COMMIT}
    hub.on(
        "/api/models/org/name",
        as_json({**told, "evalResults": RESULTS, "model-index": INDEX}),
        as_json({**told, "evalResults": [], "model-index": None}),
    )
    shown = program("show", "org/name").out
    assert "\nBENCHMARKS\ncais/hle default 20.9\n  from https://huggingface.co/" in shown
    assert "WikiText wer 20.0 ± 1.2\n  from https://example.org/board\n" in shown
    document = program.json("show", "org/name", "--offline").document
    assert document["benchmarks"][0] == {
        "dataset": "cais/hle", "metric": "default", "value": 20.9,
        "source": "https://huggingface.co/datasets/cais/hle",
    }  # fmt: skip
    assert len(document["benchmarks"]) == 5
    assert program.json("show", "org/name", "--refresh").document["benchmarks"] == []
    assert "BENCHMARKS" not in program("show", "org/name", "--offline").out
