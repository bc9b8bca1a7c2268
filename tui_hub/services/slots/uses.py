"""When models were used, as far as this program sees it."""

from __future__ import annotations

import logging
from datetime import timedelta

from tui_hub import text
from tui_hub.domain.errors import HubError
from tui_hub.services.context import Context

_log = logging.getLogger(__name__)

_OFTEN = timedelta(hours=1)
"""Uses within this time of one another count as one: scripts ask often, and a write costs."""


async def note_use(context: Context, model: str) -> None:
    """Remember that a model was activated or handed out; what asks for it never fails for that."""
    now = context.clock.now()
    try:
        await context.hub.installs.note_use(model, text.stamp(now), text.stamp(now - _OFTEN))
    except HubError as error:
        _log.warning("the use of %s was not noted: %s", model, error.message)
