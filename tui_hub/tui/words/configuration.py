"""What is set for a model, in rows and words: each value with its default, and every version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tui_hub import text
from tui_hub.domain.configuration import (
    OPTION,
    ConfigurationReport,
    ConfigurationVersion,
    Effective,
    ModelConfiguration,
    Origin,
)
from tui_hub.domain.consents import Consent
from tui_hub.domain.frozen import dataclass
from tui_hub.tui.command import KeyOf
from tui_hub.tui.commands.configuration import ReloadModel
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import Line, Piece
from tui_hub.tui.drawing.glyphs import Glyphs

MEANINGS = {
    "runtime": "What loads it: torch, Ollama, a server of yours, or nothing (link).",
    "device": "Where torch loads it: auto takes the first GPU, else the processor.",
    "dtype": "What torch makes of floating weights; auto leaves them as they are.",
    "context": "Tokens of context, for Ollama and servers, and for the estimate of its memory.",
    "variant": "Which of its variants is activated where none is named.",
    "adapters": "LoRA adapters that torch adds to its weights: their ids, with commas between.",
}
_OPTION_MEANING = "Handed on to the runtime as it stands here."
_UNSET = {
    "context": "the runtime's own",
    "variant": "the best that is here",
    "adapters": "none",
}
"""How a key reads for which nothing is set anywhere."""
_TONES = {Origin.MODEL: "info", Origin.SETTINGS: "warn", Origin.DEFAULT: "faint"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRow:
    """A heading, a key with what counts for it, a pickle that was agreed to, or a version."""

    heading: Line = ()
    key: str = ""
    value: Effective | None = None
    otherwise: Effective | None = None
    """What would count if nothing was set for the model; `None` for an option."""
    version: ConfigurationVersion | None = None
    counts: bool = False
    """Whether it is the version that counts."""
    consent: Consent | None = None

    @property
    def identity(self) -> object:
        """By what the row is known again when the rows are replaced; nothing for a heading."""
        if self.consent is not None:
            return self.consent
        return self.version.version if self.version is not None else self.key


def rows_of(report: ConfigurationReport, glyphs: Glyphs, key_of: KeyOf) -> list[ConfigurationRow]:
    """Where the model is active, the keys, agreed pickles, then the versions, newest first."""
    rows = [ConfigurationRow(heading=line) for line in _activity(report, glyphs, key_of)]
    rows += [
        ConfigurationRow(key=key, value=value, otherwise=report.otherwise.get(key))
        for key, value in report.effective.items()
    ]
    rows += _headed("Pickle files that may be loaded, weights only", report.consents)
    rows += [ConfigurationRow(consent=one) for one in report.consents]
    rows += _headed("Versions", report.versions)
    rows += [
        ConfigurationRow(version=one, counts=one.version == report.version)
        for one in report.versions
    ]
    return rows


def _headed(words: str, what: Sequence[object]) -> list[ConfigurationRow]:
    """A blank and a heading, where there is something below it."""
    both: list[Line] = [(), [(words, "head")]] if what else []
    return [ConfigurationRow(heading=line) for line in both]


def _activity(report: ConfigurationReport, glyphs: Glyphs, key_of: KeyOf) -> Iterator[Line]:
    slots = ", ".join(kind.value for kind in report.active)
    if report.stale:
        yield [
            (f"{glyphs.failed} ", "warn"),
            (f"active as {slots}, loaded in another way: ", "warn"),
            (key_of(ReloadModel), "key"),
            (" takes this over", "warn"),
        ]
    elif report.active:
        yield [(f"{glyphs.active} ", "good"), (f"active as {slots}, loaded like this", "muted")]


def key_columns(rows: Iterable[ConfigurationRow]) -> list[Column[ConfigurationRow]]:
    """The columns of a key, the first as wide as the names of options ask for."""
    longest = max((len(row.key) for row in rows), default=0)
    return [
        Column("Key", min(max(longest, 14), 28), lambda row: [(row.key, "")]),
        Column("Value", 0, lambda row: [_value(row.key, row.value)]),
        Column("From", 8, lambda row: [_origin(row)], rank=1),
        Column("Default", 22, lambda row: [(otherwise_words(row), "faint")], rank=2),
    ]


def version_columns(glyphs: Glyphs) -> list[Column[ConfigurationRow]]:
    """The columns of a version."""

    def mark(row: ConfigurationRow) -> list[Piece]:
        return [(glyphs.active if row.counts else "", "good")]

    return [
        Column("", 1, mark),
        Column("", 5, lambda row: [(f"{row.version.version}" if row.version else "", "info")]),
        Column("", 11, lambda row: [(text.ago(row.version.at) if row.version else "", "muted")]),
        Column("", 0, lambda row: [(_words(row.version), "" if row.counts else "muted")]),
    ]


def consent_columns() -> list[Column[ConfigurationRow]]:
    """The columns of a pickle that was agreed to."""
    return [
        Column("", 0, lambda row: [(row.consent.path if row.consent else "", "warn")]),
        Column("", 11, lambda row: [(text.ago(row.consent.at) if row.consent else "", "muted")]),
        Column("", 16, lambda row: [(row.consent.by if row.consent else "", "muted")], rank=1),
    ]


def meaning_of(key: str) -> str:
    """What a key is for."""
    return _OPTION_MEANING if key.startswith(OPTION) else MEANINGS.get(key, "")


def otherwise_words(row: ConfigurationRow) -> str:
    """What counts where nothing is set for the model."""
    return "" if row.otherwise is None else _value(row.key, row.otherwise)[0]


def about(row: ConfigurationRow, now: ModelConfiguration, arrow: str) -> tuple[str, str]:
    """What a row means, and what more there is to it."""
    if row.consent is not None:
        return (
            f"{row.consent.by} agreed that torch takes nothing but weights from it.",
            f"sha256 {row.consent.sha256}",
        )
    if row.version is None:
        default = otherwise_words(row)
        settings = row.otherwise is not None and row.otherwise.origin is Origin.SETTINGS
        origin = ", from the settings" if settings else ""
        return meaning_of(row.key), f"default {default}{origin}" if default else ""
    if row.counts:
        return "This version counts.", ""
    changes = change_words(now, row.version.configuration, arrow) or "it says the same"
    return f"Version {row.version.version} would count again, as a new one:", changes


def change_words(now: ModelConfiguration, then: ModelConfiguration, arrow: str) -> str:
    """What would become of the values if another configuration counted."""
    before, after = now.values, then.values
    return ", ".join(
        f"{key} {before.get(key, 'default')} {arrow} {after.get(key, 'default')}"
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key)
    )


def _value(key: str, value: Effective | None) -> Piece:
    if value is None or value.value is None:
        return (_UNSET.get(key, "none"), "faint")
    return (str(value.value), "strong" if value.origin is Origin.MODEL else "")


def _origin(row: ConfigurationRow) -> Piece:
    return ("", "") if row.value is None else (row.value.origin.value, _TONES[row.value.origin])


def _words(version: ConfigurationVersion | None) -> str:
    values = {} if version is None else version.configuration.values
    return "  ".join(f"{key}={value}" for key, value in values.items()) or "nothing set"
