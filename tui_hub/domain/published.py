"""What is published about a model beside its files: its end, its price, its results. With sources.

A source writes these among a model's facts; here they are read back. Facts may hold anything, and
what has another shape is as good as not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import groupby

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Model

FACTS = (
    "deprecated", "deprecation_source", "successor", "price", "price_source", "benchmarks",
)  # fmt: skip
"""The facts that are read here."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """The end of a model: when, what follows it, and who says so."""

    date: str
    """ISO 8601, as exact as the source gives it; empty where only the fact is known."""
    due: bool
    """Whether that date has come."""
    successor: str | None = None
    source: str | None = None

    @property
    def words(self) -> str:
        """When, in words: `since 2026-09-24`, or `from 2026-12-01 on` for what is to come."""
        if not self.date:
            return "by its maker"
        return f"since {self.date}" if self.due else f"from {self.date} on"


@dataclass(frozen=True, slots=True)
class Price:
    """What its maker or a service asks for using a model."""

    text: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One result of one test."""

    dataset: str
    metric: str
    """Empty where the dataset says it all."""
    value: float | str
    source: str
    """An address, or a name."""

    @property
    def words(self) -> str:
        """The result in words: `GSM8K exact_match 0.91`."""
        name = " ".join(filter(None, (self.dataset, self.metric)))
        return f"{name} {self.value}"


def is_due(date: str, today: str) -> bool:
    """Whether a date has come; one without a day or month has with its first."""
    return bool(date) and date <= today


def deprecation_of(model: Model, today: str) -> Deprecation | None:
    """The end of a model, past or to come; `None` where none is known.

    Args:
        model: the model.
        today: the date, ISO 8601.
    """
    date = _text(model.facts, "deprecated") or ""
    if not date and not model.deprecated:
        return None
    return Deprecation(
        date,
        due=is_due(date, today) if date else True,
        successor=_text(model.facts, "successor"),
        source=_text(model.facts, "deprecation_source"),
    )


def price_of(model: Model) -> Price | None:
    """What using a model costs; `None` where nobody published it."""
    text = _text(model.facts, "price")
    return Price(text, _text(model.facts, "price_source")) if text else None


def benchmarks_of(model: Model) -> tuple[Benchmark, ...]:
    """The results that a model's metadata carries."""
    listed = model.facts.get("benchmarks")
    return tuple(_benchmarks(listed)) if isinstance(listed, list | tuple) else ()


def benchmark_facts(benchmarks: Iterable[Benchmark]) -> list[dict[str, object]]:
    """Results as they stand among the facts."""
    return [asdict(benchmark) for benchmark in benchmarks]


def published_pairs(model: Model, today: str) -> list[tuple[str, str]]:
    """The end and the price of a model as words and values, each with its source."""
    pairs: list[tuple[str, str]] = []
    end, price = deprecation_of(model, today), price_of(model)
    if end is not None:
        pairs.append(("deprecated", _sourced(end.words, end.source)))
        if end.successor:
            pairs.append(("successor", end.successor))
    if price is not None:
        pairs.append(("price", _sourced(price.text, price.source)))
    return pairs


def benchmark_lines(model: Model) -> Iterator[str]:
    """The results one to a line; below those of one source stands the source."""
    for source, results in groupby(benchmarks_of(model), lambda result: result.source):
        yield from (result.words for result in results)
        yield f"  from {source}"


def _benchmarks(listed: Iterable[object]) -> Iterator[Benchmark]:
    for entry in listed:
        if not isinstance(entry, Mapping):
            continue
        dataset, value = _text(entry, "dataset"), entry.get("value")
        source = _text(entry, "source")
        if dataset and source and isinstance(value, int | float | str):
            yield Benchmark(dataset, _text(entry, "metric") or "", value, source)


def _sourced(words: str, source: str | None) -> str:
    return f"{words} ({source})" if source else words


def _text(facts: Mapping[str, object], name: str) -> str | None:
    value = facts.get(name)
    return value if isinstance(value, str) and value else None
