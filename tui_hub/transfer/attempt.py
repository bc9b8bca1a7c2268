"""One go at a file: from what the destination holds to a whole and verified one."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from tui_hub.domain.artifacts import Verified
from tui_hub.domain.downloads import FileState
from tui_hub.domain.errors import HubError
from tui_hub.domain.frozen import dataclass
from tui_hub.transfer.checkpoints import Checkpoints
from tui_hub.transfer.follower import Digests, Follower, git_sha1_of
from tui_hub.transfer.identity import Identity
from tui_hub.transfer.laggards import Laggards
from tui_hub.transfer.lanes import Lane
from tui_hub.transfer.notes import Notes
from tui_hub.transfer.pieces import Range
from tui_hub.transfer.trouble import Mismatch, Restart, disk_error, on_disk
from tui_hub.transfer.work import Means, Work

_TICK = 0.05
_FAREWELL = 0.5
"""Seconds that a lane has to notice that it is over; resolving a name cannot be interrupted."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A whole file and what it was checked against."""

    digests: Digests
    verified: Verified
    size: int
    etag: str | None
    commit: str | None


class Attempt:
    """Runs lanes, hash thread, notes and checkpoints for one version of a file.

    Each version gets an attempt of its own. `run` blocks in the calling thread; `cancel` and the
    properties may be used from any other.
    """

    def __init__(self, means: Means, *, whole: bool) -> None:
        """Prepare to go on from what the destination holds, or to begin where that is no use.

        Args:
            means: the request, the destination, and what the attempts at it share.
            whole: ask for the file in one stream, because ranges do not work here.
        """
        self._means = means
        destination = means.destination
        identity = Identity.of(means.request, destination)
        if destination.ranges and (whole or not identity.resumable):
            with on_disk():
                destination.reset()
            identity = Identity.of(means.request, destination)
        self._work = Work(means, identity, whole=whole)
        self._notes = Notes(self._work)
        self._checkpoints = Checkpoints(self._work)
        self._laggards: Laggards[Lane] = Laggards()
        self.resumed_from = self._work.pieces.done
        self._verifying = False
        self._ended = False

    @property
    def state(self) -> FileState:
        """What the attempt is doing."""
        if self._verifying:
            return FileState.VERIFYING
        resolving = self._work.follower is None
        return FileState.RESOLVING if resolving else FileState.DOWNLOADING

    @property
    def size(self) -> int | None:
        """The size of the file, once known."""
        return self._work.identity.size

    @property
    def transferred(self) -> int:
        """Bytes that came over the network."""
        return self._work.transferred

    @property
    def connections(self) -> int:
        """How many lanes there are."""
        return len(self._work.lanes)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """What has arrived."""
        with self._work.changed:
            return self._work.pieces.ranges

    def cancel(self) -> None:
        """Make `run` raise `Cancelled` within a second."""
        self._work.cancellation.cancel()
        with self._work.changed:
            self._work.changed.notify_all()

    def run(self) -> Arrived:
        """Fetch what is missing and check the whole.

        Raises:
            Restart: when what is here belongs to another version of the file.
            Mismatch: when the hash is wrong.
            Cancelled: after `cancel`; what arrived is recorded.
            HubError: when it cannot go on; what arrived is recorded.
        """
        lanes = self._means.pool.lanes
        try:
            lanes.join()
            try:
                follower = self._fetch()
            finally:
                lanes.leave()
            return self._verify(follower)
        except (Restart, Mismatch):
            raise
        except BaseException:
            self._end()
            # The reason to end says more than a disk that takes no record of it.
            with contextlib.suppress(HubError):
                self._checkpoints.record(last=True)
            raise
        finally:
            self._end()

    def _fetch(self) -> Follower:
        """Keep lanes at work until every byte is here; the thread that hashes them."""
        work = self._work
        if work.pieces.complete and work.identity.certain:
            work.follow()
        self._notes.start()
        self._checkpoints.start()
        while True:
            with work.changed:
                if work.failure is not None:
                    raise work.failure
                work.cancellation.check()
                if work.follower is not None and work.pieces.complete and not work.lanes:
                    return work.follower
                self._staff()
                work.changed.wait(_TICK)

    def _staff(self) -> None:
        """Start the lanes that are worth having now; one alone until the file is known."""
        work, now, lanes = self._work, self._means.clock.now(), self._means.pool.lanes
        if work.follower is None:
            if not work.lanes:
                self._start_lane()
            return
        work.governor.limit(lanes.most(len(work.lanes)))
        work.governor.observe(
            now, work.transferred, lanes=len(work.lanes), crowded=work.backlog.crowded
        )
        self._hasten(now)
        while len(work.lanes) < work.governor.target and work.pieces.wanted(now):
            self._start_lane()

    def _start_lane(self) -> None:
        lane = Lane(self._work)
        self._work.lanes.add(lane)
        self._means.pool.lanes.take()
        try:
            lane.start()
        except BaseException:  # no more threads can be had
            self._work.left(lane)
            raise

    def _hasten(self, now: float) -> None:
        """Open the connection of a lane afresh that is far slower than the others."""
        if self._means.limiter.rate:
            return  # then it is the limit that decides whose turn it is
        received = {lane: lane.received for lane in self._work.lanes}
        laggard = self._laggards.find(now, received)
        if laggard is not None:
            laggard.reconnect()

    def _verify(self, follower: Follower) -> Arrived:
        """Wait for the hash, which is close behind, and compare it."""
        self._verifying = True
        identity, size = self._work.identity, self._work.pieces.size
        destination = self._means.destination
        if destination.size != size:
            # A disk without room for more blocks takes back all that no record vouches for.
            self._checkpoints.end()
            self._checkpoints.record()
            with on_disk():
                destination.allocate(size)
        while follower.is_alive():
            self._work.cancellation.check()
            follower.join(_TICK)
        if follower.error is not None:
            raise disk_error(follower.error)
        digests = follower.digests()
        if identity.git_sha1 is not None and digests.git_sha1 is None:
            digests = replace(digests, git_sha1=git_sha1_of(destination.fileno(), size))
        verified = identity.verdict(digests, size_told=self._work.size_told)
        return Arrived(digests, verified, size, identity.public_etag, identity.commit)

    def _end(self) -> None:
        """Leave no thread behind that could still touch the file."""
        if self._ended:
            return
        self._ended = True
        work = self._work
        work.cancellation.cancel()
        self._notes.end()
        self._checkpoints.end()
        with work.changed:
            follower = work.follower
        if follower is not None:
            follower.cancel()
            follower.join()
        with work.changed:
            work.changed.wait_for(lambda: not work.lanes, _FAREWELL)
            work.changed.wait_for(lambda: work.busy == 0)
