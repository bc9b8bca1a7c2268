"""Consents: a person's word that weights may be taken from a file that could run a program."""

from __future__ import annotations

from tui_hub.domain.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One file that may be loaded, weights only. Its bytes are meant, not its name."""

    sha256: str
    path: str
    """As it was called in its model when somebody agreed."""
    model: str
    by: str
    """The user of this box who agreed."""
    at: str
