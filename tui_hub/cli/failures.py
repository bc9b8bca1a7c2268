"""Whatever was raised, as an error for people: known ones as they are, the rest into the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click

from tui_hub.domain.errors import HubError, InterruptedJobError, RefusedError, UsageError

if TYPE_CHECKING:
    from tui_hub.cli.options import Options

_log = logging.getLogger(__name__)


class StoppedError(InterruptedJobError):
    """A signal ended the work."""

    def __init__(self, signal: int) -> None:
        super().__init__("interrupted")
        self.exit_code = 128 + signal
        """What a shell reports for a process that the signal ended."""


class ProgramError(HubError):
    """The program that `run` was to start cannot be started."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        """What a shell reports: 127 for a program that is not there, 126 for one that is none."""


def failure(code: str, message: str, hint: str | None = None) -> HubError:
    """An error that a service handed over as plain values."""
    error = HubError(message, hint=hint)
    error.code = code
    return error


def as_hub_error(error: BaseException, options: Options) -> HubError:
    """The error that a person sees; an unexpected one leaves its traceback in the log."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, HubError):
        _log.info("failed: %s: %s", error.code, error.message)
        return error
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return InterruptedJobError("interrupted")
    if isinstance(error, click.ClickException):
        return _usage(error)
    hint = _log_traceback(error, options)
    if isinstance(error, PermissionError) and error.filename:
        return RefusedError(
            f"this user may not do that to {error.filename}: {error.strerror}",
            hint="Give this user the right to it, or choose another home or store.",
        )
    if isinstance(error, OSError) and error.strerror:
        return HubError(f"{error.strerror}: {error.filename}" if error.filename else error.strerror)
    return HubError(f"unexpected {type(error).__name__}: {error}", hint=hint)


def _usage(error: click.ClickException) -> UsageError:
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context is not None else "tui-hub"
    return UsageError(error.format_message(), hint=f"`{path} --help` lists what it takes.")


def _log_traceback(error: BaseException, options: Options) -> str | None:
    """Keep the traceback of a fault in the program, and say where it is."""
    from tui_hub.cli.running import prepare

    try:
        configuration, _ = prepare(options, talk=False)
    except HubError:
        return None
    _log.error("unexpected %s", type(error).__name__, exc_info=error)
    if options.temporary:
        return "This is a fault in the program. With --home DIR its traceback is kept."
    return f"This is a fault in the program. The traceback is in {configuration.paths.logs}."
