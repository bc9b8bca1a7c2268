"""Every source by its prefix, each made when it is first asked for: most commands need none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack

from tui_hub.settings import Configuration
from tui_hub.sources.base import Find, Source


class Sources(Mapping[str, Source]):
    """The sources of one open home. Opens no connection and imports no client by itself."""

    def __init__(self, configuration: Configuration, find: Find) -> None:
        """Prepare them.

        Args:
            configuration: the settings of the run.
            find: gives the definition of a model that the user added.
        """
        self._configuration = configuration
        self._find = find
        self._made: dict[str, Source] = {}
        self._makers: dict[str, Callable[[], Source]] = {
            "hf": self._hugging_face,
            "replicate": self._replicate,
            "ollama": self._ollama,
            "curated": self._curated,
            "url": self._url,
            "local": self._local,
        }

    def __getitem__(self, prefix: str) -> Source:
        """The source of that prefix. Raises `KeyError` when there is none."""
        if prefix not in self._made:
            self._made[prefix] = self._makers[prefix]()
        return self._made[prefix]

    def __contains__(self, prefix: object) -> bool:
        """Whether there is a source of that prefix; makes none."""
        return prefix in self._makers

    def __iter__(self) -> Iterator[str]:
        """The prefixes."""
        return iter(self._makers)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._makers)

    async def close(self) -> None:
        """Close those that were made, each although another fails."""
        async with AsyncExitStack() as stack:
            for source in self._made.values():
                stack.push_async_callback(source.close)

    def _hugging_face(self) -> Source:
        from tui_hub.sources.huggingface import HuggingFace

        return HuggingFace(self._configuration)

    def _replicate(self) -> Source:
        from tui_hub.sources.replicate import Replicate

        return Replicate(self._configuration)

    def _ollama(self) -> Source:
        from tui_hub.sources.ollama import Ollama

        return Ollama(self._configuration)

    def _curated(self) -> Source:
        from tui_hub.sources.curated import Curated

        return Curated()

    def _url(self) -> Source:
        from tui_hub.sources.url import Url

        return Url(self._configuration, self._find)

    def _local(self) -> Source:
        from tui_hub.sources.local import Local

        return Local(self._find)
