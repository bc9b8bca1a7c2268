"""The transfer of one file: from an address to a verified partial file."""

from __future__ import annotations

import threading
from dataclasses import replace

from tui_hub.domain.downloads import FileState
from tui_hub.domain.errors import CorruptError, InterruptedJobError, UnreachableError
from tui_hub.transfer.attempt import Arrived, Attempt
from tui_hub.transfer.limiter import RateLimiter
from tui_hub.transfer.patience import Clock, Patience
from tui_hub.transfer.pool import Pool
from tui_hub.transfer.repair import Repair
from tui_hub.transfer.request import (
    Destination,
    Options,
    Request,
    TransferProgress,
    Transferred,
)
from tui_hub.transfer.trouble import Cancelled, Mismatch, Restart, on_disk
from tui_hub.transfer.work import Means

_RESTARTS = 3
"""Starts from zero after which a server that keeps changing the file is given up."""


class Transfer:
    """Fetches one file into a destination. `run` blocks; the rest may be called from any thread."""

    def __init__(
        self,
        request: Request,
        destination: Destination,
        options: Options | None = None,
        limiter: RateLimiter | None = None,
        pool: Pool | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        """Prepare a transfer; nothing is opened before `run`.

        Args:
            request: the address and what is known of the file.
            destination: where its bytes go; bytes that are there already are not fetched again.
            options: connections, sizes and patience.
            limiter: shared by the transfers that share a limit.
            pool: shared by the files of a job; else the transfer has one of its own.
            clock: time and chance, for tests.
        """
        options = options or Options()
        clock = clock or Clock()
        self._own_pool = Pool(options.environment, timeout=options.timeout) if not pool else None
        pool = pool or self._own_pool or Pool()
        self._means = Means(
            request=request,
            destination=destination,
            options=options,
            limiter=limiter or RateLimiter(),
            pool=pool,
            patience=Patience(options.retries, clock, pool.pauses),
            clock=clock,
        )
        self._lock = threading.Lock()
        self._stopped = False
        self._attempt: Attempt | None = None
        self._transferred = 0
        """Bytes of attempts that are over."""
        self._progress = TransferProgress.before(request, destination)
        self._repair = Repair(options.piece_size)
        self._doubt = ""
        """Why the file is fetched again, if it is."""

    def run(self) -> Transferred:
        """Fetch, verify, and return what arrived.

        Raises:
            InterruptedJobError: after `stop`; what arrived is recorded in the destination.
            GatedError, UnauthorizedError, NotFoundError: the server refuses.
            UnreachableError, RateLimitedError: the server cannot be reached, or asks for too much
                patience; what arrived is recorded.
            CorruptError: the bytes have the wrong hash, twice.
            NoSpaceError: the disk is full; what arrived is recorded.
            UnsafeError: a redirect leads where it must not.
            UsageError: a proxy or certificate setting is wrong.
        """
        try:
            result = self._run()
        except Cancelled:
            self._close(FileState.PAUSED, "")
            raise InterruptedJobError("the download was stopped; what arrived is kept") from None
        except BaseException as error:
            self._close(FileState.FAILED, str(error))
            raise
        finally:
            if self._own_pool is not None:
                self._own_pool.close()
        self._close(FileState.COMPLETED, "")
        return result

    def stop(self) -> None:
        """Make `run` return within about a second, whatever the server does."""
        with self._lock:
            self._stopped = True
            attempt = self._attempt
        if attempt is not None:
            attempt.cancel()

    def snapshot(self) -> TransferProgress:
        """Where the transfer stands."""
        with self._lock:
            attempt, transferred = self._attempt, self._transferred
            if attempt is None:
                return self._progress
        ranges = attempt.ranges
        patience = self._means.patience
        waits = bool(patience.message) and attempt.state is not FileState.VERIFYING
        return TransferProgress(
            state=FileState.RETRYING if waits else attempt.state,
            size=attempt.size,
            done=sum(end - start for start, end in ranges),
            transferred=transferred + attempt.transferred,
            resumed_from=attempt.resumed_from,
            connections=attempt.connections,
            retries=patience.total,
            ranges=ranges,
            message=patience.message or self._doubt,
        )

    def _run(self) -> Transferred:
        restarts, whole = 0, False
        while True:
            attempt = self._begin(whole)
            try:
                return self._result(attempt, attempt.run())
            except Restart as restart:
                restarts += 1
                whole = whole or restart.whole or restarts >= _RESTARTS - 1
                if restarts > _RESTARTS:
                    raise UnreachableError(
                        f"the download began anew {_RESTARTS} times: {restart.message}",
                        hint="Refresh the listing and download again later.",
                    ) from None
                self._repair = Repair(self._means.options.piece_size)
                self._reset()
            except Mismatch as mismatch:
                self._keep_agreed(attempt, mismatch)

    def _keep_agreed(self, attempt: Attempt, mismatch: Mismatch) -> None:
        """Forget what is in doubt of a wrong file, and keep what two fetches agree on.

        Raises:
            CorruptError: when another fetch would not help; then nothing is kept.
        """
        destination, validator = self._means.destination, self._means.destination.validator
        size = attempt.size or 0
        try:
            with on_disk():
                kept = self._repair.compare(destination.fileno(), size, mismatch, self._check)
        except CorruptError:
            self._reset()
            raise
        if not kept:
            self._reset()
            self._doubt = "it arrived damaged; fetching it again to see where"
            return
        self._doubt = "it arrived damaged; fetching the pieces in doubt again"
        with on_disk():
            destination.checkpoint(kept, validator)

    def _check(self) -> None:
        if self._stopped:
            raise Cancelled

    def _reset(self) -> None:
        with on_disk():
            self._means.destination.reset()

    def _begin(self, whole: bool) -> Attempt:
        self._check()
        # Not under the lock: it may have the destination forget what it holds, which takes its
        # time, and in a process beside the one that keeps the records a thread that wants the lock.
        attempt = Attempt(self._means, whole=whole)
        with self._lock:
            self._check()
            if self._attempt is not None:
                self._transferred += self._attempt.transferred
            self._attempt = attempt
        return attempt

    def _result(self, attempt: Attempt, arrived: Arrived) -> Transferred:
        with on_disk():
            mended = self._repair.mended(
                self._means.destination.fileno(), arrived.size, self._check
            )
        return Transferred(
            sha256=arrived.digests.sha256,
            size=arrived.size,
            verified=arrived.verified,
            etag=arrived.etag,
            commit=arrived.commit,
            bytes_transferred=self._transferred + attempt.transferred,
            resumed_from=attempt.resumed_from,
            retries=self._means.patience.total,
            mended=mended,
        )

    def _close(self, state: FileState, message: str) -> None:
        """Keep the last figures; the attempt is over."""
        progress = replace(self.snapshot(), state=state, message=message, connections=0)
        with self._lock:
            self._progress = progress
            self._attempt = None
