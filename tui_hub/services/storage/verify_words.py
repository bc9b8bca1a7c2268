"""How a run over the store ends, in words and in figures."""

from __future__ import annotations

from tui_hub.domain.errors import CorruptError
from tui_hub.domain.verification import Verification


def problem_of(result: Verification) -> CorruptError | None:
    """The error with which a run ends that found damage, with what to do about it."""
    if result.sound:
        return None
    parts = []
    if result.damaged:
        parts.append(f"{len(result.damaged)} damaged")
    if result.missing:
        parts.append(f"{len(result.missing)} missing")
    where = result.model or "the store"
    return CorruptError(f"{where} is not sound: {', '.join(parts)}", hint=_hint(result))


def _hint(result: Verification) -> str | None:
    left = any(one.sha256 is not None and one.quarantine is None for one in result.damaged)
    if left and result.dry_run:
        return "Without --dry-run, what is damaged is moved away, and can be downloaded again."
    if left:
        return "What could not be read or moved was left where it is; mend that, and verify again."
    if not result.commands:
        return None
    more = len(result.commands) - 1
    others = f", for other models {more} more like it" if more else ""
    return f"`{result.commands[0]}` fetches again what was lost{others}."


def figures(result: Verification) -> dict[str, object]:
    """What the job keeps of its outcome."""
    return {
        "checked": result.checked,
        "ok": result.ok,
        "damaged": [one.sha256 or one.path for one in result.damaged],
        "missing": [one.sha256 for one in result.missing],
        "mended": sum(one.done for one in result.mended),
        "bytes": result.bytes,
        "seconds": round(result.seconds, 3),
    }
