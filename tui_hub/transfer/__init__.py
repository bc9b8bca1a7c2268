"""Bytes from an address to a verified partial file. Knows HTTP, nothing of models."""

from tui_hub.transfer.brief import BRIEF, Brief
from tui_hub.transfer.cancellation import Cancellation
from tui_hub.transfer.engine import Transfer
from tui_hub.transfer.limiter import RateLimiter
from tui_hub.transfer.pool import Pool
from tui_hub.transfer.ranges import RangeReader
from tui_hub.transfer.request import (
    Destination,
    Options,
    Request,
    TransferProgress,
    Transferred,
)
from tui_hub.transfer.sharing import HostPauses, Lanes
from tui_hub.transfer.trouble import Cancelled

__all__ = [
    "BRIEF",
    "Brief",
    "Cancellation",
    "Cancelled",
    "Destination",
    "HostPauses",
    "Lanes",
    "Options",
    "Pool",
    "RangeReader",
    "RateLimiter",
    "Request",
    "Transfer",
    "TransferProgress",
    "Transferred",
]
