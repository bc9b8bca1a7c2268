"""What became of the models of the catalogue, one record for each change that a sync found."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Model


class ChangeKind(StrEnum):
    """What happened to a model upstream."""

    NEW = "new"
    UPDATED = "updated"
    DEPRECATED = "deprecated"
    REMOVED = "removed"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one model, as a sync noticed it."""

    model: str
    kind: ChangeKind
    before: str | None = None
    """The old revision; the old id where the model was renamed."""
    after: str | None = None
    """The new revision; the new id; the successor of a model that its maker ended."""
    what: tuple[str, ...] = ()
    """What differs, in words: `licence apache-2.0 → other`."""
    at: str = ""
    """When it was noticed, ISO 8601 UTC; the database fills it in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEntry:
    """A change in the feed of changes, with the model as the catalogue has it now."""

    number: int
    """Its place in the feed; later changes have higher ones."""
    change: Change
    model: Model | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeQuery:
    """Which changes to list, newest first."""

    models: tuple[str, ...] = ()
    """Ids; none lists changes of all models."""
    since: str | None = None
    """A time; changes noticed before it are left out."""
    kinds: tuple[ChangeKind, ...] = ()
    """None lists all kinds."""
    installed: bool = False
    """Whether only models count that this box has."""
    memory: int | None = None
    """Bytes; models that are known to need more, or whose need nobody knows, are left out."""
    beyond: int = 0
    """A number: only changes after that one are listed."""
    before: int | None = None
    """A number: the page goes on with changes before that one."""


def difference(old: Model, new: Model) -> Change | None:
    """What a person would call an update of a model; `None` for counters, tags and the like."""
    if new.deprecated and not old.deprecated:
        successor = new.facts.get("successor")
        return Change(
            model=new.id,
            kind=ChangeKind.DEPRECATED,
            after=successor if isinstance(successor, str) else None,
            what=_deprecation(new.facts),
        )
    what = [
        f"{name} {_word(before)} \N{RIGHTWARDS ARROW} {_word(after)}"
        for name, before, after in (
            ("licence", old.license, new.license),
            ("access", _access(old), _access(new)),
            ("task", old.task, new.task),
        )
        if before != after
    ]
    for flag in ("private", "disabled"):
        if bool(old.facts.get(flag)) != bool(new.facts.get(flag)):
            what.append(flag if new.facts.get(flag) else f"no longer {flag}")
    if old.removed and not new.removed:
        what.append("listed again")
    moved = old.revision is not None and new.revision not in (None, old.revision)
    if moved:
        what.insert(0, "revision")
    if not what:
        return None
    return Change(
        model=new.id,
        kind=ChangeKind.UPDATED,
        before=old.revision if moved else None,
        after=new.revision if moved else None,
        what=tuple(what),
    )


def new_commit(model: str, before: str | None, after: str | None) -> Change | None:
    """The `difference` of a model where at most its commit and its counters are others."""
    if before is None or after in (None, before):
        return None
    return Change(
        model=model, kind=ChangeKind.UPDATED, before=before, after=after, what=("revision",)
    )


def _access(model: Model) -> str:
    if not model.gated:
        return "open"
    return f"gated ({model.gated})" if isinstance(model.gated, str) else "gated"


def _word(value: str | None) -> str:
    return value or "unknown"


def _deprecation(facts: Mapping[str, object]) -> tuple[str, ...]:
    since = facts.get("deprecated")
    return (f"since {since}",) if isinstance(since, str) and since else ()
