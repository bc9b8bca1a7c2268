"""One go at a file: its lanes, its hash thread and its checkpoints, until it is whole."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tui_hub.domain.artifacts import Verified
from tui_hub.domain.downloads import FileState
from tui_hub.domain.errors import HubError
from tui_hub.transfer.answers import Answer, Asked
from tui_hub.transfer.cancellation import Cancellation
from tui_hub.transfer.connection import Pool
from tui_hub.transfer.follower import Digests, Follower, git_sha1_of
from tui_hub.transfer.governor import Governor
from tui_hub.transfer.identity import Identity
from tui_hub.transfer.lanes import BUFFER, Lane
from tui_hub.transfer.limiter import RateLimiter
from tui_hub.transfer.patience import Clock, Patience
from tui_hub.transfer.pieces import Claim, Pieces, Range
from tui_hub.transfer.request import Destination, Options, Request
from tui_hub.transfer.resolve import Resolver
from tui_hub.transfer.trouble import Cancelled, Mismatch, Restart, Trouble, disk_error

_TICK = 0.05
_CHECKPOINT = 1.0
"""Seconds between two checkpoints: what a power cut may cost."""
_FAREWELL = 0.7
"""Seconds that a lane has to notice that it is over; resolving a name cannot be interrupted."""
_UNKNOWN = 1 << 62
"""Stands for a size that nobody told."""
_REFUSALS = 3
"""Refused ranges in a row after which the file is asked for as a whole."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the attempts at one file share."""

    request: Request
    destination: Destination
    options: Options
    limiter: RateLimiter
    pool: Pool
    patience: Patience
    clock: Clock


@dataclass(frozen=True, slots=True)
class Arrived:
    """A whole file and what it was checked against."""

    digests: Digests
    verified: Verified
    size: int
    etag: str | None
    commit: str | None


class Attempt:
    """Runs lanes over the pieces of one version of a file. Each version gets an attempt of its own.

    `run` blocks in the calling thread; `cancel` and the properties may be used from any other.
    """

    def __init__(self, means: Means, *, whole: bool) -> None:
        """Prepare to go on from what the destination holds.

        Args:
            means: the request, the destination, and what the attempts at it share.
            whole: ask for the file in one stream, because ranges do not work here.
        """
        self._means = means
        self._whole = whole
        destination = means.destination
        self._identity = Identity.of(means.request, destination)
        if destination.ranges and (whole or not self._identity.resumable):
            destination.reset()
            self._identity = Identity.of(means.request, destination)
        size = self._identity.size
        self._pieces = Pieces(
            _UNKNOWN if size is None else size, destination.ranges, means.options.piece_size
        )
        self.resumed_from = self._pieces.done
        self.transferred = 0
        self.state = FileState.RESOLVING
        self._cancellation = Cancellation()
        self._resolver = Resolver(
            means.request, means.pool, self._cancellation, stall=means.options.stall
        )
        self._governor = Governor(1 if whole else means.options.connections)
        self._changed = threading.Condition()
        self._lanes: set[Lane] = set()
        self._busy = 0
        """Lanes that touch the file at this moment."""
        self._failure: BaseException | None = None
        self._follower: Follower | None = None
        self._size_told = size is not None
        self._recorded = self._pieces.ranges
        self._checkpoint_at = means.clock.now() + _CHECKPOINT
        self._refusals = 0

    @property
    def size(self) -> int | None:
        """The size of the file, once known."""
        return self._identity.size

    @property
    def connections(self) -> int:
        """How many lanes there are."""
        return len(self._lanes)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """What has arrived."""
        with self._changed:
            return self._pieces.ranges

    def cancel(self) -> None:
        """Make `run` raise `Cancelled` within a second."""
        self._cancellation.cancel()
        with self._changed:
            self._changed.notify_all()

    def run(self) -> Arrived:
        """Fetch what is missing and check the whole.

        Raises:
            Restart: when what is here belongs to another version of the file.
            Mismatch: when the hash is wrong.
            Cancelled: after `cancel`; what arrived is recorded.
            HubError: when it cannot go on; what arrived is recorded.
        """
        try:
            self._fetch()
            return self._verify()
        except (Restart, Mismatch):
            self._end()
            raise
        except BaseException:
            self._end()
            # The reason to end says more than a disk that takes no record of it.
            with contextlib.suppress(HubError):
                self._checkpoint()
            raise
        finally:
            self._end()

    # -- what the calling thread does ------------------------------------------------------

    def _fetch(self) -> None:
        if self._pieces.complete and self._identity.provable:
            self._follow()
            return
        while True:
            with self._changed:
                if self._failure is not None:
                    raise self._failure
                self._cancellation.check()
                if self._follower is not None and self._pieces.complete and not self._lanes:
                    return
                self._staff()
                self._changed.wait(_TICK)
            if self._means.clock.now() >= self._checkpoint_at:
                self._checkpoint()

    def _staff(self) -> None:
        """Start the lanes that are worth having now."""
        now = self._means.clock.now()
        if self._follower is None:
            if not self._lanes:
                self._start_lane()
            return
        self._governor.observe(now, self.transferred)
        while len(self._lanes) < self._governor.target and self._pieces.wanted(now):
            self._start_lane()

    def _start_lane(self) -> None:
        lane = Lane(self)
        self._lanes.add(lane)
        lane.start()

    def _checkpoint(self) -> None:
        """Make what has arrived durable."""
        with self._changed:
            ranges, validator = self._pieces.ranges, self._identity.validator
        if self._follower is not None and ranges != self._recorded:
            with _disk():
                self._means.destination.checkpoint(ranges, validator)
            self._recorded = ranges
        self._checkpoint_at = self._means.clock.now() + _CHECKPOINT

    def _verify(self) -> Arrived:
        """Wait for the hash, which is close behind, and compare it."""
        self.state = FileState.VERIFYING
        follower, size = self._follower, self._pieces.size
        assert follower is not None  # noqa: S101 - set before the first byte is written
        while follower.is_alive():
            self._cancellation.check()
            follower.join(_TICK)
        if follower.error is not None:
            raise disk_error(follower.error)
        digests = follower.digests()
        if self._identity.git_sha1 is not None and digests.git_sha1 is None:
            git_sha1 = git_sha1_of(self._means.destination.fileno(), size)
            digests = replace(digests, git_sha1=git_sha1)
        verified = self._identity.verdict(digests, size_told=self._size_told)
        identity = self._identity
        return Arrived(digests, verified, size, identity.public_etag, identity.commit)

    def _end(self) -> None:
        """Leave no thread behind that could still touch the file."""
        self._cancellation.cancel()
        if self._follower is not None:
            self._follower.cancel()
            self._follower.join()
        with self._changed:
            self._changed.wait_for(lambda: not self._lanes, _FAREWELL)
            self._changed.wait_for(lambda: self._busy == 0)

    # -- what the lanes do -----------------------------------------------------------------

    def claim(self, lane: Lane) -> Claim | None:
        """The next range for a lane; `None` when the lane is no longer needed."""
        with self._changed:
            self._cancellation.check()
            now = self._means.clock.now()
            if self._follower is None:
                return self._first_claim(now)
            if len(self._lanes) > self._governor.target:
                return None
            alone = self._governor.target == 1
            return self._pieces.claim(now, lane.run_length if alone else 1)

    def open(self, claim: Claim) -> Answer:
        """Ask the server for what is left of a claim."""
        self._means.patience.wait(self._cancellation)
        validator = self._identity.validator
        asked = Asked(start=claim.position, end=claim.end, validator=validator)
        if self._whole or (claim.position == 0 and claim.end == self._pieces.size):
            asked = Asked(start=0, end=None)
        answer = self._resolver.open(asked)
        try:
            self._admit(answer, claim)
        except BaseException:
            self.close(claim, answer)
            raise
        return answer

    def portion(self) -> int:
        """The most bytes to read at once."""
        return self._means.limiter.portion(BUFFER)

    def write(self, claim: Claim, view: memoryview) -> None:
        """Put bytes at the claim's position into the file, and pay for them."""
        with self._touching():
            view = view[: claim.end - claim.position]
            descriptor, offset = self._means.destination.fileno(), claim.position
            while offset < claim.position + len(view):
                offset += os.pwrite(descriptor, view[offset - claim.position :], offset)
        with self._changed:
            self._pieces.advance(claim, len(view))
            self.transferred += len(view)
            self._refusals = 0
            prefix = self._pieces.prefix
        if self._follower is not None:
            self._follower.advance(prefix)
        self._means.patience.progressed(len(view))
        self._means.limiter.take(len(view), self._cancellation.event)

    def ended(self, claim: Claim) -> None:
        """A body of untold length came to its end: that is the file's, if nobody knew it."""
        if self._identity.size is not None:
            raise Trouble("the connection ended before the file did")
        with self._changed:
            self._identity.size = self._pieces.size = claim.end = claim.position
        with self._touching():
            self._means.destination.allocate(claim.position)
        if self._follower is not None:
            self._follower.finish(claim.position)

    def close(self, claim: Claim, answer: Answer) -> None:
        """Keep the connection of an answer that was read to its end; close any other."""
        consumed = answer.body.consumed
        answer.response.close()
        if consumed:
            self._means.pool.release(answer.connection)
        else:
            answer.connection.drop()

    def release(self, claim: Claim) -> None:
        """A lane is done with a claim, or gives it up."""
        with self._changed:
            self._pieces.release(claim)

    def troubled(self, lane: Lane, trouble: Trouble) -> bool:
        """Let a lane go as long as others work; let the last one wait and try again."""
        self._cancellation.check()
        with self._changed:
            self._refusals += trouble.refused
            if self._refusals >= _REFUSALS and not self._whole:
                raise Restart(trouble.message, whole=True)
            self._governor.trouble(self._means.clock.now())
            if len(self._lanes) > 1:
                self._lanes.discard(lane)
                self._means.patience.note(trouble)
                return False
        self._means.patience.failed(trouble)
        return True

    def failed(self, error: BaseException) -> None:
        """A lane met something that ends the attempt."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def left(self, lane: Lane) -> None:
        """A lane ends."""
        with self._changed:
            self._lanes.discard(lane)
            self._changed.notify_all()

    # -- the first answer ------------------------------------------------------------------

    def _first_claim(self, now: float) -> Claim | None:
        """What to ask for before anything is known for sure."""
        if self._pieces.size == 0 or self._pieces.complete:
            return self._pieces.claim_last(now)
        claim = self._pieces.claim(now)
        if claim is not None and self._whole:
            self._pieces.widen(claim)
        return claim

    def _admit(self, answer: Answer, claim: Claim) -> None:
        """Check that an answer is about this version of the file, and prepare for its bytes."""
        with self._changed:
            first = self._follower is None
            holding = not first or self._pieces.done > 0
            self._identity.agree(answer, holding=holding)
            if not answer.ranged and answer.start != claim.position:
                raise Restart("the server sends the whole file where a part was asked for")
            size = self._identity.size
            if size is None and answer.ranged:
                raise Restart("the server does not tell the size", whole=True)
            if first and size is not None:
                self._size_told = True
                self._pieces.size = size
                claim.end = min(claim.end, size)
            if not answer.ranged and claim.end < self._pieces.size:
                if not self._pieces.widen(claim):
                    raise Restart("the server ignores ranges", whole=True)
                self._governor = Governor(1)
        if first:
            if size is not None:
                with self._touching():
                    self._means.destination.allocate(size)
            self._follow()

    def _follow(self) -> None:
        """Start the hash thread; what is here already is hashed while the rest arrives."""
        identity, descriptor = self._identity, self._means.destination.fileno()
        follower = Follower(
            descriptor,
            identity.size,
            git_sha1=identity.git_sha1 is not None,
            md5=identity.md5 is not None,
        )
        follower.advance(self._pieces.prefix)
        follower.start()
        self.state = FileState.DOWNLOADING
        self._follower = follower

    @contextlib.contextmanager
    def _touching(self) -> Iterator[None]:
        """Hold the attempt's end back while the file is touched; begin nothing after it.

        Raises:
            NoSpaceError, HubError: when the disk does not take it.
        """
        with self._changed:
            self._cancellation.check()
            self._busy += 1
        try:
            with _disk():
                yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(error) from error


__all__ = ["Arrived", "Attempt", "Cancelled", "Means"]
