"""A lane: one thread with one connection that fetches pieces and writes them in place."""

from __future__ import annotations

import http.client
import threading
import time
from typing import TYPE_CHECKING

from tui_hub.transfer.answers import Answer
from tui_hub.transfer.pieces import Claim
from tui_hub.transfer.trouble import Cancelled, Trouble, trouble_from

if TYPE_CHECKING:
    from tui_hub.transfer.work import Work

BUFFER = 1024**2
"""Bytes of one write; large and aligned ones cost the kernel three to five times less."""
_FLUSH = 0.2
"""Seconds after which a buffer is written although it is not full."""


class Lane(threading.Thread):
    """Fetches one claim after the other until there is none."""

    def __init__(self, work: Work) -> None:
        super().__init__(name="transfer-lane", daemon=True)
        self._work = work
        self._buffer = memoryview(bytearray(min(BUFFER, max(1, work.pieces.size))))
        self._answer: Answer | None = None
        """What is being read."""
        self._cut = False
        """Whether its connection was cut because others are faster."""
        self.received = 0
        """Bytes that it brought."""
        self.run_length = 1
        """Pieces that its next claim may cover; grows while pieces are quick."""

    def run(self) -> None:
        """Work until nothing is left, and tell of every end but a wanted one."""
        try:
            while (claim := self._work.claim(self)) is not None:
                if not self._fetch(claim):
                    break
        except Cancelled:
            pass
        except BaseException as error:
            self._work.failed(error)
        finally:
            self._work.left(self)

    def reconnect(self) -> None:
        """Drop the connection under a read and go on over another. From any thread."""
        answer = self._answer
        if answer is not None:
            self._cut = True
            answer.connection.cut()

    def _fetch(self, claim: Claim) -> bool:
        """Bring one claim in; whether to go on with another."""
        try:
            while claim.position < claim.end or claim.start == claim.end:
                answer = self._work.open(claim)
                self._read(answer, claim)
                if claim.start == claim.end:
                    break
        except Trouble as trouble:
            self._work.release(claim)
            if self._cut:
                self._cut = False
                return True
            return self._work.troubled(self, trouble)
        except BaseException:
            self._work.release(claim)
            raise
        quick = time.monotonic() - claim.since < _FLUSH
        self.run_length = min(8, self.run_length * 2) if quick else 1
        self._work.release(claim)
        return True

    def _read(self, answer: Answer, claim: Claim) -> None:
        """Read a body into the file, and leave its connection in a known state."""
        self._answer = answer
        try:
            while claim.position < claim.end and self._fill(answer, claim):
                pass
            self._work.identity.finish(answer, claim.position)
        except (OSError, http.client.HTTPException) as error:
            answer.connection.cancellation.check()
            raise trouble_from(error, answer.connection.address.host) from None
        finally:
            self._answer = None
            self._work.close(answer)
        stop = claim.end if answer.end is None else min(answer.end, claim.end)
        if claim.position < stop:
            if answer.end is not None:
                host = answer.connection.address.host
                raise Trouble(f"{host} ended the file too early")
            self._work.ended(claim)

    def _fill(self, answer: Answer, claim: Claim) -> bool:
        """Fill the buffer and write it, also when the connection fails; whether more may come."""
        view = self._buffer[: min(self._work.portion(), claim.end - claim.position)]
        begin, waiting = time.monotonic(), answer.body.waiting
        filled = 0
        try:
            while filled < len(view):
                count = answer.body.readinto(view[filled:])
                if count == 0:
                    return False
                filled += count or 0
                if count is None or answer.end is None or time.monotonic() - begin >= _FLUSH:
                    break
        finally:
            if filled:
                self.received += filled
                self._work.write(claim, view[:filled])
            self._work.backlog.add(time.monotonic() - begin, filled, waiting)
        return True
