"""Models that a full walk should have listed and did not: each is asked for by name.

To be missing from one listing says nothing: a model may have lost a tag, moved to another name, or
been passed over by a page that shifted.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from tui_hub.domain.errors import (
    HiddenError,
    HubError,
    LostLeaseError,
    NoConnectionError,
    NotFoundError,
    RateLimitedError,
    TakenDownError,
)
from tui_hub.domain.feeds import Counts, Feed
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.events import ModelChanged
from tui_hub.services.context import Context

AT_ONCE = 200
"""Models that one sync asks for; the others wait for the next one."""
_PATIENCE = 3
"""Models in a row that cannot be asked for before that is the source's trouble, not theirs."""

_log = logging.getLogger(__name__)


class Missing:
    """Asks a source for the models that one of its feeds misses."""

    def __init__(
        self, context: Context, feed: Feed, confirm: Callable[[], Awaitable[None]]
    ) -> None:
        """Made for one sync; `confirm` is as for `FeedSync`."""
        self._context = context
        self._feed = feed
        self._confirm = confirm
        self._models = context.catalogue.models
        self._table = context.catalogue.sweeps
        self.counts = Counts()
        self.requests = 0

    async def settle(self) -> None:
        """Find out what became of the models that are missing, some of them at a time.

        What the source does not say of one is asked again at another sync, after all others.

        Raises:
            HubError: when the source cannot be asked at all.
        """
        failures = 0
        for name in await self._table.missing(self._feed.name, AT_ONCE):
            try:
                await self._settle(ModelId.parse(name))
            except (NoConnectionError, RateLimitedError, LostLeaseError):
                raise
            except HubError as error:
                _log.warning("feed %s: %s", self._feed.name, error.message)
                await self._table.tried(self._feed.name, name)
                failures += 1
                if failures == _PATIENCE:
                    raise
                continue
            failures = 0
            await self._table.settled(self._feed.name, name)

    async def _settle(self, model: ModelId) -> None:
        self.requests += 1
        try:
            found = await self._context.sources[self._feed.source].model(model)
        except HiddenError:
            await self._removed(model, "deleted upstream, or made private")
        except NotFoundError:
            await self._removed(model, "deleted upstream")
        except TakenDownError:
            await self._removed(model, "taken down upstream")
        else:
            await self._there(model, found)

    async def _there(self, model: ModelId, found: Model) -> None:
        await self._confirm()
        if found.id == str(model):
            self.counts += await self._models.merge((found,))
        else:
            self.counts += await self._models.follow_rename(str(model), found)
        self._context.bus.publish(ModelChanged(found.id))

    async def _removed(self, model: ModelId, why: str) -> None:
        await self._confirm()
        self.counts += Counts(removed=int(await self._models.mark_removed(str(model), why)))
        self._context.bus.publish(ModelChanged(str(model)))
