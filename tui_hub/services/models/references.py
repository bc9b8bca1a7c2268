"""What a person meant by a model: its id, the address of its page, or a place to add it from."""

from __future__ import annotations

from urllib.parse import SplitResult, unquote, urlsplit

from tui_hub.domain.errors import RefusedError, UsageError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.settings import Configuration
from tui_hub.text import clean

_HUB_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_OLLAMA_HOSTS = ("ollama.com", "www.ollama.com")
_OF_REVISION = ("tree", "blob", "resolve", "raw", "commit")
"""Pages of a repository that are those of one revision: `/<page>/<revision>/...`."""
_OF_REPOSITORY = (*_OF_REVISION, "commits", "discussions")
_NO_MODELS = (
    "api", "blog", "collections", "datasets", "docs", "models", "organizations", "papers", "spaces",
)  # fmt: skip
"""Parts of the Hub that hold something else."""
_PATH_STARTS = ("/", "./", "../", "~", "file:")


@dataclass(frozen=True, slots=True)
class Reference:
    """A model, and the revision of it where one was named."""

    model: str
    revision: str | None = None


def is_place(given: str, configuration: Configuration) -> bool:
    """Whether this is a path, or an address elsewhere than on the Hub: something to add from."""
    given = given.strip()
    if given.startswith(_PATH_STARTS) or given in (".", ".."):
        return True
    if "://" not in given:
        return False
    address = _split(given)
    parts = (_path_in_library(address, configuration), _path_on_hub(address, configuration))
    return parts == (None, None)


def is_address(place: str) -> bool:
    """Whether a place is one on the web; `file:` is a path of this box."""
    return "://" in place and not place.startswith("file:")


def read_reference(
    given: str, configuration: Configuration, revision: str | None = None
) -> Reference:
    """The model that was typed; the pasted address of a repository's page counts as its id.

    Args:
        given: an id, perhaps with a revision as in `org/name@v1`, or an address.
        configuration: the settings, which name the Hub's address.
        revision: what was asked for besides; it goes before any other.

    Raises:
        RefusedError: for any other address.
    """
    if "://" not in given:
        model, _, named = given.partition("@")
        return Reference(model, revision or named or None)
    page = _page(given, configuration)
    return page if revision is None else Reference(page.model, revision)


def _page(given: str, configuration: Configuration) -> Reference:
    """The model of an address: `<hub>/<org>/<name>`, perhaps `/tree/<revision>` and more."""
    address = _split(given)
    listed = _path_in_library(address, configuration)
    if listed is not None:
        return _in_library(listed)
    path = _path_on_hub(address, configuration)
    if path is None:
        raise RefusedError(
            f"this takes the id of a model, and {_host(address)} is not the Hub in use",
            hint="`tui-hub add ADDRESS --name NAME` takes the model in; then its id is url:NAME.",
        )
    parts = [unquote(part) for part in path.split("/") if part]
    alone = len(parts) == 1 or (len(parts) > 1 and parts[1] in _OF_REPOSITORY)
    name, rest = ("/".join(parts[:1]), parts[1:]) if alone else ("/".join(parts[:2]), parts[2:])
    try:
        if not parts or parts[0] in _NO_MODELS:
            raise UsageError("no model")
        model = str(ModelId.parse(f"hf:{name}"))
    except UsageError:
        raise _no_model(path, f"{_HUB_HOSTS[0]}/org/name") from None
    named = len(rest) > 1 and rest[0] in _OF_REVISION
    return Reference(model, rest[1] if named else None)


def _in_library(path: str) -> Reference:
    """The model of a page of Ollama's: `/library/<name>:<tag>` or `/<user>/<name>`, and more."""
    parts = [unquote(part) for part in path.split("/") if part]
    try:
        if len(parts) < 2:
            raise UsageError("no model")
        return Reference(str(ModelId.parse(f"ollama:{'/'.join(parts[:2])}")))
    except UsageError:
        raise _no_model(path, f"{_OLLAMA_HOSTS[0]}/library/name") from None


def _no_model(path: str, example: str) -> RefusedError:
    return RefusedError(
        f"the address leads to no model: {clean('/' + path.lstrip('/'), 80)}",
        hint=f"The address of a model is https://{example}.",
    )


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


def _path_in_library(address: SplitResult, configuration: Configuration) -> str | None:
    """What stands behind the address of Ollama's library; `None` where it is another host's.

    What a mirror has beside its library may well be a Hub.
    """
    if address.scheme.lower() not in ("https", "http"):
        return None
    place = address.netloc.lower()
    own = _split(configuration.settings.ollama.library).netloc.lower()
    mirrored = place == own and address.path.startswith("/library/")
    return address.path if mirrored or place in _OLLAMA_HOSTS else None
