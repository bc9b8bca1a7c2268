"""The documents of a model's fit: `check` for the verdict, `requirements` for what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_hub.cli.documents import Document, plain
from tui_hub.cli.download_documents import figures
from tui_hub.text import clean

if TYPE_CHECKING:
    from tui_hub.domain.fit import DeviceFit, FitReport, Need


def check(report: FitReport) -> Document:
    """Whether a model fits, part by part and device by device."""
    judgement = report.judgement
    return {
        "model": report.model.id,
        "verdict": judgement.verdict.value,
        "devices": [_device(device) for device in judgement.devices],
        "need": [_need(need) for need in judgement.need],
        "warnings": list(report.warnings),
        "variant": report.variant,
        "format": report.format,
        "revision": report.revision,
        "bytes": judgement.bytes,
        **_workload(report),
        "dtypes": dict(report.dtypes),
        "gpus": judgement.gpus,
        "leaves": report.leaves,
        "disk": _disk(report),
        "torch": report.torch,
        "torch_error": report.torch_trouble,
    }


def requirements(report: FitReport) -> Document:
    """What a model takes, whatever this box has."""
    judgement, model = report.judgement, report.model
    return {
        "model": model.id,
        "variant": report.variant,
        "revision": report.revision,
        "format": report.format,
        "library": model.library,
        "license": model.license,
        "gated": model.gated,
        "memory": {
            "bytes": judgement.bytes,
            "need": [_need(need) for need in judgement.need],
            **_workload(report),
        },
        "disk": _disk(report),
        "torch": report.torch,
        "torch_error": report.torch_trouble,
        "requires": plain(report.requires),
        "verdict": judgement.verdict.value,
        "warnings": list(report.warnings),
    }


def _device(device: DeviceFit) -> Document:
    return {
        "index": device.index,
        "name": device.name,
        "total": device.total,
        "free": device.free,
        "returns": device.returns,
        "need": device.need,
        "short": device.short,
        "verdict": device.verdict.value,
    }


def _need(need: Need) -> Document:
    basis, source = need.basis.value, clean(need.source)
    return {"part": need.part, "bytes": need.bytes, "basis": basis, "source": source}


def _workload(report: FitReport) -> Document:
    """What the figures hold for."""
    known = report.profile.architecture
    return {
        "context": report.context,
        "context_limit": None if known is None else known.context,
        "batch": report.workload.batch,
    }


def _disk(report: FitReport) -> Document | None:
    plan = report.disk
    return None if plan is None else {"bytes_total": plan.bytes_total, **figures(plan)}
