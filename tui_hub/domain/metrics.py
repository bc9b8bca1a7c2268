"""Figures for a monitoring system, and how OpenMetrics 1.0 writes them. Pure.

What is written here is read by collectors of the older text format too: they have no other types
than these, and take the lines that they do not know for comments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum

from tui_hub.domain.frozen import dataclass


class MetricKind(StrEnum):
    """What a figure does over time."""

    GAUGE = "gauge"
    """It goes up and down."""
    COUNTER = "counter"
    """It only grows; the name of its samples ends with `_total`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, and what it is of."""

    value: int | float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Values of one meaning under one name."""

    name: str
    """Small letters and underscores; ends with the unit, where there is one."""
    about: str
    samples: tuple[Sample, ...]
    unit: str = ""
    kind: MetricKind = MetricKind.GAUGE


def exposition(metrics: Iterable[Metric]) -> str:
    """The figures as a document; what has no values is left out."""
    lines = [line for metric in metrics if metric.samples for line in _lines(metric)]
    return "\n".join([*lines, "# EOF", ""])


def _lines(metric: Metric) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.about}"
    yield f"# TYPE {metric.name} {metric.kind}"
    if metric.unit:
        yield f"# UNIT {metric.name} {metric.unit}"
    name = f"{metric.name}_total" if metric.kind is MetricKind.COUNTER else metric.name
    for sample in metric.samples:
        labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sample.labels.items())
        yield f"{name}{{{labels}}} {sample.value}" if labels else f"{name} {sample.value}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
