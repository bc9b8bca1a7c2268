"""How whole numbers are written for people."""

from __future__ import annotations


def grouped(number: int) -> str:
    """A whole number with thin groups of three digits: `2 514 233`."""
    return f"{number:,}".replace(",", " ")
