"""Downloads that come so far and no farther, however fast or slow the box is."""

from __future__ import annotations

from tui_hub.demo import DemoHub, Fault, FaultKind


def halt(hub: DemoHub, after: int) -> Fault:
    """Let each answer with weights stop after so many bytes, until the hub's faults are cleared."""
    return hub.faults.add(Fault(FaultKind.STALL, origin="cdn", times=-1, after=after))
