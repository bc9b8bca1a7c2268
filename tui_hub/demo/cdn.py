"""The second origin: signed addresses for large files, good for a while."""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from tui_hub.demo.delivery import deliver, file_headers
from tui_hub.demo.faults import Faults
from tui_hub.demo.limits import Throttle
from tui_hub.demo.repository import RepositoryFile

_DENIED = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<Error><Code>AccessDenied</Code><Message>{}</Message></Error>"
)


@dataclass
class Cdn:
    """What stands behind the addresses that `resolve` hands out."""

    base: str
    """Scheme, host and port."""
    throttle: Throttle
    faults: Faults
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _files: dict[str, RepositoryFile] = field(default_factory=dict)

    def address(self, file: RepositoryFile, key: str) -> str:
        """A signed address for one file of the repository with this `_id`."""
        path = f"/xet-bridge-us/{key}/{file.digests.cdn_etag}"
        self._files[path] = file
        issued = time.time()
        expires = math.ceil(issued + self.faults.signature_lifetime)
        headers = file_headers(file.path)
        query = {
            "response-content-disposition": headers["Content-Disposition"],
            "Expires": str(expires),
            "Policy": f"{issued:.6f}",
            "Signature": self._sign(path, str(expires), f"{issued:.6f}"),
            "Key-Pair-Id": "demo",
        }
        return f"{self.base}{path}?{urlencode(query)}"

    def answer(self, request: Request) -> Response:
        """The bytes, or 403 in XML when the signature is wrong or too old."""
        path = request.url.path
        file = self._files.get(path)
        if request.method not in ("GET", "HEAD") or file is None:
            return _denied("Access Denied")
        query = request.query_params
        issued, expires = query.get("Policy", ""), query.get("Expires", "")
        good = self._sign(path, expires, issued)
        if not hmac.compare_digest(good, query.get("Signature", "")):
            return _denied("Access Denied")
        if time.time() > float(expires) or float(issued) < self.faults.signatures_from:
            return _denied("Request has expired")
        headers = file_headers(file.path) | {"Cache-Control": "public, max-age=31536000"}
        return deliver(request, file.content, file.digests.cdn_etag, headers, self.throttle)

    def _sign(self, path: str, expires: str, issued: str) -> str:
        message = f"{path}\n{expires}\n{issued}".encode("utf-8", "replace")
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()


def _denied(message: str) -> Response:
    return Response(_DENIED.format(message), 403, media_type="application/xml")
