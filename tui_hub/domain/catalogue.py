"""What a person asks of the catalogue, and what it answers."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from enum import StrEnum

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Model

NEW_DAYS = 7
"""A model is new from the day it was made, in UTC, until this many days later."""
_GIB = 2**30
SIZES = (
    ("under 1 GiB", _GIB),
    ("1 to 4 GiB", 4 * _GIB),
    ("4 to 16 GiB", 16 * _GIB),
    ("16 to 64 GiB", 64 * _GIB),
    ("over 64 GiB", 2**63),
)
"""The classes of size, each with the bytes at which the next one begins."""
_CLASSES = (*(name for name, _ in SIZES), "")
_ENDS = tuple(end for _, end in SIZES)


def size_class(size: int | None) -> str:
    """The class of a size; empty where the size is not known."""
    return _CLASSES[bisect_right(_ENDS, size)] if size else ""


class Sort(StrEnum):
    """Orders of a listing. `downloads` is the order of the index and costs nothing."""

    DOWNLOADS = "downloads"
    LIKES = "likes"
    TRENDING = "trending"
    UPDATED = "updated"
    SIZE = "size"
    PARAMS = "params"
    FIT = "fit"
    """The smallest first, as they fit soonest; those of unknown size last."""
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A question to the catalogue. Values within a facet are alternatives; facets add up."""

    text: str = ""
    types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    """Classes of size, as `SIZES` names them."""
    min_size: int | None = None
    """Bytes at least; a model of unknown size is left out."""
    max_size: int | None = None
    """Bytes at most; a model of unknown size is left out."""
    memory: int | None = None
    """Bytes of memory that must do, by classes of need; a model of unknown need is left out."""
    installed: bool | None = None
    gated: bool | None = None
    deprecated: bool | None = None
    favourite: bool | None = None
    new: bool = False
    """Whether to list only what was made in the last `NEW_DAYS` days."""
    removed: bool = False
    """Whether to list what vanished upstream too."""
    sort: Sort = Sort.DOWNLOADS

    def with_text(self, text: str) -> Search:
        """The same question about other words."""
        return replace(self, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows of an answer, and the key from which the next page goes on."""

    models: tuple[Model, ...]
    after: str | None = None
    """Opaque; `None` on the last page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetCount:
    """How many models of the answer carry one value of a facet."""

    facet: str
    value: str
    count: int
    exact: bool = True
    """Whether it was counted; where there are very many hits it is estimated from some of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """The counts of every facet for one question."""

    total: int
    """How many models answer; an estimate where the counts are."""
    counts: tuple[FacetCount, ...]

    def of(self, facet: str) -> tuple[FacetCount, ...]:
        """The counts of one facet, largest first."""
        return tuple(count for count in self.counts if count.facet == facet)
