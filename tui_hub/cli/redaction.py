"""Secrets taken out of text before anybody reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_HIDDEN = "***"
_PATTERNS = (
    (re.compile(r"\bhf_[A-Za-z0-9_]{4,}"), "hf_" + _HIDDEN),
    (re.compile(r"\br8_[A-Za-z0-9]{4,}"), "r8_" + _HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{4,}"), r"\1 " + _HIDDEN),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@\"'<>]+@"), r"\1" + _HIDDEN + "@"),
    (re.compile(r"(?i)\b(https?://[^\s?\"'<>]+)\?[^\s\"'<>]+"), r"\1?" + _HIDDEN),
)
_NAMES = (
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "REPLICATE_API_TOKEN",
    "CIVITAI_TOKEN",
    "CIVITAI_API_TOKEN",
    "MODELSCOPE_API_TOKEN",
)
_SHORTEST = 6
"""Characters below which a value is too common a word to be looked for."""


class Redactor:
    """Knows the secrets of one run and what secrets look like."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        values = {environment.get(name, "").strip() for name in _NAMES}
        self._values = sorted(value for value in values if len(value) >= _SHORTEST)

    def __call__(self, text: str) -> str:
        """The text without tokens, passwords in addresses, and query strings of addresses."""
        for value in self._values:
            text = text.replace(value, _HIDDEN)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text
