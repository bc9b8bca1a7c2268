"""Homes with models that torch can load, and with some that it must refuse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import numpy
import psutil
import torch
from safetensors.numpy import save
from small_models import tensors_file

from tui_hub.demo import Repository, RepositoryFile
from tui_hub.services import Services, open_services
from tui_hub.settings import Configuration

FIRST, SECOND = "acme/first", "acme/second"
CONFIG = RepositoryFile("config.json", b'{"model_type": "tiny"}')


def _model(name: str, *files: RepositoryFile, task: str = "text-generation") -> Repository:
    return Repository(id=f"acme/{name}", files=(CONFIG, *files), task=task, downloads=10)


def _weights(content: bytes, path: str = "model.safetensors") -> RepositoryFile:
    return RepositoryFile(path, content)


def _not_a_number() -> bytes:
    numbers = numpy.ones(1000, numpy.float32)
    numbers[777] = numpy.nan
    return save({"fine": numpy.ones(10, numpy.float32), "blown.weight": numbers})


def _pickle(folder: Path) -> bytes:
    path = folder / "weights.bin"
    torch.save({"a": torch.ones(10)}, path)
    return path.read_bytes()


def torch_repositories(folder: Path) -> list[Repository]:
    """Models by what becomes of them when they are loaded."""
    whole = tensors_file(9)
    return [
        _model("first", _weights(tensors_file(1, 400_000))),
        _model("second", _weights(tensors_file(2, 600_000))),
        _model("cut", _weights(whole[:-1000])),
        _model("nan", _weights(_not_a_number())),
        _model("pickle", _weights(_pickle(folder), "pytorch_model.bin")),
        _model("huge", _weights(_huge())),
        _model(
            "painter",
            RepositoryFile(
                "model_index.json",
                b'{"unet": ["diffusers", "U"], "vae": ["diffusers", "V"], "x": [null, null]}',
            ),
            _weights(tensors_file(3), "unet/diffusion_pytorch_model.safetensors"),
            _weights(tensors_file(4), "vae/diffusion_pytorch_model.safetensors"),
            task="text-to-image",
        ),
    ]


def _huge() -> bytes:
    """A small file whose header says that it needs an exabyte; its end is missing."""
    header = b'{"w":{"dtype":"F32","shape":[281474976710656,1024],"data_offsets":[0,%d]}}' % 2**60
    return len(header).to_bytes(8, "little") + header + bytes(64)


async def install(services: Services, *models: str) -> None:
    """Download models."""
    for model in models:
        job = await services.downloads.start(model)
        assert (await services.downloads.wait(job.id)).error is None


def children(configuration: Configuration) -> list[psutil.Process]:
    """The processes that hold weights for a home, whoever started them."""
    folder = str(configuration.paths.state)
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command: Sequence[str] = process.info["cmdline"] or ()
        inside = (process.info["cwd"] or "").startswith(folder)
        if inside and any("_child" in word for word in command):
            found.append(process)
    return found


async def alone(configuration: Configuration, pid: int | None) -> None:
    """Wait until one process alone holds weights for a home.

    One that was not kept ends by itself, a moment after whoever started it was killed.
    """
    async with asyncio.timeout(60):
        while [child.pid for child in children(configuration)] != [pid]:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def home(configuration: Configuration) -> AsyncIterator[Services]:
    """An open home, none of whose processes is left at the end."""
    try:
        async with open_services(configuration) as services:
            yield services
    finally:
        for process in children(configuration):
            for one in (*process.children(recursive=True), process):
                with suppress(psutil.NoSuchProcess):
                    one.kill()
