"""Bytes from an address to a verified partial file. Knows HTTP, nothing of models."""

from tui_hub.transfer.engine import Transfer
from tui_hub.transfer.limiter import RateLimiter
from tui_hub.transfer.pool import Pool
from tui_hub.transfer.request import (
    Destination,
    Options,
    Request,
    TransferProgress,
    Transferred,
)

__all__ = [
    "Destination",
    "Options",
    "Pool",
    "RateLimiter",
    "Request",
    "Transfer",
    "TransferProgress",
    "Transferred",
]
