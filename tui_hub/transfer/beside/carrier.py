"""The transfers that another process does, and the process, as long as there are any."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tui_hub.transfer.beside.child import Child
from tui_hub.transfer.beside.messages import (
    Asked,
    Ended,
    Leave,
    Message,
    Moved,
    Noted,
    Pause,
    Rate,
    Used,
)
from tui_hub.transfer.sharing import HostPauses, Lanes, Use

if TYPE_CHECKING:
    from tui_hub.transfer.beside.carried import Carried

_log = logging.getLogger(__name__)


class LostError(Exception):
    """The process is gone, and what it was at with it."""


class Carrier:
    """Starts the process with the first transfer, and ends it when nobody wants it any more."""

    def __init__(self, lanes: Lanes, environment: Mapping[str, str], pauses: HostPauses) -> None:
        """Prepare; nothing is started.

        Args:
            lanes: the connections that both processes share.
            environment: of the process.
            pauses: which hosts want to be left alone; what either process learns both heed.
        """
        self._lanes = lanes
        self._environment = dict(environment)
        self._pauses = pauses
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._told = Use()
        """What the process knows of the connections here."""
        self._carried: dict[int, tuple[Child, Carried]] = {}
        """What goes on, and whether by this process or by one before it."""
        self._rate = 0
        pauses.heard = self._paused

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        child = self._child
        return None if child is None else child.pid

    def begin(self, carried: Carried, descriptor: int) -> tuple[int, Child]:
        """Have a file transferred; the number by which both call it, and who is at it.

        Raises:
            LostError: when no process can be had.
        """
        number = next(self._numbers)
        try:
            with self._lock:
                child = self._child or self._start()
                self._carried[number] = child, carried
            child.hand(carried.beginning(number), descriptor)
        except (OSError, RuntimeError, ValueError) as error:  # also no thread, and odd text
            self.forget(number)
            _log.warning("no process for transfers can be had: %s", error)
            raise LostError from error
        return number, child

    def forget(self, number: int) -> None:
        """A transfer is over."""
        with self._lock:
            self._carried.pop(number, None)

    def leave(self, pool: str) -> None:
        """Close the connections of files that are over."""
        self._say(Leave(pool))

    def limit(self, rate: int) -> None:
        """Transfer at most so many bytes a second, all together; 0 is no limit."""
        with self._lock:  # a process that is being started has the old one
            self._rate = rate
        self._say(Rate(rate))

    def close(self) -> None:
        """End the process, unless a transfer has begun. A later one starts it anew."""
        with self._lock:
            if self._carried:
                return
            child = self._child
            self._leave_to(None)
        if child is not None:
            child.end()

    def _start(self) -> Child:
        self._told = self._lanes.use
        first = Rate(self._rate), Used(self._told)
        child = Child(self._lanes.total, self._environment, first)
        try:
            threading.Thread(
                target=self._listen, args=(child,), name="transfers", daemon=True
            ).start()
        except RuntimeError:
            child.kill()
            child.bury()
            raise
        self._leave_to(child)
        return child

    def _leave_to(self, child: Child | None) -> None:
        """Leave what begins from now on to a process, or to none."""
        self._child = child
        self._lanes.elsewhere = Use()

    def _say(self, message: Message) -> None:
        child = self._child
        if child is not None:
            child.say(message)

    def _paused(self, host: str, until: float) -> None:
        self._say(Pause(host, until))

    def _listen(self, child: Child) -> None:
        """Hand on what the process says until it is gone."""
        try:
            for message in child.messages():
                self._hear(child, message)
        except Exception:
            _log.exception("what the process for transfers says cannot be heeded")
            child.kill()
        with self._lock:
            if self._child is child:
                self._leave_to(None)
            numbers = [number for number, (own, _) in self._carried.items() if own is child]
            lost = [self._carried.pop(number)[1] for number in numbers]
        status = child.bury()
        for one in lost:
            one.lost()
        if lost:
            _log.warning("the process for transfers ended with status %d; going on here", status)

    def _hear(self, child: Child, message: Message) -> None:
        if isinstance(message, Pause):
            self._pauses.learn(message.host, message.until)
        elif isinstance(message, Used):
            self._share(child, message.use)
        elif isinstance(message, Moved | Asked | Noted | Ended):
            with self._lock:
                found = self._carried.get(message.id)
            if found is not None:
                found[1].hear(message)

    def _share(self, child: Child, theirs: Use) -> None:
        """Take in what the process uses of what both share, and tell it what is used here."""
        with self._lock:
            if self._child is not child:
                return
            self._lanes.elsewhere = theirs
            ours = self._lanes.use
            news, self._told = ours != self._told, ours
        if news:
            child.say(Used(ours))
