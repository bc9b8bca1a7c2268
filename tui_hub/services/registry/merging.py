"""Which parts of a document come in beside what a home has. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from tui_hub.domain.additions import Addition
from tui_hub.domain.configuration import ModelConfiguration
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import ModelEdit, Registration
from tui_hub.domain.registry import Decision, Outcome, Part, Pin, RegistryRows
from tui_hub.domain.revisions import Version
from tui_hub.domain.storage import Install
from tui_hub.services.registry.checks import OWN
from tui_hub.services.registry.entries import Entry

_T = TypeVar("_T")
_REPLACE = "something else is here; --replace takes the document's"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a merge goes by beside the rows."""

    replace: bool
    """Whether the document's word goes before this home's."""
    installs: Mapping[str, Install]
    busy: Collection[str]
    """Models that are active or being downloaded."""
    doubt: Callable[[Addition], str | None]
    """Why the files of a definition are not taken without more ado."""


@dataclass(slots=True)
class Merged:
    """What is to be written, and what was decided."""

    rows: RegistryRows = field(default_factory=RegistryRows)
    decisions: list[Decision] = field(default_factory=list)


def merge(entries: Iterable[Entry], here: RegistryRows, terms: Terms) -> Merged:
    """Decide on every part of every entry."""
    merged = Merged()
    edits = {one.model: one for one in here.edits}
    registrations = {one.model: one for one in here.registrations}
    additions = {one.model: one for one in here.additions}
    pins = {one.model: one for one in here.pins}
    versions = {(one.model, one.name.lower()): one for one in here.versions}
    rows: dict[str, list[Any]] = {
        name: [] for name in ("edits", "registrations", "additions", "versions", "pins")
    }
    configurations: dict[str, ModelConfiguration] = {}
    for entry in entries:
        decide = _Decider(entry, terms, merged.decisions)
        rows["edits"] += decide.edit(edits.get(entry.model) or ModelEdit(model=entry.model))
        rows["registrations"] += decide.registration(registrations.get(entry.model))
        definition = additions.get(entry.model)
        taken = decide.definition(definition)
        rows["additions"] += taken
        defined = bool(definition or taken) or ModelId.parse(entry.model).source not in OWN
        rows["pins"] += decide.pin(pins.get(entry.model), defined=defined)
        for version, place in entry.versions:
            known = versions.get((entry.model, version.name.lower()))
            rows["versions"] += decide.version(known, version, place)
        configurations |= decide.configuration(here.configurations.get(entry.model))
    merged.rows = RegistryRows(
        **{name: tuple(found) for name, found in rows.items()}, configurations=configurations
    )
    return merged


class _Decider:
    """Decides on the parts of one entry; each answer is the rows to write, none or one."""

    def __init__(self, entry: Entry, terms: Terms, decisions: list[Decision]) -> None:
        self._entry = entry
        self._terms = terms
        self._decisions = decisions

    def edit(self, known: ModelEdit) -> list[ModelEdit]:
        """The user's own words: a note, a star, a type."""
        entry, after = self._entry, known
        if entry.note is not None and self._takes(Part.NOTE, known.note or None, entry.note):
            after = replace(after, note=entry.note)
        if entry.favourite and self._takes(Part.FAVOURITE, known.favourite or None, True):
            after = replace(after, favourite=True)
        if entry.type is not None:
            active = entry.type is not known.type and entry.model in self._terms.busy
            why = "it is active or being downloaded, and its type decides where it stands"
            if active:
                self._note(Part.TYPE, Outcome.SKIPPED, reason=why)
            elif self._takes(Part.TYPE, known.type, entry.type):
                after = replace(after, type=entry.type)
        return [] if after == known else [after]

    def registration(self, known: Registration | None) -> list[Registration]:
        """The registration, but for how its syncs went: that is each home's own."""
        wanted = self._entry.registration
        if wanted is None:
            return []
        told = known and replace(wanted, vendor=known.vendor, name=known.name,
                                 auto_sync=known.auto_sync)  # fmt: skip
        if not self._takes(Part.REGISTRATION, told, wanted):
            return []
        if known is None:
            return [wanted]
        return [replace(known, vendor=wanted.vendor, name=wanted.name, auto_sync=wanted.auto_sync)]

    def definition(self, known: Addition | None) -> list[Addition]:
        """The definition of an added model."""
        wanted = self._entry.definition
        if wanted is None:
            return []
        if known is not None and _same_definition(known, wanted):
            self._note(Part.DEFINITION, Outcome.UNCHANGED)
            return []
        doubt = self._terms.doubt(wanted)
        if doubt is None and known is not None and self._entry.model in self._terms.busy:
            doubt = "it is active or being downloaded"
        if doubt is not None:
            self._note(Part.DEFINITION, Outcome.SKIPPED, reason=doubt)
            return []
        return [wanted] if self._takes(Part.DEFINITION, known, wanted) else []

    def version(self, known: Version | None, wanted: Version, place: str) -> list[Version]:
        """A name for a revision."""
        told = known and replace(known, name=wanted.name, named_at=wanted.named_at)
        taken = self._takes(Part.VERSION, told, wanted, name=wanted.name, place=place)
        return [wanted] if taken else []

    def configuration(self, known: ModelConfiguration | None) -> dict[str, ModelConfiguration]:
        """What is set for the model; taking it makes a new version."""
        wanted = self._entry.configuration
        if wanted is None or not self._takes(Part.CONFIGURATION, known, wanted):
            return {}
        return {self._entry.model: wanted}

    def pin(self, known: Pin | None, *, defined: bool) -> list[Pin]:
        """What was installed; where the model is installed here, that is what counts.

        Without a definition nobody could tell where the files of a model of one's own are.
        """
        wanted = self._entry.pin
        if wanted is None:
            return []
        install = self._terms.installs.get(self._entry.model)
        if install is None and not defined:
            reason = "where its files come from did not come in"
            self._note(Part.INSTALLED, Outcome.SKIPPED, reason=reason)
            return []
        if install is None:
            return [wanted] if self._takes(Part.INSTALLED, known, wanted) else []
        if install.revision == wanted.revision and set(wanted.variants) <= set(install.variants):
            self._note(Part.INSTALLED, Outcome.UNCHANGED)
            return []
        reason = (
            f"revision {install.revision[:12]} of it is installed here; "
            f"`tui-hub download {install.model} --revision {wanted.revision}` takes the other"
        )
        self._note(Part.INSTALLED, Outcome.SKIPPED, reason=reason)
        return []

    def _takes(
        self,
        part: Part,
        known: _T | None,
        wanted: _T,
        *,
        name: str | None = None,
        place: str | None = None,
    ) -> bool:
        """Whether the document's part is to be written, with a note of what became of it."""
        outcome, reason = Outcome.CREATED, None
        if known == wanted:
            outcome = Outcome.UNCHANGED
        elif known is not None and self._terms.replace:
            outcome = Outcome.UPDATED
        elif known is not None:
            outcome, reason = Outcome.SKIPPED, _REPLACE
        self._note(part, outcome, name=name, reason=reason, place=place)
        return outcome in (Outcome.CREATED, Outcome.UPDATED)

    def _note(
        self,
        part: Part,
        outcome: Outcome,
        *,
        name: str | None = None,
        reason: str | None = None,
        place: str | None = None,
    ) -> None:
        place = place or f"{self._entry.place}.{part.value}"
        self._decisions.append(
            Decision(
                subject=self._entry.model,
                part=part,
                outcome=outcome,
                name=name,
                reason=reason,
                place=place,
            )
        )


def _same_definition(known: Addition, wanted: Addition) -> bool:
    """Whether two definitions mean the same files; when they were made does not matter."""
    return replace(known, added_at=wanted.added_at) == wanted
