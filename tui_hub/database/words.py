"""What a search compares: the words of a model, the words that a person types, and facets as words.

The one rule of the search: a model answers when each typed word begins one of the model's words.
`VERSION` names how words are made; an index made under another version is built anew.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from zlib import crc32

from tui_hub.database.facets import NAMES, facet_set
from tui_hub.domain.models import Model

VERSION = "2"

_LONGEST_TEXT = 4000
"""Characters of one field, or of what is typed, that count."""
_LONGEST_WORD = 40
_MOST_WORDS = 400
_MOST_TAGS = 400
_MOST_ALIASES = 20
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
_MARKED = (*NAMES, "removed")


def typed_words(text: str) -> tuple[str, ...]:
    """The words of what a person typed, without those that begin another one."""
    found = tuple(dict.fromkeys(_split(text[:_LONGEST_TEXT])))[:_MOST_TYPED]
    return tuple(word for word in found if not any(_begins(word, other) for other in found))


def model_words(model: Model) -> frozenset[str]:
    """The words under which a model is found."""
    words = {model.source, *_words(model.name)}
    for text in (model.author, model.task, model.library):
        if text:
            words.update(_common_words(text))
    for tag in model.tags[:_MOST_TAGS]:
        if not tag.startswith("region:"):
            words.update(_common_words(tag))
    if model.description:
        words.update(_words(model.description))
    if model.facts:
        for text in _names(model.facts):
            words.update(_common_words(text))
    return frozenset(words)


@lru_cache(10_000)
def facet_word(facet: str, value: str) -> str:
    """The word that stands for one value of a facet, in the index and in a question."""
    data = value.encode("utf-8", "replace")
    return (
        chr(_MARK + _MARKED.index(facet))
        + chr(_CODE + crc32(data) % _CODES)
        + chr(_CODE + crc32(data, 1) % _CODES)
    )


def index_text(model: Model) -> str:
    """All the words of a model as the index holds them; the same text for the same model."""
    words = sorted(model_words(model))
    facets = zip(NAMES, facet_set(model), strict=True)
    words += [facet_word(facet, value) for facet, value in facets if value not in ("", "no")]
    if model.removed:
        words.append(facet_word("removed", "yes"))
    return " ".join(words)


def _words(text: str) -> tuple[str, ...]:
    """Every word of a text, the parts of `CamelCase2` and each place in a run without spaces."""
    text = text[:_LONGEST_TEXT]
    words = _split(text)
    if not text.isascii():
        for word in [word for word in words if _RUN.match(word)]:
            words += [word[start:] for start in range(1, len(word))]
        text = " ".join(filter(str.isascii, _WORD.findall(text)))
    parts = [part.lower()[:_LONGEST_WORD] for part in _PART.findall(text)]
    return tuple(dict.fromkeys(words + parts))[:_MOST_WORDS]


def _names(facts: Mapping[str, object]) -> list[str]:
    """What else a model is called, and who made it."""
    aliases = facts.get("aliases")
    others = aliases if isinstance(aliases, (list, tuple)) else ()
    names = (facts.get("title"), facts.get("maker"), *others[:_MOST_ALIASES])
    return [name for name in names if isinstance(name, str)]


_common_words = lru_cache(100_000)(_words)
"""The same, for texts that many models share."""


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
