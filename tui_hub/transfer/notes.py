"""The thread that notes what has arrived between two checkpoints, which a busy disk draws out."""

from __future__ import annotations

import threading

from tui_hub.transfer.pieces import Range
from tui_hub.transfer.work import Work

_INTERVAL = 0.25
"""Seconds between two notes: what a killed process may cost."""


class Notes(threading.Thread):
    """Tells the destination a few times a second what has arrived, if anything has."""

    def __init__(self, work: Work) -> None:
        super().__init__(name="transfer-notes", daemon=True)
        self._work = work
        self._over = threading.Event()

    def run(self) -> None:
        """Note until the end."""
        noted: tuple[tuple[Range, ...], str | None] = (), None
        while not self._over.wait(_INTERVAL):
            with self._work.changed:
                identity = self._work.identity
                arrived = self._work.pieces.ranges, identity.validator
                # A disk that was pulled out may have lost noted bytes: a hash has the last word.
                wanted = self._work.follower is not None and identity.provable
            if wanted and arrived != noted:
                self._work.means.destination.note(*arrived)
                noted = arrived

    def end(self) -> None:
        """Note nothing more once this returns: the file may soon be another version's."""
        self._over.set()
        if self.is_alive():
            self.join()
