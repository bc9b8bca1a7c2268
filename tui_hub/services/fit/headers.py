"""The headers of weights files: out of the store where they are here, else over the network."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tui_hub.domain.architectures import Architecture, from_gguf
from tui_hub.domain.artifacts import Artifact, weights_format
from tui_hub.domain.errors import HubError, NoConnectionError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.formats import READABLE, Header, HeaderError, Read, read_header
from tui_hub.services.concurrency import run_all
from tui_hub.services.context import Context
from tui_hub.sources.base import FileRequest
from tui_hub.text import clean
from tui_hub.transfer import Cancellation, Options, Pool, RangeReader, Request

_PARALLEL = 6
"""Files whose headers are on their way at the same time."""
_PATIENCE = 30.0
"""Seconds after which the figures go without headers: somebody waits for the answer."""
_RETRIES = 2
_REMEMBERED = 4096
"""Files whose headers are kept at hand, so that going through variants asks nobody twice."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one header told, without the foreign text in it."""

    bytes_by_dtype: Mapping[str, int]
    architecture: Architecture | None = None
    """What a GGUF header tells of the model."""
    shards: int = 1
    """How many files make the model, as this one says."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the headers of several files told, by path, and why some told nothing."""

    headers: Mapping[str, Summary]
    problems: tuple[str, ...] = ()


class Headers:
    """Reads headers, several files at once, and remembers them by the hash of their file."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._remembered: dict[str, Summary] = {}

    async def read(self, model: ModelId, files: Sequence[Artifact]) -> Told:
        """The headers of those files that have one; what goes wrong is told, not raised."""
        found: dict[str, Summary] = {}
        problems: list[str] = []
        network = _Network(self._context)
        gate = asyncio.Semaphore(_PARALLEL)

        async def bring(file: Artifact) -> None:
            async with gate:
                try:
                    found[file.path] = await self._summary(model, file, network)
                except HeaderError as error:
                    problems.append(f"{clean(file.path, 100)}: {error.message}")

        try:
            async with asyncio.timeout(_PATIENCE):
                await run_all(bring(file) for file in files if _readable(file))
        except TimeoutError:
            problems.append(f"the headers of the weights did not come within {_PATIENCE:.0f} s")
        except HubError as error:
            problems.append(f"the headers of the weights cannot be read: {error.message}")
        finally:
            network.close()
        return Told(found, tuple(problems))

    async def _summary(self, model: ModelId, file: Artifact, network: _Network) -> Summary:
        known = self._remembered.get(file.sha256 or "")
        if known is not None:
            return known
        store, sha256 = self._context.store, file.blob or file.sha256
        if sha256 is not None and store.has(sha256, file.size):
            header = await self._context.on_disk(_of_file, store.path(sha256), file)
        elif model.source == "local":
            asked = await self._context.source(model).request(file)
            header = await self._context.on_disk(_of_file, asked.file or Path(), file)
        elif self._context.configuration.offline:
            raise NoConnectionError("the program is offline")
        else:
            asked = await self._context.source(model).request(file)
            header = await asyncio.to_thread(_of_remote, network, asked, file)
        summary = _summary(header)
        if file.sha256 is not None and len(self._remembered) < _REMEMBERED:
            self._remembered[file.sha256] = summary
        return summary


class _Network:
    """The connections of one round; what still waits in a thread at its end is called off."""

    def __init__(self, context: Context) -> None:
        timeout = context.configuration.settings.network.timeout
        environment = context.configuration.environment
        self._options = Options(retries=_RETRIES, timeout=timeout, environment=environment)
        self._pool = Pool(environment, timeout=timeout)
        self._cancellation = Cancellation()

    def reader(self, request: Request) -> RangeReader:
        """Reads ranges of one file."""
        return RangeReader(request, self._options, self._pool, self._cancellation)

    def close(self) -> None:
        """Call off what is under way, and close the connections."""
        self._cancellation.cancel()
        self._pool.close()


def _summary(header: Header) -> Summary:
    if header.format != "gguf":
        return Summary(header.bytes_by_dtype)
    shards = header.metadata.get("split.count")
    return Summary(
        header.bytes_by_dtype,
        from_gguf(header.metadata, _vocabulary(header)),
        shards if isinstance(shards, int) else 1,
    )


def _vocabulary(header: Header) -> int:
    """Tokens that the embedding knows; 0 where it is not in this file."""
    embedding = next((one for one in header.tensors if one.name == "token_embd.weight"), None)
    return embedding.shape[1] if embedding is not None and len(embedding.shape) == 2 else 0


def _readable(file: Artifact) -> bool:
    return bool(file.size) and weights_format(file.path) in READABLE


def _of_remote(network: _Network, asked: FileRequest, file: Artifact) -> Header:
    request = Request(url=asked.url, headers=asked.headers, log_in=asked.log_in, size=file.size)
    return _read(file, file.size or 0, network.reader(request).read)


def _of_file(path: Path, file: Artifact) -> Header:
    try:
        with path.open("rb") as blob:
            descriptor = blob.fileno()
            size = os.fstat(descriptor).st_size
            return _read(file, size, lambda offset, length: os.pread(descriptor, length, offset))
    except OSError as error:
        raise HeaderError(f"it cannot be read: {error.strerror}") from None


def _read(file: Artifact, size: int, read: Read) -> Header:
    return read_header(weights_format(file.path) or "", size, read)
