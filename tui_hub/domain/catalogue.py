"""What a person asks of the catalogue, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from tui_hub.domain.models import Model


class Sort(StrEnum):
    """Orders of a listing. `downloads` is the order of the index and costs nothing."""

    DOWNLOADS = "downloads"
    LIKES = "likes"
    TRENDING = "trending"
    UPDATED = "updated"
    SIZE = "size"
    PARAMS = "params"
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
    installed: bool | None = None
    gated: bool | None = None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """The counts of every facet for one question."""

    total: int
    counts: tuple[FacetCount, ...]

    def of(self, facet: str) -> tuple[FacetCount, ...]:
        """The counts of one facet, largest first."""
        return tuple(count for count in self.counts if count.facet == facet)
