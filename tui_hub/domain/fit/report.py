"""Everything that is known of a model's fit, for one context length or for another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from tui_hub.domain.downloads import Plan
from tui_hub.domain.fit.judging import Device, DeviceFit, Judgement, Verdict, judge
from tui_hub.domain.fit.needs import Measured, Need, as_measured, as_measured_whole
from tui_hub.domain.fit.profile import Profile, Workload
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class FitReport:
    """Everything that is known of a model's fit before it is downloaded or loaded."""

    model: Model
    variant: str | None
    format: str | None
    revision: str | None
    judgement: Judgement
    profile: Profile = field(default_factory=Profile)
    """What it needs for whatever it is to do."""
    workload: Workload = field(default_factory=Workload)
    """What it was judged for."""
    measured: Measured | None = None
    """What its last activation on such a device really took."""
    device: str = "auto"
    """Where it is to go: `auto`, `cpu` or `cuda:N`."""
    present: str | None = None
    """The model that stands in its slot now, which a swap would unload."""
    leaves: str | None = None
    """The same where a swap is what it takes, for `fits_after_swap`."""
    disk: Plan | None = None
    """What a download would still transfer; `None` where the files are not known."""
    torch: str | None = None
    """The version of torch that would load it."""
    torch_trouble: str | None = None
    """Why there is none, and what to do about that."""
    requires: Mapping[str, object] = field(default_factory=dict)
    """What its maker says that it needs."""
    notes: tuple[str, ...] = ()
    """What a person should know whatever it is to do."""
    warnings: tuple[str, ...] = ()
    """The same with what holds for this workload."""

    @property
    def dtypes(self) -> Mapping[str, int]:
        """Bytes of the weights by number type, as far as headers told."""
        return self.profile.dtypes

    @property
    def context(self) -> int | None:
        """Tokens of context that it was judged for; `None` where it keeps none."""
        return self.profile.context(self.workload)

    def judged(
        self,
        workload: Workload,
        devices: Sequence[Device] | None = None,
        returning: Mapping[int | None, int] | None = None,
    ) -> FitReport:
        """The same model for another workload, or another state of the devices; asks nobody.

        Args:
            workload: what it is to do.
            devices: the memory as it is now; without it as it was.
            returning: bytes that a swap gives back, by device; without it as it was.
        """
        before = self.judgement.devices
        devices = _devices(before) if devices is None else devices
        judgement = judge(
            self._parts(workload),
            devices,
            returning={one.index: one.returns for one in before}
            if returning is None
            else returning,
        )
        swaps = judgement.verdict is Verdict.FITS_AFTER_SWAP
        leaves = self.present if swaps else None
        return replace(self, workload=workload, judgement=judgement, leaves=leaves)

    def _parts(self, workload: Workload) -> tuple[Need, ...]:
        """The parts, by what was measured where that was for the same."""
        parts, measured = self.profile.parts(workload), self.measured
        if measured is None:
            return parts
        if not measured.whole:
            return as_measured(parts, measured.bytes)
        same = (measured.context, 1) == (workload.context, workload.batch)
        return as_measured_whole(measured.bytes) if same else parts


def _devices(judged: Sequence[DeviceFit]) -> tuple[Device, ...]:
    """The devices as they were when something was judged."""
    return tuple(
        Device(index=one.index, name=one.name, total=one.total, free=one.free, others=one.others)
        for one in judged
    )
