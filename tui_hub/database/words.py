"""What a search compares: the words of a model, the words that a person types, and facets as words.

The one rule of the search: a model answers when each typed word begins one of the model's words.
`VERSION` names how words are made; an index made under another version is built anew.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from zlib import crc32

from tui_hub.domain.models import Model, ModelStatus

VERSION = "1"

_LONGEST_TEXT = 4000
"""Characters of one field, or of what is typed, that count."""
_LONGEST_WORD = 40
_MOST_WORDS = 400
_MOST_TYPED = 24

_UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff\u2600-\u27bf\U0001f000-\U0001faff"
)
"""Scripts written without spaces, and pictures: any place in a run of them may begin a word."""
_WORD = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")
_RUN = re.compile(f"[{_UNSPACED}]")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_MARK = 0xE000
_CODE = 0xF0000
_CODES = 0xFFFE
"""A facet's word is three characters of the private use areas, which `_WORD` never matches."""
FACETS = ("type", "source", "task", "library", "license", "installed", "gated", "removed")


def typed_words(text: str) -> tuple[str, ...]:
    """The words of what a person typed, without those that begin another one."""
    found = tuple(dict.fromkeys(_split(text[:_LONGEST_TEXT])))[:_MOST_TYPED]
    return tuple(word for word in found if not any(_begins(word, other) for other in found))


def model_words(model: Model) -> frozenset[str]:
    """The words under which a model is found."""
    words: set[str] = {model.source}
    for field in _fields(model):
        _add_words(words, field[:_LONGEST_TEXT])
        if len(words) >= _MOST_WORDS:
            break
    return frozenset(words)


def facet_values(model: Model) -> tuple[tuple[str, str], ...]:
    """What a model counts as: pairs of a facet and its value."""
    values = [("type", str(model.type)), ("source", model.source)]
    for facet, value in (
        ("task", model.task),
        ("library", model.library),
        ("license", model.license),
    ):
        if value:
            values.append((facet, value))
    values.append(("installed", _yes(is_installed(model.status))))
    values.append(("gated", _yes(bool(model.gated))))
    return tuple(values)


def is_installed(status: ModelStatus) -> bool:
    """Whether a status means that the model can be used."""
    return status in (ModelStatus.INSTALLED, ModelStatus.ACTIVE)


def facet_word(facet: str, value: str) -> str:
    """The word that stands for one value of a facet, in the index and in a question."""
    data = value.encode("utf-8", "replace")
    return (
        chr(_MARK + FACETS.index(facet))
        + chr(_CODE + crc32(data) % _CODES)
        + chr(_CODE + crc32(data, 1) % _CODES)
    )


def index_text(model: Model) -> str:
    """All the words of a model as the index holds them; the same text for the same model."""
    words = sorted(model_words(model))
    words += [
        facet_word(facet, value)
        for facet, value in facet_values(model)
        if value != "no" or facet not in ("installed", "gated")
    ]
    if model.removed:
        words.append(facet_word("removed", "yes"))
    return " ".join(words)


def answers(words: frozenset[str], typed: tuple[str, ...]) -> bool:
    """The rule itself: whether each typed word begins one of a model's words."""
    return all(any(word.startswith(start) for word in words) for start in typed)


def _fields(model: Model) -> Iterator[str]:
    for text in (model.name, model.author, model.task, model.library):
        if text:
            yield text
    yield " ".join(tag for tag in model.tags if not tag.startswith("region:"))
    if model.description:
        yield model.description


def _add_words(words: set[str], text: str) -> None:
    """Every word of a text, the parts of `CamelCase2` and each place in a run without spaces."""
    folded = _split(text)
    words.update(folded)
    if not text.isascii():
        for word in filter(_RUN.match, folded):
            words.update(word[start:] for start in range(1, len(word)))
        text = " ".join(filter(str.isascii, _WORD.findall(text)))
    words.update(part[:_LONGEST_WORD] for part in map(str.lower, _PART.findall(text)))


def _split(text: str) -> list[str]:
    """The words of a text, folded, in the order they stand."""
    folded = text.lower() if text.isascii() else _without_accents(text.casefold()).casefold()
    return [word[:_LONGEST_WORD] for word in _WORD.findall(folded)]


def _without_accents(text: str) -> str:
    """Compatibility forms made plain and accents dropped; what is one letter stays one."""
    decomposed = unicodedata.normalize("NFKD", text)
    kept = (mark for mark in decomposed if unicodedata.category(mark) not in ("Mn", "Cs"))
    return unicodedata.normalize("NFC", "".join(kept))


def _begins(word: str, other: str) -> bool:
    return word != other and other.startswith(word)


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
