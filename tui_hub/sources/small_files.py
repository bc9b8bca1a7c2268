"""Small files, read whole: model cards and configurations."""

from __future__ import annotations

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import RefusedError
from tui_hub.sources.base import FileRequest
from tui_hub.sources.exchange import Answer, Ask, TooLargeError
from tui_hub.sources.http import Api
from tui_hub.sources.limits import LONGEST_WAIT
from tui_hub.text import clean


async def fetch_small(api: Api, request: FileRequest, artifact: Artifact, limit: int) -> Answer:
    """What a server answers to a request for a small file, its bytes as they are.

    Raises:
        RefusedError: it is larger than `limit` bytes.
        UnreachableError: nothing answers.
    """
    if artifact.size is not None and artifact.size > limit:
        raise too_large(artifact, limit)
    ask = Ask(
        private=request.headers, limit=limit, patience=LONGEST_WAIT, foreign=True, packed=False
    )
    try:
        return await api.fetch(request.url, ask)
    except TooLargeError:
        raise too_large(artifact, limit) from None


def too_large(artifact: Artifact, limit: int) -> RefusedError:
    """What to raise where a small file was wanted."""
    return RefusedError(f"{clean(artifact.path, 200)} is larger than {limit} bytes")
