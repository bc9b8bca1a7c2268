"""What a search compares: the words of a model, the words that a person types, and facets as words.

The one rule of the search: a model answers when each typed word begins one of the model's words, or
is one where it has to be whole.
`VERSION` names how words are made; an index made under another version is built anew.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import chain, islice
from typing import NamedTuple
from zlib import crc32

from tui_hub.database.facets import NAMES, FacetSet, facet_set
from tui_hub.domain.models import Model

VERSION = "5"

_LONGEST_TEXT = 4000
"""Characters of one field, or of what is typed, that count."""
_LONGEST_WORD = 40
_MOST_WORDS = 400
_MOST_TAGS = 400
_MOST_ALIASES = 20
_MOST_TYPED = 24
_SHORT = 2
_CACHED = 20_000
"""Texts of each kind whose words are remembered, some ten megabytes."""

_UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
)
"""Scripts written without spaces, and pictures: any place in a run of them may begin a word."""
_ASCII_WORD = re.compile("[A-Za-z0-9]+")
_NUMBERED = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z]{1,36})[^A-Za-z0-9]{1,3}([0-9][A-Za-z0-9]{0,2})(?![A-Za-z0-9])"
)
"""A word and a number behind it that people write as one, as in `llama3` and `llama70b`."""
_NUMBER = re.compile("[^A-Za-z0-9][0-9][A-Za-z0-9]{0,2}(?![A-Za-z0-9])")
"""What every text has that `_NUMBERED` finds something in, and many have not."""
_PART = re.compile("[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]+|[0-9]+")

_FACETS = (0xE000, 6400)
_NAMES_PLANE = 0xF0000
_OTHER_PLANE = 0x100000
_PLANE = 0xFFFE
"""What is no word of a model is marked by one or two characters for private use, which `_word`
never matches."""


class TypedWord(NamedTuple):
    """A word that a person typed."""

    text: str
    whole: bool
    """Whether it must be a word of the model, and not only begin one."""


def typed_words(text: str) -> tuple[TypedWord, ...]:
    """The words of what a person typed, without those that begin another one.

    A word of one or two letters or digits that is followed by another word is whole: the `3` of
    `llama 3 8b` is not meant to find what begins with a 3.
    """
    found = _split(text[:_LONGEST_TEXT])
    last = found[-1:]
    words = dict.fromkeys(
        TypedWord(word, len(word) <= _SHORT and word.isascii() and [word] != last) for word in found
    )
    typed = tuple(words)[:_MOST_TYPED]
    return tuple(word for word in typed if word.whole or not _is_implied(word.text, typed))


def model_words(model: Model) -> tuple[str, ...]:
    """The words under which a model is found."""
    return tuple(dict.fromkeys(_all_words(model)))


def _all_words(model: Model) -> Iterable[str]:
    texts = [model.author or "", model.task or "", model.library or ""]
    if model.facts:
        texts += _names(model.facts)
    return chain(
        (model.source,),
        _words(model.name),
        chain.from_iterable(map(_common_words, texts)),
        chain.from_iterable(map(_tag_words, model.tags[:_MOST_TAGS])),
        islice(_words(model.description, join=False), _MOST_WORDS) if model.description else (),
    )


@lru_cache(_CACHED)
def facet_word(facet: str, value: str) -> str:
    """The word that stands for one value of a facet, in the index and in a question."""
    data = f"{facet}\0{value}".encode("utf-8", "replace")
    number = int.from_bytes(blake2b(data, digest_size=6).digest(), "big")
    first, count = _FACETS
    return chr(first + number % count) + chr(_OTHER_PLANE + number // count % _PLANE)


def name_word(name: str) -> str:
    """The word of all models of this name, in capitals or not, and of a few others."""
    return chr(_NAMES_PLANE + crc32(name.lower().encode("utf-8", "replace")) % _PLANE)


@lru_cache(_CACHED)
def author_word(author: str) -> str:
    """The word of all models of this author, in capitals or not, and of a few others."""
    return chr(_OTHER_PLANE + crc32(author.lower().encode("utf-8", "replace")) % _PLANE)


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


def index_text(model: Model, facets: FacetSet) -> tuple[str, str]:
    """What the index holds of a model: its words, and the marks of what else it is found by.

    The same for the same model. They are two texts as one with the marks' characters in it would
    take four times the memory.
    """
    marks = _facet_words(facets) + name_word(model.name)
    if model.author:
        marks += " " + author_word(model.author)
    if model.created_at:
        marks += " " + facet_word("made", model.created_at[:10])
    if model.removed:
        marks += " " + facet_word("removed", "yes")
    return " ".join(dict.fromkeys(_all_words(model))), marks


def made_on(model: Model) -> str:
    """The day on which a model was made, `2026-01-31`; empty where that is not known."""
    return (model.created_at or "")[:10]


@lru_cache(_CACHED)
def _facet_words(facets: tuple[str, ...]) -> str:
    named = zip(NAMES, facets, strict=True)
    return "".join(
        facet_word(facet, value) + " " for facet, value in named if value not in ("", "no")
    )


def _words(text: str, *, join: bool = True) -> Iterable[str]:
    """Every word of a text, the parts of `CamelCase2` and each place in a run without spaces.

    A number is also joined to the word before it, as people write `llama3` and `Llama 3` alike.
    """
    text = text[:_LONGEST_TEXT]
    words: Iterable[str]
    if text.isascii():
        words = _ascii_words(text)
    else:
        folded, is_run = _found(_folded(text)), _run().match
        runs = [word for word in folded if is_run(word)]
        places = [word[start:] for word in runs for start in range(1, len(word))]
        written = filter(str.isascii, _found(_without_accents(text)))
        cut = (word[:_LONGEST_WORD] for word in chain(folded, places))
        words = chain(cut, chain.from_iterable(map(_forms, written)))
    if not join or not _NUMBER.search(text):
        return words
    return chain(words, [(word + number).lower() for word, number in _NUMBERED.findall(text)])


def _ascii_words(text: str) -> Iterable[str]:
    """The words of an ASCII text; of a short one, none of whose words is too many, in any order."""
    if len(text) > _LONGEST_WORD:
        return chain.from_iterable(map(_forms, _ASCII_WORD.findall(text)))
    return chain(_ASCII_WORD.findall(text.lower()), map(str.lower, _PART.findall(text)))


@lru_cache(_CACHED)
def _forms(word: str) -> tuple[str, ...]:
    """An ASCII word folded, and its parts where it has several."""
    parts = _PART.findall(word)
    whole = word.lower()[:_LONGEST_WORD]
    return (whole, *(part.lower()[:_LONGEST_WORD] for part in parts)) if parts[1:] else (whole,)


def _names(facts: Mapping[str, object]) -> list[str]:
    """What else a model is called, and who made it."""
    aliases = facts.get("aliases")
    others = aliases if isinstance(aliases, (list, tuple)) else ()
    names = (facts.get("title"), facts.get("maker"), *others[:_MOST_ALIASES])
    return [name for name in names if isinstance(name, str)]


@lru_cache(_CACHED)
def _common_words(text: str) -> tuple[str, ...]:
    """The words of a text that many models share."""
    return tuple(islice(dict.fromkeys(_words(text)), _MOST_WORDS))


@lru_cache(_CACHED)
def _tag_words(tag: str) -> tuple[str, ...]:
    """The words of a tag; where its files lie is none of a model's.

    What a model was made from stands in several tags, and only there: its words are kept apart.
    """
    if tag.startswith("region:"):
        return ()
    kind, colon, value = tag.rpartition(":")
    if colon and value[:1].isalpha() and tag.isascii() and len(tag) <= _MOST_WORDS // 2:
        return _common_words(kind) + _common_words(value)
    return _common_words.__wrapped__(tag)


def _found(text: str) -> list[str]:
    """The words of a text in any script, in the order they stand."""
    return (_ASCII_WORD if text.isascii() else _word()).findall(text)


@cache
def _word() -> re.Pattern[str]:
    """A word in any script. Made when a text needs it: that takes longer than many a search."""
    return re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")


@cache
def _run() -> re.Pattern[str]:
    """Where a run of words without spaces begins."""
    return re.compile(f"[{_UNSPACED}]")


def _split(text: str) -> list[str]:
    """The words of a text, folded, in the order they stand."""
    return [word[:_LONGEST_WORD] for word in _found(_folded(text))]


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else _without_accents(text.casefold()).casefold()


def _without_accents(text: str) -> str:
    """Compatibility forms made plain and accents dropped; what is one letter stays one."""
    decomposed = unicodedata.normalize("NFKD", text)
    kept = (mark for mark in decomposed if unicodedata.category(mark) not in ("Mn", "Cs"))
    return unicodedata.normalize("NFC", "".join(kept))


def _is_implied(word: str, typed: Iterable[TypedWord]) -> bool:
    return any(
        other.text.startswith(word) and (other.whole or other.text != word) for other in typed
    )
