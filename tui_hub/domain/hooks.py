"""Hooks: what others are told of, and how telling them went."""

from __future__ import annotations

from enum import StrEnum

from tui_hub.domain.frozen import dataclass


class HookEvent(StrEnum):
    """What a hook may be called for."""

    NEW_MODELS = "new_models"
    """A sync found models that the catalogue did not have."""
    SYNC_FAILED = "sync_failed"
    """A sync failed, or some of its feeds did."""
    JOB_FINISHED = "job_finished"
    """A job of any type completed, failed or was cancelled."""
    ACTIVATION = "activation"
    """A slot was to be filled, changed or emptied, and that ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookState:
    """How the last call of a hook went, in whichever process made it."""

    name: str
    called_at: str
    error: str | None = None
    """Why it came to nothing, after all its tries."""
    failures: int = 0
    """Calls that failed since the last one that did not."""
