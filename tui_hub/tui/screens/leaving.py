"""The question before the program ends: what it is at, kept up to date while it stands there."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from tui_hub import text
from tui_hub.domain.downloads import Download
from tui_hub.domain.jobs import JobStatus
from tui_hub.domain.swaps import SwapPicture
from tui_hub.tui.live import Live
from tui_hub.tui.screens.confirm import MUTED, Confirm, given_up

_MOVING = (JobStatus.RUNNING, JobStatus.PENDING)


def own_downloads(live: Live) -> tuple[Download, ...]:
    """The downloads that stop when this process ends."""
    return tuple(one for one in live.downloads if one.local and one.status in _MOVING)


class LeavingQuestion(Confirm):
    """Whether to leave although this process is at work.

    Args:
        agent: whether the agent is alive, which goes on with downloads.
        temporary: whether the home is removed at the end, with all that is in it.
    """

    def __init__(self, *, agent: bool, temporary: bool) -> None:
        super().__init__("Leave?", Content(), yes="Leave", no="Stay", danger=True)
        self._agent, self._temporary = agent, temporary

    def on_mount(self) -> None:
        """Follow what is under way."""
        self._tell(self.app.live)
        self.app.live_signal.subscribe(self, self._tell)

    def _tell(self, live: Live) -> None:
        lines = self._lines(own_downloads(live), self.app.services.activation.swaps())
        told = lines or [Content("Nothing is under way any more.")]
        self.query_one("#body", Static).update(Content("\n").join(told))
        self.query_one(".dialog").set_class(bool(lines), "-danger")

    def _lines(self, running: Sequence[Download], swaps: Sequence[SwapPicture]) -> list[Content]:
        lines: list[Content] = []
        if running:
            left = sum(max(one.bytes_total - one.done, 0) for one in running)
            words = "download is" if len(running) == 1 else "downloads are"
            told = f"{len(running)} {words} under way, with {text.size(left)} to go."
            becomes = _what_becomes(len(running) == 1, self._agent, self._temporary)
            lines += [Content(told), Content.styled(becomes, MUTED)]
        for swap in swaps:
            told = f"The slot {swap.type.value} is being changed: {swap.step.value}."
            lines += [Content(told), Content.styled(given_up(swap), MUTED)]
        return lines


def _what_becomes(single: bool, agent: bool, temporary: bool) -> str:
    """What happens to downloads when the screen is left."""
    if temporary:
        return "This demo's home is removed at the end, and all that arrived with it."
    if agent:
        them = "it" if single else "them"
        return f"The agent of this home goes on with {them}, from the bytes that are here."
    if single:
        return "It pauses, keeps every byte, and goes on when the screen opens again."
    return "They pause, keep every byte, and go on when the screen opens again."
