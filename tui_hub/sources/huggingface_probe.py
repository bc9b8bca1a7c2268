"""Whether the Hub answers, how fast, by which clock, and what it makes of the token."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tui_hub.domain.errors import UnreachableError
from tui_hub.domain.frozen import dataclass
from tui_hub.sources.exchange import Ask
from tui_hub.sources.http import Api
from tui_hub.sources.huggingface_errors import Subject, explain
from tui_hub.sources.limits import Clock, answer_time
from tui_hub.sources.network import host_of, proxy_for
from tui_hub.text import clean

_LIMIT = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A Hub that answered."""

    host: str
    seconds: float
    """From a question to the end of its answer, on a connection that stands."""
    proxied: bool
    """Whether the environment names a proxy for it."""
    ahead: float | None
    """Seconds that the clock of this box is ahead of the Hub's; `None` where it tells no time."""


class _Account(msgspec.Struct):
    """The answer of `GET /api/whoami-v2`."""

    name: str = ""


async def reach(api: Api, endpoint: str, environment: Mapping[str, str], clock: Clock) -> Reach:
    """Ask for the shortest listing there is, as somebody without a token, and once more for time.

    Raises:
        UnreachableError: when nothing of use answers.
        RateLimitedError: when the Hub asks for a pause.
    """
    url, ask = f"{endpoint}/api/models?limit=1", Ask(limit=_LIMIT, patience=0.0)
    answer = await api.fetch(url, ask)
    if answer.status != 200:
        raise explain(answer, Subject(), endpoint, has_token=False, token_is_valid=False)
    answer.json_body()
    started, before = clock.monotonic(), clock.wall()
    theirs = answer_time((await api.fetch(url, ask)).headers)
    seconds = clock.monotonic() - started
    ahead = None if theirs is None else before + seconds / 2 - theirs
    proxied = proxy_for(endpoint, environment) is not None
    return Reach(host=host_of(endpoint), seconds=seconds, proxied=proxied, ahead=ahead)


async def whoami(api: Api, endpoint: str, headers: Mapping[str, str]) -> str:
    """The name of the account that the token in these headers belongs to.

    Raises:
        UnauthorizedError: when the Hub does not know the token.
        UnreachableError: when nothing of use answers.
        RateLimitedError: when the Hub asks for a pause.
    """
    ask = Ask(private=headers, limit=_LIMIT, patience=0.0)
    answer = await api.fetch(f"{endpoint}/api/whoami-v2", ask)
    if answer.status != 200:
        raise explain(answer, Subject(), endpoint, has_token=True, token_is_valid=False)
    try:
        return clean(msgspec.json.decode(answer.json_body(), type=_Account).name, 60)
    except msgspec.MsgspecError:
        raise UnreachableError(f"{host_of(endpoint)} does not say whose token it is") from None
