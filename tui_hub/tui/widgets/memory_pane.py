"""The memory of the box by holder, live."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from textual import work

from tui_hub.domain.ollama import OllamaState
from tui_hub.domain.slots import Slot
from tui_hub.events import HardwareSampled
from tui_hub.tui.commands import FreeOllama
from tui_hub.tui.drawing.draw import Line
from tui_hub.tui.drawing.memory_ghost import Ghost
from tui_hub.tui.drawing.memory_panel import Box, brief_lines, full_lines
from tui_hub.tui.live import Live
from tui_hub.tui.widgets.lines_pane import LinesPane

_MOMENTS = 60
"""Readings of the host's memory that are kept, as many as of a GPU."""

_OLLAMA_SECONDS = 5.0
"""Between two questions to the daemon of Ollama."""

_BRIEF = 4
"""Lines at most on a narrow screen."""
_GHOST = 5
"""Lines of a change on a narrow screen: the device now and then, what comes and leaves, when."""


class MemoryPane(LinesPane):
    """Each device as a bar with its figures and its history, and the processes below.

    On a narrow screen each device is one line.
    """

    BINDING_GROUP_TITLE = "Memory"

    def __init__(self) -> None:
        super().__init__(id="memory")
        self._host: deque[int] = deque(maxlen=_MOMENTS)
        self._height: int | None = None
        self.ollama: OllamaState | None = None
        """What the daemon of Ollama has in memory."""
        self._ghost: Ghost | None = None
        self._slots: tuple[Slot, ...] = ()
        """The slots, as they were drawn last."""

    def show_ghost(self, ghost: Ghost | None) -> None:
        """Show the memory as a change would leave it; without one, as it is."""
        if ghost != self._ghost:
            self._ghost = ghost
            self.scroll_home(animate=False)
            self._show()

    def on_mount(self) -> None:
        """Follow the readings, and whose memory it is."""
        self.set_interval(_OLLAMA_SECONDS, self.ask_ollama)
        self.ask_ollama()
        self.app.event_signal.follow(self, self._happened, HardwareSampled)
        self.app.live_signal.subscribe(self, self._live)

    def _happened(self, event: HardwareSampled) -> None:
        sample = self.app.services.hardware.sample
        if sample is not None:
            self._host.append(sample.host.memory_used)
            self._show()

    @work(group="ollama", exclusive=True)
    async def ask_ollama(self) -> None:
        """Ask the daemon of Ollama what it has in memory, while somebody looks."""
        if not self.screen.is_current:
            return
        with self.app.reporting():
            state = await self.app.services.ollama.look()
            if state != self.ollama:
                self.ollama = state
                self._show()
                self.screen.refresh_bindings()

    def _live(self, live: Live) -> None:
        if live.slots != self._slots:
            self._slots = live.slots
            self._show()

    def _show(self) -> None:
        if self.screen.is_current:
            self.follow()

    def lines(self, width: int, rows: int) -> Sequence[Line]:
        hardware = self.app.services.hardware
        if hardware.sample is None:
            return [[("reading memory", "faint")]]
        box = Box(
            sample=hardware.sample,
            slots=self.app.live.slots,
            history={gpu.uuid: hardware.history(gpu.uuid) for gpu in hardware.sample.gpus},
            host_history=self._host,
            ollama=self.ollama,
            ghost=self._ghost,
            frees=self.app.key_of(FreeOllama),
        )
        if not self.screen.has_class("-narrow"):
            self._set_height(None)
            return full_lines(box, width, rows, self.glyphs)
        lines = brief_lines(box, width, _BRIEF, self.glyphs)
        # What a ghost says of a time must not make the screen jump from model to model.
        self._set_height(len(lines) if self._ghost is None else max(len(lines), _GHOST))
        return lines

    def _set_height(self, height: int | None) -> None:
        """Take another height; to set one draws the whole screen, even where it is the same."""
        if height != self._height:
            self._height = self.styles.height = height
