"""The notes of the program: what each says is text, and there are never many."""

from __future__ import annotations

from textual.notifications import Notification, Notify, SeverityLevel
from textual.screen import ModalScreen

from tui_hub.text import clean
from tui_hub.tui.background import BackgroundApp
from tui_hub.tui.drawing.draw import fit, wrap
from tui_hub.tui.drawing.glyphs import Glyphs

NOTES = 3
"""Notes on screen at once; an older one gives way."""
_FEW = 2
"""The same on a small screen, whose lines are all needed."""
_SMALL = (100, 30)
"""Cells and lines below which a screen is a small one."""
_LINES = 2
"""Lines of a note at most, but of an error, of which every word may be needed."""
_CALM = 2
"""Lines that notes take together where none of them warns: they lie over what one reads."""
HINT_SECONDS = 3.0
"""How long a hint stays, by which it is told from other notes too."""


class NotingApp(BackgroundApp):
    """Shows notes, and few at once."""

    glyphs: Glyphs

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a note. What it says is text, never markup."""
        message = clean(message, 600, lines=True)
        if severity != "error":
            message = self._brief(message)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def on_notify(self, event: Notify) -> None:
        """Make room for a note: equal ones, hints before a hint, and the oldest give way."""
        new = event.notification
        stays = [
            one
            for one in self._notifications
            if one.message != new.message and not (new.timeout == one.timeout == HINT_SECONDS)
        ][1 - self._most :]
        while stays and sum(map(_lines, [*stays, new])) > _CALM and not any(map(_warns, stays)):
            stays.pop(0)
        for one in [one for one in self._notifications if one not in stays]:
            self._unnotify(one, refresh=False)

    def _brief(self, message: str) -> str:
        """A message, cut where it would take more lines than a note may have."""
        width, most = self.size.width * 3 // 4, 1 if self._asks else _LINES
        lines = [
            "".join(words for words, _ in line).strip()
            for one in message.splitlines()
            for line in wrap([(one, "")], width, 0)
        ]
        if len(lines) <= most:
            return message
        rest = [(" ".join(lines[most - 1 :]), "")]
        last = "".join(words for words, _ in fit(rest, width, ellipsis=self.glyphs.ellipsis))
        return "\n".join([*lines[: most - 1], last.rstrip()])

    @property
    def _asks(self) -> bool:
        """Whether a question is in front, below which there is room for little."""
        return isinstance(self.screen, ModalScreen)

    @property
    def _most(self) -> int:
        small = self.size.width < _SMALL[0] or self.size.height < _SMALL[1]
        return _FEW if small else NOTES

    def take_notes_away(self) -> bool:
        """Take all notes away; whether there was one that would have stayed for a while."""
        lasting = any(one.timeout != HINT_SECONDS for one in self._notifications)
        self.clear_notifications()
        return lasting

    def hint(self, message: str) -> None:
        """Say in a few words why a key does nothing here, in place of the last such words."""
        self.notify(message, timeout=HINT_SECONDS)


def _lines(note: Notification) -> int:
    return note.message.count("\n") + 1


def _warns(note: Notification) -> bool:
    return note.severity != "information"
