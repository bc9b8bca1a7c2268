"""Ollama's names of models: what they stand for, and where a registry keeps them."""

from __future__ import annotations

import re

from tui_hub.domain.errors import UsageError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId

PREFIX = "ollama"
LIBRARY = "library"
"""The namespace of Ollama's own models."""

REGISTRY = "registry.ollama.ai"
"""The host that is meant where a name has none, whichever registry stands in for it."""

_HUB_HOSTS = ("hf.co", "huggingface.co")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True)
class Name:
    """`[host/][namespace/]model[:tag]`, with nothing left out."""

    host: str
    """Of another registry than the one in use, else empty."""
    namespace: str
    model: str
    tag: str

    @classmethod
    def of(cls, model: ModelId) -> Name:
        """What an id stands for.

        Raises:
            UsageError: when it is no name of Ollama's.
        """
        *front, last = model.path.split("/")
        name, colon, tag = last.partition(":")
        parts = (front[-1] if front else LIBRARY, name, tag if colon else "latest")
        if not all(map(_PART.fullmatch, parts)):
            raise UsageError(
                f"{model} is not the name of an Ollama model",
                hint="A name is name:tag or user/name:tag, for example ollama:llama3.1:8b.",
            )
        return cls(front[0] if len(front) > 1 else "", *parts)

    @property
    def id(self) -> ModelId:
        """The id of the model in the catalogue, in its shortest form."""
        front = f"{self.host}/" if self.host else ""
        return ModelId.parse(f"{PREFIX}:{front}{self.repository}:{self.tag}")

    @property
    def on_hub(self) -> bool:
        """Whether it names a repository of the Hub, which answers as a registry too."""
        return self.host.lower() in _HUB_HOSTS

    @property
    def repository(self) -> str:
        """`namespace/model`, as a registry calls it."""
        return f"{self.namespace}/{self.model}"

    @property
    def stem(self) -> str:
        """The beginning of a file name."""
        return f"{self.model}-{self.tag}"
