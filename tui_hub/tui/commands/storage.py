"""The keys that look over the store, and make room in it."""

from __future__ import annotations

from tui_hub.tui.command import Command


class VerifyStore(Command):
    """Hash everything in the store again; what is damaged is moved away and named."""

    key, label = "v", "verify"


class VerifyModel(Command):
    """Hash the files of this model again."""

    key, label, shown = "V", "verify model", False


class ScanBox(Command):
    """Find models that are on this box already, and take them in."""

    key, label = "s", "scan"


class SweepStore(Command):
    """Sweep away what nothing needs; says first what that is."""

    key, label = "w", "sweep"


class MakeRoom(Command):
    """Say how much room is wanted, and see which models to delete for it."""

    key, label = "m", "make room"


class StopWork(Command):
    """Stop the verification or the scan; what it has done is kept."""

    key, label = "X", "stop"


class CloseFindings(Command):
    """Close what was found; with nothing of it open, go back to the catalogue."""

    key, label, shown = "escape", "close", False
