"""Whether a model fits the memory of this box: its needs in parts, and the verdict. Pure."""

from tui_hub.domain.fit.formulas import Configs, working_of
from tui_hub.domain.fit.judging import Device, DeviceFit, Judgement, Verdict, judge
from tui_hub.domain.fit.needs import (
    BASE_WEIGHTS,
    GPU_RUNTIME,
    HOST_RUNTIME,
    LEAST_MARGIN,
    WEIGHTS,
    Basis,
    Measured,
    Need,
    as_measured,
    as_measured_whole,
    needs_on,
)
from tui_hub.domain.fit.profile import CONTEXT, Profile, Workload
from tui_hub.domain.fit.report import FitReport

__all__ = [
    "BASE_WEIGHTS",
    "CONTEXT",
    "GPU_RUNTIME",
    "HOST_RUNTIME",
    "LEAST_MARGIN",
    "WEIGHTS",
    "Basis",
    "Configs",
    "Device",
    "DeviceFit",
    "FitReport",
    "Judgement",
    "Measured",
    "Need",
    "Profile",
    "Verdict",
    "Workload",
    "as_measured",
    "as_measured_whole",
    "judge",
    "needs_on",
    "working_of",
]
