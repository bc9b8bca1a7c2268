"""The way to the terminal: one that is lost ends the program, one that hangs holds up nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.drivers.linux_driver import LinuxDriver

from tui_hub.tui.terminal.output import TerminalOutput, hang_up, is_gone

if TYPE_CHECKING:
    from textual.app import App

_LAST_WORDS = 2.0
"""Seconds for which the end waits until the terminal is as it was."""


class TerminalDriver(LinuxDriver):
    """Textual's own driver, whose threads for reading and writing outlive the terminal.

    Otherwise the first write to a lost terminal ends the thread that writes, and the loop stands
    still as soon as thirty writes wait for it.
    """

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._output: TerminalOutput | None = None
        if self._file is not None:
            self._output = TerminalOutput(self._file, self._draw_anew)
            self._file = cast("Any", self._output)

    def close(self) -> None:
        """End the threads, once the last words are written."""
        super().close()
        if self._output is not None:
            self._output.drain(_LAST_WORDS)

    def run_input_thread(self) -> None:
        """Read keys until the end, or until there is nobody to press them."""
        try:
            super().run_input_thread()
        except OSError as error:
            if not is_gone(error):
                raise
            hang_up()

    def _draw_anew(self) -> None:
        self._app.call_later(self._app.refresh, layout=True)
