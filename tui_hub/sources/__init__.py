"""The places models come from: one module each, behind `base.Source`."""

from __future__ import annotations

from tui_hub.settings import Configuration
from tui_hub.sources.base import FileListing, FileRequest, Source, SourcePage
from tui_hub.sources.curated import Curated
from tui_hub.sources.feeds import feeds_from
from tui_hub.sources.huggingface import HuggingFace
from tui_hub.sources.replicate import Replicate

__all__ = [
    "Curated",
    "FileListing",
    "FileRequest",
    "HuggingFace",
    "Replicate",
    "Source",
    "SourcePage",
    "feeds_from",
    "sources_from",
]


def sources_from(configuration: Configuration) -> dict[str, Source]:
    """Every source by its prefix. Opens no connection and imports no client until one is used."""
    sources: tuple[Source, ...] = (
        HuggingFace(configuration),
        Replicate(configuration),
        Curated(),
    )
    return {source.prefix: source for source in sources}
