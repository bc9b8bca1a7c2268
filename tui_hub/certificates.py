"""Whom to believe over TLS: the authorities that the environment names, else the system's."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from tui_hub.domain.errors import UsageError

_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")


def trust(environment: Mapping[str, str]) -> ssl.SSLContext:
    """What is trusted; takes a tenth of a second.

    The first variable that is set counts, and may name a file or a folder.

    Raises:
        UsageError: when what it names cannot be read.
    """
    for variable in _VARIABLES:
        value = environment.get(variable)
        if not value:
            continue
        folder = Path(value).is_dir()
        try:
            return ssl.create_default_context(
                cafile=None if folder else value, capath=value if folder else None
            )
        except OSError as error:
            raise UsageError(
                f"the certificates that {variable} names cannot be read: {error.strerror}",
                hint="Name a readable PEM file, or unset the variable.",
            ) from None
    import certifi  # for a box without certificates of its own; httpx brings these

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
