"""A document of anybody's, read part by part: one bad part costs no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import msgspec

from tui_hub.domain.additions import Addition
from tui_hub.domain.configuration import ModelConfiguration
from tui_hub.domain.errors import CorruptError, HubError, RefusedError, UsageError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Registration
from tui_hub.domain.registry import Decision, Outcome, Part, Pin
from tui_hub.domain.revisions import Version
from tui_hub.domain.types import ModelType
from tui_hub.services.registry import checks
from tui_hub.services.registry.shape import (
    FORMAT,
    KIND,
    DefinitionShape,
    InstalledShape,
    RegistrationShape,
    VersionShape,
)
from tui_hub.settings import FeedSettings
from tui_hub.text import clean

LARGEST = 128 * 1024**2
"""Bytes of a document that is read."""

_T = TypeVar("_T")
_Note = str


@dataclass(slots=True, kw_only=True)
class Entry:
    """What a document says of one model, checked."""

    model: str
    place: str
    note: str | None = None
    favourite: bool = False
    type: ModelType | None = None
    registration: Registration | None = None
    definition: Addition | None = None
    versions: list[tuple[Version, str]] = field(default_factory=list)
    """With their places."""
    configuration: ModelConfiguration | None = None
    pin: Pin | None = None


@dataclass(slots=True)
class Reading:
    """What can be used of a document, and why the rest cannot."""

    entries: dict[str, Entry] = field(default_factory=dict)
    feeds: dict[str, FeedSettings] = field(default_factory=dict)
    problems: list[Decision] = field(default_factory=list)

    def skip(self, subject: str, part: Part, place: str, error: Exception | str) -> None:
        """Leave a part out."""
        reason = error.message if isinstance(error, HubError) else str(error)
        self.problems.append(
            Decision(
                subject=clean(subject, 200),
                part=part,
                outcome=Outcome.SKIPPED,
                reason=clean(reason, 500),
                place=clean(place, 300),
            )
        )


def read_document(body: bytes) -> Reading:
    """What a document says. Blocks.

    Raises:
        RefusedError: it is too large, or of a newer version of the program.
        CorruptError: it is no such document at all.
    """
    document = _decoded(body)
    if isinstance(document, _Twice):
        raise CorruptError(
            f"the document has the key {clean(document.key, 80)!r} twice",
            hint="Which of the two counts is anybody's guess: take one out.",
        )
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise CorruptError(
            f"this is no registry of tui-hub: it has no kind {KIND!r}",
            hint="`tui-hub export FILE` writes one.",
        )
    number = document.get("format")
    if type(number) is not int or number < 1:
        raise CorruptError("the document does not say which format it has")
    if number > FORMAT:
        raise RefusedError(
            f"the document has format {str(number)[:20]}, this program knows up to {FORMAT}",
            hint="Update tui-hub.",
        )
    reading = Reading()
    models, feeds = document.get("models", []), document.get("feeds", {})
    if not isinstance(models, list) or not isinstance(feeds, dict):
        raise CorruptError(
            "`models` must be a list and `feeds` an object, with no key twice",
            hint="`tui-hub export` writes the right form.",
        )
    for number, raw in enumerate(models):
        _read_model(reading, raw, f"$.models[{number}]")
    for name, raw in feeds.items():
        _read_feed(reading, name, raw)
    return reading


@dataclass(frozen=True, slots=True)
class _Twice:
    """An object of the document that has a key twice, so that nobody can know what it says."""

    key: str


def _decoded(body: bytes) -> Any:
    if len(body) > LARGEST:
        raise RefusedError(
            f"the document is larger than {LARGEST} bytes", hint="Is it the right file?"
        )
    try:
        return json.loads(
            body.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_refuse_constant
        )
    except RecursionError:
        problem = "it is nested too deeply"
    except ValueError as error:
        problem = clean(str(error), 200)
    raise CorruptError(
        f"the document is no JSON that can be read: {problem}", hint="Nothing has changed."
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Twice:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    return _Twice(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _read_model(reading: Reading, raw: Any, place: str) -> None:
    try:
        model = _identifier(raw)
    except UsageError as error:
        reading.skip(_subject(raw), Part.ENTRY, place, error)
        return
    if model in reading.entries:
        reading.skip(model, Part.ENTRY, place, "an earlier entry is of this model too")
        return
    entry = reading.entries[model] = Entry(model=model, place=place)

    def part(key: str, part: Part, read: Callable[[Any], _T], default: _T) -> _T:
        given = raw.get(key)
        if given is None:
            return default
        try:
            return read(given)
        except (HubError, ValueError) as error:
            reading.skip(model, part, *_located(f"{place}.{key}", error))
            return default

    entry.note = part("note", Part.NOTE, checks.note, None)
    entry.favourite = part("favourite", Part.FAVOURITE, lambda one: _as(one, bool), False)
    entry.type = part("type", Part.TYPE, lambda one: _as(one, ModelType), None)
    entry.registration = part(
        "registration",
        Part.REGISTRATION,
        lambda one: checks.registration(model, _as(one, RegistrationShape)),
        None,
    )
    entry.definition = part(
        "definition",
        Part.DEFINITION,
        lambda one: checks.definition(model, _as(one, DefinitionShape)),
        None,
    )
    entry.configuration = part(
        "configuration",
        Part.CONFIGURATION,
        lambda one: checks.configuration(_as(one, dict[str, str | int])),
        None,
    )
    entry.pin = part(
        "installed", Part.INSTALLED, lambda one: checks.pin(model, _as(one, InstalledShape)), None
    )
    entry.versions = list(_versions(reading, entry, raw.get("versions")))


def _versions(reading: Reading, entry: Entry, given: Any) -> Iterator[tuple[Version, str]]:
    place = f"{entry.place}.versions"
    if given is not None and not isinstance(given, list):
        reading.skip(entry.model, Part.VERSION, place, "it must be a list")
        return
    names: set[str] = set()
    for number, raw in enumerate(given or []):
        where = f"{place}[{number}]"
        try:
            version = checks.version(entry.model, _as(raw, VersionShape))
            if version.name.lower() in names:
                raise UsageError(f"the name {version.name!r} is given twice")
        except (HubError, ValueError) as error:
            reading.skip(entry.model, Part.VERSION, *_located(where, error))
            continue
        names.add(version.name.lower())
        yield version, where


def _read_feed(reading: Reading, name: str, raw: Any) -> None:
    place = f"$.feeds[{clean(name, 80)!r}]"
    try:
        settings = _as(raw, FeedSettings)
        checks.feed(name, settings)
        reading.feeds[name] = settings
    except (HubError, ValueError) as error:
        reading.skip(name, Part.FEED, *_located(place, error))


def _as(raw: Any, kind: type[_T]) -> _T:
    if isinstance(raw, _Twice):
        raise UsageError(f"the key {clean(raw.key, 80)!r} is there twice")
    return msgspec.convert(raw, kind)


def _identifier(raw: Any) -> str:
    if isinstance(raw, _Twice):
        raise UsageError(f"the key {clean(raw.key, 80)!r} is there twice")
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
        raise UsageError("it is no object with an id")
    parsed = ModelId.parse(raw["id"])
    return str(parsed)


def _subject(raw: Any) -> str:
    given = raw.get("id") if isinstance(raw, dict) else None
    return clean(given, 200) or "?"


def _located(place: str, error: Exception) -> tuple[str, Exception | str]:
    """The place of an error as exactly as it is known, and what is wrong there."""
    if isinstance(error, HubError):
        return place, error
    what, _, inside = str(error).partition(" - at `$")
    return f"{place}{inside.rstrip('`')}", what.replace("`_Twice`", "one with a key twice")
