"""A small file of a server that is reached: asked for once, into memory, and checked there.

Nothing is tried again here. What does not go well at once is for a whole `Transfer`, which has the
patience, and goes on from what came.
"""

from __future__ import annotations

import hashlib
import http.client

from tui_hub.domain.downloads import FileState
from tui_hub.domain.errors import InterruptedJobError
from tui_hub.transfer.answers import Answer, Asked
from tui_hub.transfer.cancellation import Cancellation
from tui_hub.transfer.follower import Digests, git_hash
from tui_hub.transfer.identity import Identity
from tui_hub.transfer.limiter import RateLimiter
from tui_hub.transfer.patience import Clock, Patience
from tui_hub.transfer.pool import Pool
from tui_hub.transfer.request import Options, Request, TransferProgress, Transferred
from tui_hub.transfer.resolve import Resolver
from tui_hub.transfer.trouble import Cancelled, Mismatch, Restart, Trouble, trouble_from

BRIEF = 2 * 1024**2
"""Bytes of a file that is not worth threads of its own once its server is reached."""


class Brief:
    """Fetches one small file into memory.

    `run` blocks in the calling thread; the rest may be called from any.
    """

    def __init__(
        self,
        request: Request,
        room: memoryview,
        options: Options,
        limiter: RateLimiter,
        pool: Pool,
    ) -> None:
        """Prepare to fetch; nothing is asked for before `run`.

        Args:
            request: the address, and what is known of the file: its size at the least.
            room: takes the bytes, and may be longer.
            options: connections, sizes and patience.
            limiter: shared by the transfers that share a limit.
            pool: shared by the files of a job.
        """
        self._size = request.size or 0
        self._room = room[: self._size]
        self._limiter = limiter
        self._pool = pool
        self._patience = Patience(options.retries, Clock(), pool.pauses)
        self._cancellation = Cancellation()
        self._resolver = Resolver(
            request, pool, self._patience, self._cancellation, stall=options.stall
        )
        self._identity = Identity(
            request_size=request.size,
            size=request.size,
            validator=None,
            sha256=request.sha256,
            git_sha1=request.git_sha1,
            md5=request.md5,
        )
        self._came = 0

    @property
    def is_worth_it(self) -> bool:
        """Whether the file is small, and its server reached: a name cannot be called off."""
        return self._size <= BRIEF and self._pool.reaches(self._resolver.origin)

    @property
    def content(self) -> memoryview:
        """What has come, from the first byte on."""
        return self._room[: self._came]

    @property
    def validator(self) -> str | None:
        """The strong `ETag` of that, or its date."""
        return self._identity.validator

    @property
    def resumable(self) -> bool:
        """Whether what has come is of use to another attempt."""
        return self._came > 0 and self._identity.resumable

    def run(self) -> Transferred | None:
        """Fetch and verify; `None` where that takes more than one try.

        Raises:
            InterruptedJobError: after `stop`.
            HubError: the server refuses.
        """
        lanes = self._pool.lanes
        lanes.join()
        lanes.take()
        try:
            return self._fetch()
        except Cancelled:
            raise InterruptedJobError("the download was stopped; what arrived is kept") from None
        except Trouble as trouble:
            self._patience.note(trouble)
        except (Restart, Mismatch):
            self._came = 0
        finally:
            lanes.give()
            lanes.leave()
        return None

    def stop(self) -> None:
        """Make `run` return soon, whatever the server does."""
        self._cancellation.cancel()

    def snapshot(self) -> TransferProgress:
        """Where it stands."""
        came, waits = self._came, self._patience.message
        return TransferProgress(
            state=FileState.RETRYING if waits else FileState.DOWNLOADING,
            size=self._size,
            done=came,
            transferred=came,
            connections=1,
            retries=self._patience.total,
            ranges=((0, came),) if came else (),
            message=waits,
        )

    def _fetch(self) -> Transferred:
        self._cancellation.check()
        identity = self._identity
        answer = self._resolver.open(Asked(start=0, end=None))
        try:
            identity.agree(answer, holding=False)
            self._read(answer)
        finally:
            answer.close(self._pool)
        digests = self._digests()
        verified = identity.verdict(digests, size_told=True)
        return Transferred(
            sha256=digests.sha256,
            size=self._size,
            verified=verified,
            etag=identity.public_etag,
            commit=identity.commit,
            bytes_transferred=self._size,
            resumed_from=0,
            retries=self._patience.total,
        )

    def _read(self, answer: Answer) -> None:
        """Fill the room with a body."""
        host = answer.connection.address.host
        try:
            while self._came < self._size:
                self._cancellation.check()
                view = self._room[self._came :]
                count = answer.body.readinto(view[: self._limiter.portion(len(view))])
                if count == 0:
                    raise Trouble(f"{host} ended the file too early")
                if count:
                    self._came += count
                    self._limiter.take(count, self._cancellation.event)
            self._identity.finish(answer, self._came)
        except (OSError, http.client.HTTPException) as error:
            self._cancellation.check()
            raise trouble_from(error, host) from None

    def _digests(self) -> Digests:
        """What came hashes to."""
        identity, content = self._identity, self._room
        git = md5 = None
        if identity.git_sha1 is not None:
            git = git_hash(self._size)
            git.update(content)
        if identity.md5 is not None:
            md5 = hashlib.md5(content, usedforsecurity=False)
        return Digests(
            hashlib.sha256(content).hexdigest(),
            git.hexdigest() if git else None,
            md5.hexdigest() if md5 else None,
        )
