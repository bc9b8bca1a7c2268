"""Listing entries shaped like the Hub's, for the benchmarks: the same ones at each run.

Ids of 42 characters on average, 118 characters of tags, half of the models never downloaded, words
and authors with a long tail, some 860 bytes of JSON to an entry.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from tui_hub.domain.models import Model
from tui_hub.sources.huggingface_records import read_model

LATEST = "2030-01-01T00:00:00Z"
"""Nothing here claims to be newer."""
FAMILIES = (
    "Llama-3.1", "Qwen2.5", "Mistral", "gemma-2", "phi-4", "bert", "roberta", "whisper",
    "stable-diffusion", "flux.1", "vit", "t5", "wav2vec2", "deepseek", "yi", "smollm", "falcon",
    "mixtral", "ppo", "sdxl", "clip", "Meta-Llama-3", "distilbert", "xlm-roberta", "Qwen3", "bge",
    "opus-mt", "musicgen", "wan2.1", "internvl",
)  # fmt: skip
SIZES = (
    "0.5B", "1B", "1.5B", "3B", "7B", "8B", "13B", "32B", "70B", "base", "large", "small", "tiny",
)  # fmt: skip
KINDS = (
    "Instruct", "GGUF", "AWQ", "fp8", "Q4_K_M", "lora", "finetuned", "it", "v2", "mlx",
    "abliterated", "merged", "coder", "chat", "LunarLander", "ner", "finetuned-emotion",
    "checkpoint", "sft", "dpo", "grpo-v1", "4bit", "bnb-4bit", "Chat-hf", "exl2",
)  # fmt: skip
TASKS = {
    "text-generation": 26.0,
    "text-classification": 10.0,
    "text-to-image": 8.0,
    "automatic-speech-recognition": 3.0,
    "fill-mask": 2.0,
    "summarization": 0.5,
    "image-classification": 3.0,
    "reinforcement-learning": 8.0,
    "token-classification": 2.0,
    "feature-extraction": 2.0,
    "text-to-video": 0.3,
    "": 35.0,
}
LIBRARIES = {
    "transformers": 55.0,
    "diffusers": 10.0,
    "peft": 12.0,
    "gguf": 5.0,
    "mlx": 1.0,
    "stable-baselines3": 5.0,
    "sentence-transformers": 2.0,
    "": 10.0,
}
LICENSES = {
    "apache-2.0": 20.0,
    "mit": 8.0,
    "llama3.1": 3.0,
    "gemma": 3.0,
    "cc-by-nc-4.0": 2.0,
    "openrail": 2.0,
    "other": 3.0,
    "": 59.0,
}
SYLLABLES = (
    "ka", "ro", "mi", "ten", "sul", "dar", "vo", "lin", "pre", "qua", "zor", "bel", "ny", "xi",
    "thor", "gra", "mun", "fe", "lo", "ash",
)  # fmt: skip


class Shape:
    """Makes entries, one after the other."""

    def __init__(self, seed: int = 7) -> None:
        self._chance = random.Random(seed)
        self._words = [self._word() for _ in range(40_000)]

    def _word(self) -> str:
        return "".join(self._chance.choices(SYLLABLES, k=self._chance.choice((2, 2, 3, 4))))

    def _common(self) -> str:
        """A word: few are common, most are rare."""
        return self._words[min(int(self._chance.paretovariate(0.35)), len(self._words)) - 1]

    def _author(self) -> str:
        number = min(int(self._chance.paretovariate(0.35)), 600_000)
        style = number % 4
        word = self._words[number * 7919 % len(self._words)]
        if style == 0:
            return f"{word.title()}{self._words[number % 997].title()}{number}"
        return f"{word}{number}" if style < 3 else f"{word}-{self._words[number % 991]}{number}"

    def _name(self, number: int) -> str:
        chance = self._chance
        kind = chance.random()
        if kind < 0.1:
            return f"{chance.getrandbits(64):016x}"
        stem = chance.choice(FAMILIES) if kind < 0.6 else f"{self._common()}-{self._common()}"
        parts = [stem]
        if chance.random() < 0.6:
            parts.append(chance.choice(SIZES))
        parts += [chance.choice(KINDS)] if chance.random() < 0.6 else [self._common()]
        parts += [self._common()] if chance.random() < 0.5 else []
        return "-".join((*parts, str(number % 100_000)))

    def _pick(self, table: dict[str, float]) -> str:
        return self._chance.choices(list(table), list(table.values()))[0]

    def entry(self, number: int) -> dict[str, Any]:
        """The entry of a number."""
        chance = self._chance
        author, name = self._author(), self._name(number)
        task, library, license_ = map(self._pick, (TASKS, LIBRARIES, LICENSES))
        params = int(chance.random() * 7e10)
        tags = [library] if library else []
        tags += ["safetensors"] if chance.random() < 0.6 else []
        tags += [chance.choice(FAMILIES).lower()] if chance.random() < 0.6 else []
        tags += [task, "conversational"][: 1 + (chance.random() < 0.3)] if task else []
        tags += ["en"] if chance.random() < 0.3 else []
        tags += [f"license:{license_}"] if license_ else []
        if chance.random() < 0.42:
            base = f"{self._author()}/{chance.choice(FAMILIES)}-{chance.choice(SIZES)}"
            tags += [f"base_model:{base}", f"base_model:finetune:{base}"]
        tags += [f"arxiv:{chance.randrange(1700, 2600)}.{chance.randrange(20_000):05}"][
            : chance.random() < 0.1
        ]
        tags += ["autotrain_compatible", "endpoints_compatible"] if chance.random() < 0.4 else []
        tags += ["region:us"]
        year, month = chance.randrange(22, 27), chance.randrange(1, 13)
        day = f"20{year}-{month:02}-{chance.randrange(1, 29):02}"
        return {
            "_id": f"{0x62000000 + number // 2:08x}{chance.getrandbits(64):016x}",
            "id": f"{author}/{name}",
            "modelId": f"{author}/{name}",
            "author": author,
            "sha": f"{chance.getrandbits(160):040x}",
            "lastModified": f"{day}T{chance.randrange(24):02}:{chance.randrange(60):02}:12.000Z",
            "createdAt": f"{day}T00:{chance.randrange(60):02}:10.000Z",
            "private": False,
            "disabled": False,
            "gated": "manual" if chance.random() < 0.03 else False,
            "downloads": 0 if chance.random() < 0.51 else int(chance.paretovariate(0.5)),
            "likes": 0 if chance.random() < 0.8 else int(chance.paretovariate(0.8)),
            "trendingScore": chance.random() if chance.random() < 0.01 else 0,
            "tags": tags,
            **({"pipeline_tag": task} if task else {}),
            **({"library_name": library} if library else {}),
            "usedStorage": params * 2,
            **({"safetensors": {"parameters": {"BF16": params}, "total": params}}
               if chance.random() < 0.5 else {}),
            "cardData": {"license": license_ or None, "language": ["en"], "tags": tags[:5],
                         "datasets": [self._common()], "pipeline_tag": task},
            "siblings": [{"rfilename": "README.md"}] if number % 2 else [],
        }  # fmt: skip

    def entries(self, count: int) -> Iterator[dict[str, Any]]:
        """The first `count` entries."""
        return map(self.entry, range(count))


def model(entry: dict[str, Any]) -> Model:
    """The catalogue's record of an entry."""
    import msgspec

    return read_model(msgspec.json.encode(entry), LATEST)
