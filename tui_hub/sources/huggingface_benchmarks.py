"""The benchmark results that a model's own metadata on the Hub carries.

Two shapes: `evalResults`, from the files of `.eval_results/` (hub-docs `eval_results.yaml`), and
the older `model-index` of the card's front matter (hub-docs `modelcard.md`). Listings carry
neither; a lookup asks for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from tui_hub.domain.published import Benchmark
from tui_hub.sources.records import optional, web_link
from tui_hub.text import clean

EXPAND = ("evalResults", "model-index")
"""What a lookup has to ask for."""

_MOST = 20
_LONG = 100
_LONG_VALUE = 40
_OWN = "its model card"
"""Where a result was read that names no source of its own."""
_NULL = msgspec.Raw(b"null")


class _Details(msgspec.Struct):
    results: msgspec.Raw = msgspec.field(name="evalResults", default=_NULL)
    index: msgspec.Raw = msgspec.field(name="model-index", default=_NULL)
    card: msgspec.Raw = msgspec.field(name="cardData", default=_NULL)


class _Card(msgspec.Struct):
    index: msgspec.Raw = msgspec.field(name="model-index", default=_NULL)


class _Source(msgspec.Struct):
    name: str | None = None
    url: str | None = None


class _Dataset(msgspec.Struct):
    id: str | None = None
    task_id: str | None = None
    name: str | None = None
    type: str | None = None


class _Entry(msgspec.Struct):
    """One of `evalResults`, perhaps wrapped in `data`."""

    data: msgspec.Raw = _NULL
    dataset: _Dataset | None = None
    value: msgspec.Raw = _NULL
    source: msgspec.Raw = _NULL


class _Indexed(msgspec.Struct):
    results: list[msgspec.Raw] = []


class _Result(msgspec.Struct):
    """One dataset of a `model-index`, with its metrics."""

    dataset: _Dataset
    metrics: list[msgspec.Raw]
    source: msgspec.Raw = _NULL


class _Metric(msgspec.Struct):
    value: int | float | str
    type: str | None = None
    name: str | None = None


_DETAILS = msgspec.json.Decoder(_Details)
_CARD = msgspec.json.Decoder(_Card)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ENTRY = msgspec.json.Decoder(_Entry)
_INDEXED = msgspec.json.Decoder(_Indexed)
_RESULT = msgspec.json.Decoder(_Result)
_METRIC = msgspec.json.Decoder(_Metric)
_SOURCE = msgspec.json.Decoder(_Source)
_VALUE = msgspec.json.Decoder(int | float | str)


def read_benchmarks(raw: bytes) -> tuple[Benchmark, ...]:
    """The results in the answer to a lookup, each once; those of unknown shape are left out."""
    details = optional(msgspec.Raw(raw), _DETAILS) or _Details()
    card = optional(details.card, _CARD) or _Card()
    found = (*_entries(details.results), *_index(details.index), *_index(card.index))
    return tuple(islice(dict.fromkeys(found), _MOST))


def _entries(raw: msgspec.Raw) -> Iterator[Benchmark]:
    for row in (optional(raw, _LIST) or [])[:_MOST]:
        entry = optional(row, _ENTRY)
        if entry is not None and entry.dataset is None:
            entry = optional(entry.data, _ENTRY)
        if entry is None or entry.dataset is None:
            continue
        value = _value(optional(entry.value, _VALUE))
        dataset, metric = _word(entry.dataset.id), _word(entry.dataset.task_id)
        if value is not None and dataset:
            yield Benchmark(dataset, metric, value, _source(entry.source))


def _index(raw: msgspec.Raw) -> Iterator[Benchmark]:
    for model in (optional(raw, _LIST) or [])[:_MOST]:
        indexed = optional(model, _INDEXED)
        for row in (indexed.results if indexed else [])[:_MOST]:
            result = optional(row, _RESULT)
            if result is not None:
                yield from _metrics(result)


def _metrics(result: _Result) -> Iterator[Benchmark]:
    dataset = _word(result.dataset.name) or _word(result.dataset.type)
    for row in result.metrics[:_MOST]:
        metric = optional(row, _METRIC)
        value = _value(metric.value) if metric else None
        if metric is not None and value is not None and dataset:
            name = _word(metric.name) or _word(metric.type)
            yield Benchmark(dataset, name, value, _source(result.source))


def _value(value: float | str | None) -> float | str | None:
    """A number, which JSON has none but finite ones of, or a short text such as `20.0 ± 1.2`."""
    return clean(value.strip(), _LONG_VALUE) or None if isinstance(value, str) else value


def _source(raw: msgspec.Raw) -> str:
    """The address of whoever measured, else the name, else where it was read."""
    source = optional(raw, _SOURCE) or _Source()
    return web_link(source.url) or _word(source.name) or _OWN


def _word(text: str | None) -> str:
    return clean(text.strip(), _LONG) if text else ""
