"""The keys of downloads and of other jobs."""

from __future__ import annotations

from tui_hub.tui.command import Command


class PauseOrResume(Command):
    """Pause this download, or let it go on."""

    key, label, sign = "space", "pause", "space"


class CancelDownload(Command):
    """Cancel this download, and free the disk that its unfinished files take."""

    key, label = "x", "cancel"


class RetryDownload(Command):
    """Try this download again, from the bytes that are here."""

    key, label = "r", "retry"


class MoveLater(Command):
    """Move this download down the line."""

    key, label, sign = "J", "later", "J"


class MoveEarlier(Command):
    """Move this download up the line."""

    key, label, sign = "K", "sooner", "K"


class LimitSpeed(Command):
    """Limit the speed of all downloads together."""

    key, label, sign = "L", "limit", "L"


class KeepLimit(Command):
    """Limit the speed from now on: the settings keep it."""

    key, label, sign = "ctrl+s", "keep", "^s"


class CancelJob(Command):
    """Cancel this job."""

    key, label = "x", "cancel"


class RetryJob(Command):
    """Run this job again."""

    key, label = "r", "retry"


class FilterType(Command):
    """Show jobs of the next type only, then of all."""

    key, label = "t", "type"


class FilterStatus(Command):
    """Show jobs of the next status only, then of all."""

    key, label = "s", "status"
