"""The places models come from: one module each, behind `base.Source`."""

from __future__ import annotations

from tui_hub.settings import Configuration
from tui_hub.sources.added import Find, listing_of, shown
from tui_hub.sources.addresses import checked_address
from tui_hub.sources.base import FileListing, FileRequest, Source, SourcePage
from tui_hub.sources.curated import Curated
from tui_hub.sources.feeds import feeds_from
from tui_hub.sources.folders import checked_place, list_place, look_at
from tui_hub.sources.huggingface import HuggingFace
from tui_hub.sources.local import Local
from tui_hub.sources.ollama import Ollama
from tui_hub.sources.replicate import Replicate
from tui_hub.sources.url import Url

__all__ = [
    "Curated",
    "FileListing",
    "FileRequest",
    "HuggingFace",
    "Local",
    "Ollama",
    "Replicate",
    "Source",
    "SourcePage",
    "Url",
    "added_sources",
    "checked_address",
    "checked_place",
    "feeds_from",
    "list_place",
    "listing_of",
    "look_at",
    "shown",
    "sources_from",
]


def sources_from(configuration: Configuration) -> dict[str, Source]:
    """Every source by its prefix. Opens no connection and imports no client until one is used."""
    sources: tuple[Source, ...] = (
        HuggingFace(configuration),
        Replicate(configuration),
        Ollama(configuration),
        Curated(),
    )
    return {source.prefix: source for source in sources}


def added_sources(configuration: Configuration, find: Find) -> dict[str, Source]:
    """The sources of models that the user added, by prefix.

    Args:
        configuration: the settings of the run.
        find: gives the definition of such a model.
    """
    sources: tuple[Source, ...] = (Url(configuration, find), Local(find))
    return {source.prefix: source for source in sources}
