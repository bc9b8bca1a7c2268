"""The document of the box's readings."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from tui_hub.cli.documents import Document

if TYPE_CHECKING:
    from tui_hub.domain.hardware import BoxSample, GpuSample, HostSample
    from tui_hub.domain.ollama import OllamaState


def gpus(sample: BoxSample, ollama: OllamaState | None = None) -> Document:
    """Every GPU, the box around them, why no GPU can be read if so, and what Ollama holds."""
    return {
        "gpus": [_gpu(gpu) for gpu in sample.gpus],
        "host": _host(sample.host),
        "error": sample.error,
        "ollama": None if ollama is None else asdict(ollama),
    }


def _gpu(gpu: GpuSample) -> Document:
    sizes = {
        "total": gpu.memory_total,
        "used": gpu.memory_used,
        "free": gpu.memory_free,
        "reserved": gpu.memory_reserved,
    }
    return {
        "index": gpu.index,
        "uuid": gpu.uuid,
        "name": gpu.name,
        "memory": sizes if gpu.error is None else dict.fromkeys(sizes),
        "utilization": gpu.utilization,
        "temperature": gpu.temperature,
        "power": gpu.power,
        "power_limit": gpu.power_limit,
        "processes": [asdict(process) for process in gpu.processes],
        "parent": gpu.parent,
        "slice": gpu.slice,
        "instances": None if gpu.instances is None else list(gpu.instances),
        "shared": gpu.memory_shared,
        "hidden": gpu.hidden,
        "error": gpu.error,
    }


def _host(host: HostSample) -> Document:
    return {
        "memory": {"total": host.memory_total, "used": host.memory_used},
        "cpu": host.cpu_percent,
        "disk": {"total": host.disk_total, "free": host.disk_free},
    }
