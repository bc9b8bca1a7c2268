"""Whether a server is ready, asked of itself."""

from __future__ import annotations

import http.client
import socket
import urllib.error
import urllib.request
from typing import IO, Any

_SECONDS = 2.0


class _Staying(urllib.request.HTTPRedirectHandler):
    """An address that leads elsewhere says nothing of the server."""

    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Staying())


def trouble_of(address: str, host: str, port: int) -> str | None:
    """Why a server is not ready, as the end of a sentence; `None` when it is. Blocks for a moment.

    Args:
        address: answers with a status of success once it is; without one it is enough that
            somebody listens at its port.
        host: where it listens.
        port: its port.
    """
    try:
        if not address:
            socket.create_connection((host, port), _SECONDS).close()
            return None
        with _OPENER.open(address, timeout=_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return f"{address} answers {error.code}"
    except (OSError, http.client.HTTPException, ValueError):
        return f"nothing answers at {address or f'{host}:{port}'}"
