"""The torch that loads models into memory."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator

from tui_hub.domain.doctor import Finding
from tui_hub.domain.errors import HubError
from tui_hub.domain.hardware import Driver
from tui_hub.domain.runtime import TorchDevice, TorchInfo
from tui_hub.runtime.pythons import probe_torch, python_of
from tui_hub.services.context import Context
from tui_hub.services.doctor.findings import error, ok, warning
from tui_hub.services.doctor.gpus import cuda_words
from tui_hub.services.hardware import Hardware
from tui_hub.services.holders.children import Children

SECONDS = 100.0
_CHECK = "torch"
_PATIENCE = 60.0
_CHOOSE = "choose the build for this driver at https://pytorch.org/get-started/locally"


async def look(context: Context, hardware: Hardware) -> AsyncIterator[Finding]:
    """Find torch, and import it in a process of the kind that loads models."""
    configuration = context.configuration
    settings = configuration.settings.runtime
    python = python_of(settings.python)
    version = await probe_torch(settings.python, environment=configuration.plain_environment)
    if version is None:
        yield warning(
            _CHECK,
            f"{python} has no torch: models are published as files, not loaded into memory",
            _install(settings.python),
        )
        return
    if settings.use == "link":
        yield ok(_CHECK, f"{version} in {python}; not used, by the setting runtime.use")
        return
    try:
        info, devices = await _import(Children(context))
    except HubError as failed:
        yield error(
            _CHECK,
            f"torch {version} in {python} does not work: {failed.message}",
            failed.hint or f"Install it again: {_CHOOSE}.",
        )
        return
    gpus = sum(one.error is None for one in (await hardware.read()).gpus)
    yield _judge(info, devices, python, gpus, await hardware.driver() if gpus else None)


async def _import(children: Children) -> tuple[TorchInfo, tuple[TorchDevice, ...]]:
    child = await children.start(f"doctor-{uuid.uuid4().hex[:8]}.sock")
    try:
        patience = min(children.timeout, _PATIENCE)
        return await child.ready(patience), await child.devices(patience)
    finally:
        await child.end()


def _judge(
    info: TorchInfo,
    devices: tuple[TorchDevice, ...],
    python: str,
    gpus: int,
    driver: Driver | None,
) -> Finding:
    """What torch can load onto, against the GPUs that the driver tells of."""
    build = f"for CUDA {info.cuda}" if info.cuda else "for the processor alone"
    said = f"torch {info.version} {build} in {python}"
    seen = sum(one.device.startswith("cuda") for one in devices)
    if gpus and not seen and info.cuda is None:
        return warning(_CHECK, f"{said}, and there is a GPU", f"To use the GPU, {_CHOOSE}.")
    if gpus and not seen:
        return error(
            _CHECK,
            f"{said} finds no GPU, though the driver tells of {gpus}{_too_old(info, driver)}",
            f"Update the driver where its CUDA is older than torch's, or {_CHOOSE}. "
            "CUDA_VISIBLE_DEVICES may also hide them.",
        )
    return ok(_CHECK, f"{said}; it finds {seen} GPU{'' if seen == 1 else 's'}" if seen else said)


def _too_old(info: TorchInfo, driver: Driver | None) -> str:
    """Whether the driver lacks the CUDA that torch was built for.

    Within one major version of CUDA an older driver will do (CUDA Compatibility, NVIDIA).
    """
    built = re.match(r"\d+", info.cuda or "")
    if driver is None or driver.cuda is None or built is None or int(built[0]) <= driver.cuda[0]:
        return ""
    return f": version {driver.version} of it ends with CUDA {cuda_words(driver.cuda)}"


def _install(python: str) -> str:
    if python:
        return f"`{python_of(python)} -m pip install torch`"
    return '`pip install "tui-hub[torch]"`, or name a Python that has it in runtime.python.'
