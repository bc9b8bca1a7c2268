"""Readings of the box as frozen samples.

`nvml` is not imported here: it takes its time, and is loaded with the first reading.
"""

from tui_hub.hardware.host import HostProbe
from tui_hub.hardware.probe import GpuProbe, GpuReading
from tui_hub.hardware.thread import DriverThread

__all__ = ["DriverThread", "GpuProbe", "GpuReading", "HostProbe"]
