"""Readings of the box as frozen samples."""

from tui_hub.hardware.host import read_host

__all__ = ["read_host"]
