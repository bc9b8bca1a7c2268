"""Where else the bytes of a file are said to be, should its own place hand out wrong ones."""

from __future__ import annotations

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import HubError
from tui_hub.domain.identifiers import ModelId
from tui_hub.services.context import Context
from tui_hub.services.models.trust import refuse_untrusted_files
from tui_hub.sources.base import FileRequest, Source

_MOST = 4
"""Files of the same hash that are looked at."""
_LARGE = 1024**2
"""Bytes from which a file is worth the look."""


async def other_places(context: Context, source: Source, artifact: Artifact) -> list[FileRequest]:
    """How to fetch the same bytes as a part of other models of the same source.

    What the settings do not trust is none of them, nor what cannot be asked for any more.
    """
    if artifact.sha256 is None or (artifact.size or 0) < _LARGE:
        return []
    own = ModelId.parse(artifact.model)
    places: list[FileRequest] = []
    for one in await context.hub.artifacts.with_sha256(artifact.sha256, _MOST):
        model = ModelId.parse(one.model)
        if model == own or model.source != own.source:
            continue
        try:
            await refuse_untrusted_files(context, model, [one])
            places.append(await source.request(one))
        except HubError:
            continue
    return places
