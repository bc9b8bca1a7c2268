"""The notes of the program: what each says is text, and there are never many."""

from __future__ import annotations

from textual.notifications import Notify, SeverityLevel

from tui_hub.text import clean
from tui_hub.tui.background import BackgroundApp

NOTES = 3
"""Notes on screen at once; an older one gives way."""
HINT_SECONDS = 3.0
"""How long a hint stays, by which it is told from other notes too."""


class NotingApp(BackgroundApp):
    """Shows notes, and few at once."""

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
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def on_notify(self, event: Notify) -> None:
        """Make room for a note: equal ones, hints before a hint, and the oldest give way."""
        new = event.notification
        stays = [
            one
            for one in self._notifications
            if one.message != new.message and not (new.timeout == one.timeout == HINT_SECONDS)
        ][1 - NOTES :]
        for one in [one for one in self._notifications if one not in stays]:
            self._unnotify(one, refresh=False)

    def hint(self, message: str) -> None:
        """Say in a few words why a key does nothing here, in place of the last such words."""
        self.notify(message, timeout=HINT_SECONDS)
