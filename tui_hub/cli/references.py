"""What a person meant by a model: its id, the address of its page, or no more than its name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from tui_hub.domain.catalogue import Search
from tui_hub.domain.errors import NotFoundError, RefusedError, UsageError
from tui_hub.domain.identifiers import ModelId
from tui_hub.text import clean

if TYPE_CHECKING:
    from tui_hub.cli.options import Options
    from tui_hub.services import Services
    from tui_hub.settings import Configuration

_HUB_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_OF_REVISION = ("tree", "blob", "resolve", "raw", "commit")
"""Pages of a repository that are those of one revision: `/<page>/<revision>/...`."""
_OF_REPOSITORY = (*_OF_REVISION, "commits", "discussions")
_NO_MODELS = (
    "api", "blog", "collections", "datasets", "docs", "models", "organizations", "papers", "spaces",
)  # fmt: skip
"""Parts of the Hub that hold something else."""
_NAMESAKES = 3
_SEARCHED = 50


@dataclass(frozen=True, slots=True)
class Reference:
    """A model, and the revision of it where one was named."""

    model: str
    revision: str | None = None


def read_reference(options: Options, given: str, revision: str | None = None) -> Reference:
    """The model that was typed; the pasted address of a repository's page counts as its id.

    Args:
        options: those of the run, whose settings name the Hub's address.
        given: an id, perhaps with a revision as in `org/name@v1`, or an address.
        revision: what `--revision` says; it goes before any other.

    Raises:
        RefusedError: for any other address.
    """
    if "://" not in given:
        model, _, named = given.partition("@")
        return Reference(model, revision or named or None)
    page = _page(given, options.configuration())
    return page if revision is None else Reference(page.model, revision)


def _page(given: str, configuration: Configuration) -> Reference:
    """The model of an address: `<hub>/<org>/<name>`, perhaps `/tree/<revision>` and more."""
    address = _split(given)
    path = _path_on_hub(address, configuration)
    if path is None:
        raise RefusedError(
            f"models by address cannot be taken yet, and {_host(address)} is not the Hub in use",
            hint="Give the id of a repository, for example org/name.",
        )
    parts = [unquote(part) for part in path.split("/") if part]
    alone = len(parts) == 1 or (len(parts) > 1 and parts[1] in _OF_REPOSITORY)
    name, rest = ("/".join(parts[:1]), parts[1:]) if alone else ("/".join(parts[:2]), parts[2:])
    try:
        if not parts or parts[0] in _NO_MODELS:
            raise UsageError("no model")
        model = str(ModelId.parse(f"hf:{name}"))
    except UsageError:
        raise RefusedError(
            f"the address leads to no model: {clean('/' + path.lstrip('/'), 80)}",
            hint=f"The address of a model is https://{_HUB_HOSTS[0]}/org/name.",
        ) from None
    named = len(rest) > 1 and rest[0] in _OF_REVISION
    return Reference(model, rest[1] if named else None)


def _split(given: str) -> SplitResult:
    try:
        return urlsplit(given.strip())
    except ValueError:
        return SplitResult("", "", "", "", "")


def _host(address: SplitResult) -> str:
    """The host to name in an error, without the password that may stand before it."""
    return clean(address.netloc.rpartition("@")[2], 80) or "this"


def _path_on_hub(address: SplitResult, configuration: Configuration) -> str | None:
    """What stands behind the Hub's address; `None` where it is another host's."""
    if address.scheme.lower() not in ("https", "http"):
        return None
    place = address.netloc.lower()
    endpoint = _split(
        configuration.settings.huggingface.endpoint
        or configuration.environment.get("HF_ENDPOINT", "")
    )
    if endpoint.netloc and place == endpoint.netloc.lower():
        return address.path.removeprefix(endpoint.path.rstrip("/"))
    return address.path if place in _HUB_HOSTS else None


@asynccontextmanager
async def naming_namesakes(services: Services, model: str) -> AsyncIterator[None]:
    """Let the error about a bare name that no source knows say which models are called that.

    Raises:
        NotFoundError: the one that was raised, with another hint where there are such models.
    """
    try:
        yield
    except NotFoundError as error:
        found = await _namesakes(services, model)
        if not found:
            raise
        *others, last = found
        meant = f"{', '.join(others)} or {last}" if others else last
        raise NotFoundError(error.message, hint=f"Did you mean {meant}?") from None


async def _namesakes(services: Services, model: str) -> list[str]:
    """The ids of the catalogue's models with exactly this name, unless it is one's own id."""
    wanted = ModelId.parse(model)
    if wanted.author is not None or await services.catalogue.find(wanted) is not None:
        return []
    page = await services.catalogue.search(Search(text=wanted.name), _SEARCHED)
    return [entry.id for entry in page.models if entry.name.casefold() == wanted.name.casefold()][
        :_NAMESAKES
    ]
