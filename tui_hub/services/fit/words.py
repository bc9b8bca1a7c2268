"""A report of a fit in words: the verdict in one line, and what is short and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tui_hub import text
from tui_hub.domain.fit import DeviceFit, FitReport, Verdict
from tui_hub.domain.hardware import GpuSample
from tui_hub.domain.models import Details
from tui_hub.domain.published import deprecation_of
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType

_MOST_HOLDERS = 3
_TORCH_FORMATS = ("safetensors", "pickle")
_WITHOUT_CUDA = "+cpu"
"""How the version of such a build of torch ends."""


def verdict_words(report: FitReport) -> str:
    """The verdict as a person says it: `fits in memory now: needs 2.1 GiB of 12.0 GiB free`."""
    judgement, best = report.judgement, report.judgement.best
    if best is None or judgement.bytes is None or judgement.verdict is Verdict.UNKNOWN:
        return "not known whether it fits in memory"
    needs = f"needs {text.size(judgement.bytes)}"
    free = f"{text.size(best.free)} free"
    match judgement.verdict:
        case Verdict.FITS:
            return f"fits {_place(best)} now: {needs} of {free}"
        case Verdict.FITS_AFTER_SWAP:
            back = text.size(best.returns)
            return f"fits {_place(best)} once {report.leaves} leaves: {needs} of {free} and {back}"
        case Verdict.NEEDS_GPUS:
            return f"fits on {judgement.gpus} GPUs together: {needs}, the largest has {free}"
        case Verdict.OFFLOAD:
            return f"fits only with a part in host memory: {needs}, {_name(best)} has {free}"
        case _:
            short = text.size(best.short)
            return f"does not fit {_place(best)}: {needs} of {free}, {short} too little"


def notes_of(
    report: FitReport, details: Details, weighed: Sequence[str], slot: Slot | None
) -> FitReport:
    """The report with what a person should know whatever the model is to do."""
    lines = (*_of_disk(report), *_of_model(report, details), *weighed, *_of_slot(report, slot))
    return replace(report, notes=tuple(dict.fromkeys(lines)))


def with_warnings(report: FitReport) -> FitReport:
    """The report with everything that a person should know before the download."""
    lines = (*_of_memory(report), *_of_device(report), *report.notes, *_of_context(report))
    return replace(report, warnings=tuple(dict.fromkeys(lines)))


def _of_memory(report: FitReport) -> Iterator[str]:
    judgement, best = report.judgement, report.judgement.best
    asked = report.requires.get("gpu_memory")
    gpus = [device for device in judgement.devices if device.index is not None]
    largest = max((device.total for device in gpus), default=0)
    if isinstance(asked, int) and asked > largest:
        short = "no GPU is seen here" if not gpus else f"{text.size(asked - largest)} too little"
        yield f"its maker asks for {text.size(asked)} of GPU memory: {short}"
    if best is None or judgement.bytes is None:
        return
    if best.short:
        yield f"{text.size(best.short)} of memory are missing {_place(best)} now"
        if best.verdict is not Verdict.FITS_AFTER_SWAP and judgement.bytes <= best.total:
            who = f": {best.others}" if best.others else ""
            yield f"other programs hold what is missing; it would fit if they gave it back{who}"


def _of_device(report: FitReport) -> Iterator[str]:
    """Where torch would not load it onto the GPU that the verdict is about."""
    if report.format not in _TORCH_FORMATS:
        return
    gpus = [f"cuda:{one.index}" for one in report.judgement.devices if one.index is not None]
    if report.device.startswith("cuda") and report.device not in gpus:
        yield f"it is set to go to {report.device}, which is not there: torch does not load it"
    if gpus and report.device != "cpu" and (report.torch or "").endswith(_WITHOUT_CUDA):
        yield f"torch {report.torch} is built without CUDA: it loads into the memory of the host"


def _of_disk(report: FitReport) -> Iterator[str]:
    plan = report.disk
    if plan is None or plan.fits:
        return
    short = text.size(plan.bytes_to_write - plan.disk_usable)
    yield (
        f"the disk is {short} too small for the download: {text.size(plan.bytes_to_write)} are "
        f"to be written, {text.size(plan.disk_usable)} may be"
    )


def _of_model(report: FitReport, details: Details) -> Iterator[str]:
    model = details.model
    if details.problem is not None:
        yield details.problem.message
    if model.gated and not report.dtypes:
        page = details.links.get("page", "its page")
        yield f"gated: the maker grants access at {page}"
    if report.format in _TORCH_FORMATS and report.torch is None:
        yield f"it can be downloaded and published, not loaded: {report.torch_trouble}"
    wanted = report.requires.get("torch")
    if wanted:
        yield f"its maker asks for torch {wanted}; here is {report.torch or 'none'}"
    if report.format == "pickle":
        yield "its weights are pickles, which can hold code: prefer safetensors"
    end = deprecation_of(model, text.now()[:10])
    if end is not None:
        instead = f"; its successor is {end.successor}" if end.successor else ""
        yield f"deprecated {end.words}{instead}"
    if model.removed:
        yield "it vanished from its source"


def _of_slot(report: FitReport, slot: Slot | None) -> Iterator[str]:
    if slot is None or slot.model == report.model.id or report.leaves:
        return
    if slot.memory.used_after is None and report.judgement.verdict is not Verdict.FITS:
        yield f"{slot.model} is active; what it holds in memory is not known"


def _of_context(report: FitReport) -> Iterator[str]:
    """Up to where the cache is counted, and what more would take."""
    tokens, known = report.context, report.profile.architecture
    weighed = report.variant is not None and report.profile.weights
    if known is None and weighed and report.model.type is ModelType.LLM:
        yield "the cache for its context is not counted: its files do not tell how large it is"
    if tokens is None or known is None or known.context is None:
        return
    if known.context < tokens:
        yield (
            f"its context is set to {text.grouped(tokens)} tokens; its files tell of "
            f"{text.grouped(known.context)}"
        )
    elif known.context > tokens:
        whole = known.cache_bytes(known.context, report.workload.batch, report.profile.width)
        yield (
            f"the cache is counted for {text.grouped(tokens)} tokens of context; all "
            f"{text.grouped(known.context)} would take {text.size(whole)}"
        )


def holder_words(gpu: GpuSample) -> str:
    """The programs that hold most of a GPU, but for our slots: `python of kim (pid 22) 9.0 GiB`."""
    others = [one for one in gpu.processes if one.slot is None and one.memory]
    others.sort(key=lambda one: -(one.memory or 0))
    named = [
        f"{text.clean(one.label, 60)} {f'of {text.clean(one.user, 40)} ' if one.user else ''}"
        f"(pid {one.pid}) {text.size(one.memory)}"
        for one in others[:_MOST_HOLDERS]
    ]
    return ", ".join(named)


def _place(device: DeviceFit) -> str:
    return "in memory" if device.index is None else f"on {_name(device)}"


def _name(device: DeviceFit) -> str:
    return "the host" if device.index is None else f"GPU {device.index}"
