"""What becomes of a known model when a source tells of it again. Pure functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tui_hub.domain.models import SIZE_OF, Fit, Model
from tui_hub.domain.types import ModelType

_AUTHORITY = {"curated": 0, "local": 1, "user": 1, "sync": 2}
"""Whose word counts more, by a record's origin; equals overwrite one another."""

_TOLD = (
    "author",
    "task",
    "library",
    "license",
    "tags",
    "params",
    "size",
    "last_modified",
    "created_at",
    "revision",
    "upstream_id",
    "description",
)
"""Fields whose empty value means that nobody said anything."""
_ASKED_FOR = ("task", "library", "license")
"""Those of them whose absence is an answer from a source that tells a model's tags."""
_PASSING = ("private", "disabled")
"""Facts that a sync tells while they hold, and then no more."""
_COUNTED = ("gated", "downloads", "likes", "trending")
"""Fields whose empty value is an answer when a listing gives it."""


def merged(old: Model, new: Model, *, curated: bool) -> Model:
    """The record that follows from a known one and a later one of the same model.

    The later one's values win where its origin weighs at least as much, else they only fill what is
    empty. What is empty in it erases nothing, but for what a full record tells. What the files of a
    commit add up to outweighs what a listing says of its size. A curated record
    says nothing of whether its model is still to be had. Facts add up, but for passing ones. What a
    curated record said of the type, the facts and the description stays; so do the status and the
    star, which are this box's own affair.

    Args:
        old: the known record, with the type that its source gave it.
        new: the later one.
        curated: whether a curated record already added to the known one.
    """
    new = _measured(old, new)
    later = _AUTHORITY.get(new.origin, 0) >= _AUTHORITY.get(old.origin, 0)
    is_told_again = old.origin == new.origin == "sync" and bool(new.tags)
    passing = _PASSING if new.revision in (None, old.facts.get(SIZE_OF)) else (*_PASSING, SIZE_OF)
    before = {name: fact for name, fact in old.facts.items() if name not in passing}
    old = replace(old, facts=before) if new.origin == "sync" and before != old.facts else old
    first, second = (new, old) if later else (old, new)
    expert = new if is_curated(new) else old if curated else first
    other = old if expert is new else new
    fields = {
        **_missing(first, second, answers=is_told_again and not curated),
        "id": new.id,
        "type": other.type if expert.type is ModelType.UTILITY else expert.type,
        "status": old.status,
        "favourite": old.favourite,
        "fit": old.fit if new.fit is Fit.UNKNOWN else new.fit,
        "removed": new.removed or (old.removed and is_curated(new)),
        "deprecated": new.deprecated or (old.deprecated and not is_curated(new)),
        "description": expert.description or other.description,
        "facts": {**other.facts, **expert.facts},
    }
    return replace(first, **fields)


def _measured(old: Model, new: Model) -> Model:
    """The later record, with the size of the files where those of the same commit were listed."""
    commit = old.facts.get(SIZE_OF)
    if commit is None or SIZE_OF in new.facts or new.revision not in (None, commit):
        return new
    return replace(new, size=old.size)


def is_curated(model: Model) -> bool:
    """Whether a record comes from the list that ships with the program."""
    return model.origin == "curated"


def _missing(first: Model, second: Model, *, answers: bool) -> dict[str, Any]:
    """The fields that the first leaves empty, from the second, but for its `answers`."""
    fields = _TOLD if first.origin == "sync" else _TOLD + _COUNTED
    return {
        name: getattr(second, name)
        for name in fields
        if not getattr(first, name) and not (answers and name in _ASKED_FOR)
    }
