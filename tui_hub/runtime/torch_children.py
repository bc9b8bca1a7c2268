"""The process that holds a model's weights, started from `torch_child`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tui_hub.domain.runtime import (
    ChildStatus,
    Loaded,
    LoadProgress,
    LoadRequest,
    Program,
    TorchDevice,
    TorchInfo,
)
from tui_hub.runtime.children import ANSWER_SECONDS, Child
from tui_hub.runtime.pythons import SCRIPT, python_of


class TorchChild(Child):
    """A living child with torch. `start` makes one, `attach` finds one."""

    @classmethod
    async def start(
        cls,
        *,
        python: str | None,
        folder: Path,
        name: str,
        log: Path,
        environment: Mapping[str, str],
        timeout: float = 120.0,
    ) -> TorchChild:
        """Start a child that ends with this process, or with `close`, until it is kept.

        Args:
            python: as in `runtime.python`; empty or `None` is this program's own.
            folder: where its socket lives; made for this user alone.
            name: the file name of the socket.
            log: a file for what it and torch say; begun afresh.
            environment: passed on without secrets.
            timeout: seconds until it must have answered.

        Raises:
            HubError: when that Python cannot be run or does not answer.
            RefusedError: when a child of that name lives already.
        """
        return await cls._start(
            [python_of(python), str(SCRIPT)],
            folder=folder,
            name=name,
            log=log,
            environment=environment,
            timeout=timeout,
        )

    async def ready(self, timeout: float = 120.0) -> TorchInfo:
        """Wait until torch is imported.

        Raises:
            RefusedError: when that Python has no torch.
            HubError: when torch cannot be imported, or not within so many seconds.
        """
        return await self._ask(TorchInfo, "ready", timeout=timeout)

    async def devices(self, timeout: float = 120.0) -> tuple[TorchDevice, ...]:
        """What torch can load onto. A child that was asked this is not to load anything.

        Raises:
            HubError: as `ready`.
        """
        answer = await self._ask(dict[str, tuple[TorchDevice, ...]], "devices", timeout=timeout)
        return answer.get("devices", ())

    async def load(self, request: LoadRequest, progress: Callable[[LoadProgress], None]) -> Loaded:
        """Bring weights into memory and test them there; the child holds nothing if that fails.

        Cancelling this leaves the child at work: `end` it.

        Raises:
            CorruptError: when a file is damaged or cut short, or two hold the same tensor.
            UnsafeError: for a pickle without consent, or one that does more than hold tensors.
            DoesNotFitError: when memory does not suffice, with the figures.
            RefusedError: for a device, dtype or format that is not there, or a second model.
            HubError: when the weights fail the self-test, or the child dies of them.
        """
        arguments = msgspec.to_builtins(request)

        def report(figures: Any) -> None:
            progress(msgspec.convert(figures, LoadProgress))

        return await self._ask(Loaded, "load", report, **arguments)

    async def release(self, seconds: float) -> tuple[Program, ...]:
        """Ask the programs that have the weights to let go, and wait so long; who has not.

        Raises:
            HubError: when the child does not answer, or is gone.
        """
        patience = seconds + ANSWER_SECONDS
        answer = await self._ask(
            dict[str, tuple[Program, ...]], "release", timeout=patience, seconds=seconds
        )
        return answer.get("programs", ())

    async def park(self) -> None:
        """Move the weights from their GPU to the memory of the host.

        Raises:
            HubError: when they cannot go there; they are where they were then.
        """
        await self._ask(dict, "park")

    async def unpark(self) -> None:
        """Move parked weights back; those that are not parked stay.

        Raises:
            HubError: when there is no room for them any more, for example.
        """
        await self._ask(dict, "unpark")

    async def status(self) -> ChildStatus:
        """What the child says of itself.

        Raises:
            HubError: when it does not answer, or is gone.
        """
        return await self._ask(ChildStatus, "status", timeout=ANSWER_SECONDS)
