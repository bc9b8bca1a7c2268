"""What the lanes of one attempt share: the pieces, the file, and what they learn of it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from tui_hub.domain.frozen import dataclass
from tui_hub.transfer.answers import Answer, Asked
from tui_hub.transfer.backlog import Backlog
from tui_hub.transfer.cancellation import Cancellation
from tui_hub.transfer.follower import Follower
from tui_hub.transfer.governor import Governor
from tui_hub.transfer.identity import Identity
from tui_hub.transfer.lanes import BUFFER, Lane
from tui_hub.transfer.limiter import RateLimiter
from tui_hub.transfer.patience import Clock, Patience
from tui_hub.transfer.pieces import Claim, Pieces
from tui_hub.transfer.pool import Pool
from tui_hub.transfer.request import Destination, Options, Request
from tui_hub.transfer.resolve import Resolver
from tui_hub.transfer.trouble import Restart, Trouble, on_disk

_LEAST_PIECE = 64 * 1024
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


class Work:
    """The state of one attempt. Lanes call the methods; `changed` guards what they share."""

    def __init__(self, means: Means, identity: Identity, *, whole: bool) -> None:
        """Prepare to go on from what the destination holds.

        Args:
            means: the request, the destination, and what the attempts at it share.
            identity: what is known of the file.
            whole: ask for the file in one stream, because ranges do not work here.
        """
        self.means = means
        self.identity = identity
        size = identity.size
        self.pieces = Pieces(
            _UNKNOWN if size is None else size,
            means.destination.ranges,
            max(_LEAST_PIECE, means.options.piece_size),
        )
        self.size_told = size is not None
        """Whether the size was known before the last byte came."""
        self.transferred = 0
        self.changed = threading.Condition()
        self.lanes: set[Lane] = set()
        self.busy = 0
        """Lanes that touch the file at this moment."""
        self.failure: BaseException | None = None
        self.follower: Follower | None = None
        """Set with the first answer; what it hashes is this version of the file."""
        self.cancellation = Cancellation()
        self.governor = Governor(1 if whole else means.options.connections)
        self.backlog = Backlog()
        self._whole = whole
        self._refusals = 0
        self._resolver = Resolver(
            means.request,
            means.pool,
            means.patience,
            self.cancellation,
            stall=means.options.stall,
        )

    def claim(self, lane: Lane) -> Claim | None:
        """The next range for a lane; `None` when the lane is no longer needed."""
        with self.changed:
            self.cancellation.check()
            now = self.means.clock.now()
            if self.follower is None:
                return self._first_claim(now)
            if len(self.lanes) > self.governor.target:
                return None
            alone = self.governor.target == 1
            return self.pieces.claim(now, lane.run_length if alone else 1)

    def open(self, claim: Claim) -> Answer:
        """Ask the server for what is left of a claim."""
        self.means.patience.wait(self.cancellation)
        validator = self.identity.validator
        asked = Asked(start=claim.position, end=claim.end, validator=validator)
        if self._whole or (claim.position == 0 and claim.end == self.pieces.size):
            asked = Asked(start=0, end=None)
        answer = self._resolver.open(asked)
        try:
            self._admit(answer, claim)
        except BaseException:
            self.close(answer)
            raise
        return answer

    def portion(self) -> int:
        """The most bytes to read at once."""
        return self.means.limiter.portion(BUFFER)

    def write(self, claim: Claim, view: memoryview) -> None:
        """Put bytes at the claim's position into the file, and pay for them."""
        with self._touching():
            view = view[: claim.end - claim.position]
            descriptor, offset = self.means.destination.fileno(), claim.position
            while offset < claim.position + len(view):
                offset += os.pwrite(descriptor, view[offset - claim.position :], offset)
        with self.changed:
            self.pieces.advance(claim, len(view))
            self.transferred += len(view)
            self._refusals = 0
            prefix = self.pieces.prefix
        if self.follower is not None:
            self.follower.advance(prefix)
            if self.governor.target == 1:
                self.follower.wait()
        self.means.patience.progressed(len(view))
        self.means.limiter.take(len(view), self.cancellation.event)

    def ended(self, claim: Claim) -> None:
        """A body of untold length came to its end: that is the file's, if nobody knew it."""
        if self.identity.size is not None:
            raise Trouble("the connection ended before the file did")
        with self.changed:
            self.identity.size = self.pieces.size = claim.end = claim.position
        if self.follower is not None:
            self.follower.finish(claim.position)

    def close(self, answer: Answer) -> None:
        """Keep the connection of an answer that was read to its end; close any other."""
        answer.close(self.means.pool)

    def release(self, claim: Claim) -> None:
        """A lane is done with a claim, or gives it up."""
        with self.changed:
            self.pieces.release(claim)

    def troubled(self, lane: Lane, trouble: Trouble) -> bool:
        """Let a lane go as long as others work; let the last one wait and try again.

        Returns:
            Whether the lane shall go on.
        """
        self.cancellation.check()
        with self.changed:
            self._refusals += trouble.refused
            # A storage that shuts its doors for a while must not cost what has come from it.
            hopeless = trouble.forbidden and self.pieces.done > 0
            if self._refusals >= _REFUSALS and not self._whole and not hopeless:
                raise Restart(trouble.message, whole=True)
            self.governor.trouble(self.means.clock.now())
            if len(self.lanes) > 1:
                self.lanes.discard(lane)
                self.means.patience.note(trouble)
                return False
        self.means.patience.failed(trouble)
        self._resolver.renew()
        return True

    def failed(self, error: BaseException) -> None:
        """A lane met something that ends the attempt."""
        with self.changed:
            self.failure = self.failure or error
            self.changed.notify_all()

    def left(self, lane: Lane) -> None:
        """A lane ends."""
        self.means.pool.lanes.give()
        with self.changed:
            self.lanes.discard(lane)
            self.changed.notify_all()

    def follow(self) -> None:
        """Start the hash thread; what is here already is hashed while the rest arrives.

        Raises:
            Cancelled: when it is too late for that: nobody would end the thread.
        """
        identity = self.identity
        follower = Follower(
            self.means.destination.fileno(),
            identity.size,
            held=self.pieces.prefix,
            git_sha1=identity.git_sha1 is not None,
            md5=identity.md5 is not None,
        )
        with self.changed:
            self.cancellation.check()
            follower.start()
            self.follower = follower

    def _first_claim(self, now: float) -> Claim | None:
        """What to ask for before anything is known for sure."""
        if self.pieces.complete:
            return self.pieces.claim_last(now)
        claim = self.pieces.claim(now)
        if claim is not None and self._whole:
            self.pieces.widen(claim)
        return claim

    def _admit(self, answer: Answer, claim: Claim) -> None:
        """Check that an answer is about this version of the file, and prepare for its bytes."""
        with self.changed:
            first = self.follower is None
            self.identity.agree(answer, holding=not first or self.pieces.done > 0)
            if answer.start != claim.position:
                raise Restart("the server sends the whole file where a part was asked for")
            size = self.identity.size
            sure = size is not None and (answer.total is not None or self.identity.provable)
            if answer.ranged and not sure:
                raise Restart("the server does not tell the size", whole=True)
            if size is not None and size != self.pieces.size:
                self.pieces.size = size
                claim.end = min(claim.end, size)
            if not answer.ranged and claim.end < self.pieces.size:
                if not self.pieces.widen(claim):
                    raise Restart("the server ignores ranges", whole=True)
                self.governor = Governor(1)
            if size is not None and not self.size_told:
                self.size_told = True
                if self.follower is not None:
                    self.follower.finish(size)
        if first:
            if size is not None:
                with self._touching():
                    self.means.destination.allocate(size)
            self.follow()

    @contextlib.contextmanager
    def _touching(self) -> Iterator[None]:
        """Hold the attempt's end back while the file is touched; begin nothing after it."""
        with self.changed:
            self.cancellation.check()
            self.busy += 1
        try:
            with on_disk():
                yield
        finally:
            with self.changed:
                self.busy -= 1
                self.changed.notify_all()
