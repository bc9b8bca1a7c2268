"""A tokenizer of a thousand words, for language models that nobody will ever train."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import product

from tui_hub.demo.repository import RepositoryFile

_SPECIAL = ("<unk>", "<s>", "</s>")


@cache
def vocabulary(count: int = 1024) -> tuple[str, ...]:
    """Special tokens, then made-up syllables."""
    starts = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "st", "tr")
    ends = ("", "l", "m", "n", "r", "s", "t", "nd", "rk", "sh", "x", "lt", "mp")
    words = ("".join(parts) for parts in product(starts, "aeiou", ends))
    return (*_SPECIAL, *words)[:count]


@cache
def tokenizer_files(count: int = 1024) -> tuple[RepositoryFile, ...]:
    """What `tokenizers` and `transformers` load: words between blanks."""
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "<unk>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "chat_template": "{% for message in messages %}{{ message['content'] }}\n{% endfor %}",
    }
    tokenizer = json_file("tokenizer.json", _tokenizer(vocabulary(count)))
    return tokenizer, json_file("tokenizer_config.json", settings)


def _tokenizer(words: Sequence[str]) -> dict[str, object]:
    special = [
        {"id": number, "content": token, "special": True, "single_word": False,
         "lstrip": False, "rstrip": False, "normalized": False}
        for number, token in enumerate(_SPECIAL)
    ]  # fmt: skip
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: number for number, word in enumerate(words)},
            "unk_token": "<unk>",
        },
    }


def json_file(path: str, document: object) -> RepositoryFile:
    """A small file of JSON."""
    return RepositoryFile(path, json.dumps(document, indent=2, ensure_ascii=False).encode())
