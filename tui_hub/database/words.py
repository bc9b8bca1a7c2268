"""What a search compares: the words of a model, the words that a person types, and facets as words.

The one rule of the search: a model answers when each typed word begins one of the model's words.
`VERSION` names how words are made; an index made under another version is built anew.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from itertools import chain, pairwise

from tui_hub.database.facets import NAMES, facet_set
from tui_hub.domain.models import Model

VERSION = "3"

_LONGEST_TEXT = 4000
"""Characters of one field, or of what is typed, that count."""
_LONGEST_WORD = 40
_MOST_WORDS = 400
_MOST_TAGS = 400
_MOST_ALIASES = 20
_MOST_TYPED = 24
_LONGEST_NUMBER = 3
"""Characters of a number that are joined to the word before it, as in `llama3` and `llama70b`."""

_UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff\u2600-\u27bf\U0001f000-\U0001faff"
)
"""Scripts written without spaces, and pictures: any place in a run of them may begin a word."""
_WORD = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")
_ASCII_WORD = re.compile("[A-Za-z0-9]+")
_RUN = re.compile(f"[{_UNSPACED}]")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_CODES = (0xF0000, 0x100000)
_CODE = 0xFFFE
"""A facet's word is two characters of the private use planes, which `_WORD` never matches."""


def typed_words(text: str) -> tuple[str, ...]:
    """The words of what a person typed, without those that begin another one."""
    found = tuple(dict.fromkeys(_split(text[:_LONGEST_TEXT])))[:_MOST_TYPED]
    return tuple(word for word in found if not any(_begins(word, other) for other in found))


def model_words(model: Model) -> tuple[str, ...]:
    """The words under which a model is found."""
    texts = [text for text in (model.author, model.task, model.library) if text]
    texts += [tag for tag in model.tags[:_MOST_TAGS] if not tag.startswith("region:")]
    if model.facts:
        texts += _names(model.facts)
    words = chain(
        (model.source,),
        _words(model.name),
        chain.from_iterable(map(_common_words, texts)),
        _words(model.description, join=False) if model.description else (),
    )
    return tuple(dict.fromkeys(words))


@lru_cache(100_000)
def facet_word(facet: str, value: str) -> str:
    """The word that stands for one value of a facet, in the index and in a question."""
    data = f"{facet}\0{value}".encode("utf-8", "replace")
    digest = blake2b(data, digest_size=4).digest()
    parts = (int.from_bytes(digest[:2], "big"), int.from_bytes(digest[2:], "big"))
    return "".join(chr(plane + part % _CODE) for plane, part in zip(_CODES, parts, strict=True))


def spoken(model: Model) -> tuple[object, ...]:
    """All that the words of a model are made of: where it is the same, so are they."""
    return (
        model.name,
        model.author,
        model.tags,
        model.description,
        model.facts,
        model.removed,
        made_on(model),
        facet_set(model),
    )


def index_text(model: Model) -> str:
    """All the words of a model as the index holds them; the same text for the same model."""
    words = [*model_words(model), *_facet_words(facet_set(model))]
    if day := made_on(model):
        words.append(facet_word("made", day))
    if model.removed:
        words.append(facet_word("removed", "yes"))
    return " ".join(words)


def made_on(model: Model) -> str:
    """The day on which a model was made, `2026-01-31`; empty where that is not known."""
    return (model.created_at or "")[:10]


@lru_cache(20_000)
def _facet_words(facets: tuple[str, ...]) -> tuple[str, ...]:
    named = zip(NAMES, facets, strict=True)
    return tuple(facet_word(facet, value) for facet, value in named if value not in ("", "no"))


def _words(text: str, *, join: bool = True) -> tuple[str, ...]:
    """Every word of a text, the parts of `CamelCase2` and each place in a run without spaces.

    A number is also joined to the word before it, as people write `llama3` and `Llama 3` alike.
    """
    text = text[:_LONGEST_TEXT]
    if text.isascii():
        written = _ASCII_WORD.findall(text)
        words = chain.from_iterable(map(_forms, written))
    else:
        folded = _split(text)
        runs = [word for word in folded if _RUN.match(word)]
        places = [word[start:] for word in runs for start in range(1, len(word))]
        written = list(filter(str.isascii, _WORD.findall(text)))
        words = chain(folded, places, chain.from_iterable(map(_forms, written)))
    joined = _joined(written) if join else ()
    return tuple(dict.fromkeys(chain(words, joined)))[:_MOST_WORDS]


@lru_cache(100_000)
def _forms(word: str) -> tuple[str, ...]:
    """An ASCII word folded, and its parts where it has several."""
    parts = _PART.findall(word)
    whole = word.lower()[:_LONGEST_WORD]
    return (whole, *(part.lower()[:_LONGEST_WORD] for part in parts)) if parts[1:] else (whole,)


def _joined(words: Iterable[str]) -> list[str]:
    return [
        (word + number).lower()[:_LONGEST_WORD]
        for word, number in pairwise(words)
        if len(number) <= _LONGEST_NUMBER and number[0].isdigit() and word.isalpha()
    ]


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
