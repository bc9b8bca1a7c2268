"""Addresses that belong to a model, for people to open."""

from __future__ import annotations

from collections.abc import Mapping

from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.sources.base import Source
from tui_hub.text import clean


def links_of(model: Model, sources: Mapping[str, Source]) -> dict[str, str]:
    """The model's page at its source, and what its facts name."""
    links: dict[str, str] = {}
    source = sources.get(model.source)
    page = source.web_page(ModelId.parse(model.id)) if source else None
    if page:
        links["page"] = page
    named = model.facts.get("links")
    if isinstance(named, list | tuple):
        named = {f"link {number}": link for number, link in enumerate(named, start=1)}
    if isinstance(named, Mapping):
        shown = {clean(name, 40): link for name, link in named.items() if isinstance(link, str)}
        links |= shown
    link = model.facts.get("source_link")
    if isinstance(link, str) and link not in links.values():
        links["source"] = link
    return links
