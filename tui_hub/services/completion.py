"""What a shell offers while somebody types the name of a model, a slot or a feed.

It reads the catalogue as it is, and makes, mends and locks nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from tui_hub.database import CatalogueDatabase
from tui_hub.domain.catalogue import Search
from tui_hub.domain.models import Model
from tui_hub.settings import Configuration
from tui_hub.sources.feeds import feeds_from

_MOST = 60
_BARE = "hf:"
"""The prefix that may be left out."""


async def complete_models(
    configuration: Configuration, typed: str, *, installed: bool = False
) -> list[str]:
    """The ids that go on from what was typed, the most popular first.

    Args:
        configuration: the settings, and where the home is.
        typed: the beginning of an id, or of `author/name` on the Hub.
        installed: whether only models that are here count.

    Raises:
        HubError: when the catalogue cannot be read.
    """
    if not configuration.paths.catalogue_database.exists():
        return []
    words = typed.replace(":", " ").replace("/", " ")
    question = Search(text=words, installed=True if installed else None)
    async with await CatalogueDatabase.open(configuration.paths.catalogue_database) as catalogue:
        page = await catalogue.models.search(question, _MOST)
    return _going_on(page.models, typed)


def complete_feeds(configuration: Configuration, typed: str) -> list[str]:
    """The feeds and the sources whose names go on from what was typed."""
    names = [feed.name for feed in feeds_from(configuration.settings)]
    sources = sorted({name.partition(":")[0] for name in names})
    return [name for name in (*sources, *names) if name.startswith(typed)]


def _going_on(models: Iterable[Model], typed: str) -> list[str]:
    """The spelling that a person has begun: with the prefix or, for the Hub, without."""
    spellings = [
        name
        for model in models
        for name in (model.id.removeprefix(_BARE), model.id)
        if name.startswith(typed)
    ]
    return (
        list(dict.fromkeys(spellings))
        if typed
        else [model.id.removeprefix(_BARE) for model in models]
    )
