"""What the daemon of Ollama has in memory, and lets go of."""

from __future__ import annotations

from datetime import UTC, datetime

from tui_hub.domain.frozen import dataclass

_FOR_GOOD = 2200
"""The year from which on a model counts as one that stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaModel:
    """A model that the daemon of Ollama has in memory."""

    name: str
    """As the daemon calls it."""
    size: int
    """Bytes that it takes, by the daemon's own reckoning."""
    size_vram: int
    """How many of them are on GPUs."""
    expires_at: str = ""
    """When the daemon will let go of it by itself, as it says so."""
    context: int | None = None
    """Tokens of context that it was loaded for."""
    slot: str | None = None
    """The type whose active model it is."""

    @property
    def stays(self) -> bool:
        """Whether the daemon keeps it until it is told to let go: it then says some 292 years."""
        year = self.expires_at[:4]
        return not year.isdecimal() or int(year) >= _FOR_GOOD

    @property
    def seconds_left(self) -> float:
        """Until the daemon lets go of it by itself; zero where it does not say when."""
        try:
            expires = datetime.fromisoformat(self.expires_at)
            return max((expires - datetime.now(UTC)).total_seconds(), 0.0)
        except (ValueError, TypeError):
            return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaState:
    """The daemon of Ollama on this box, with what it has in memory."""

    address: str
    """Empty where the settings name none that can be used."""
    models: tuple[OllamaModel, ...] = ()
    error: str | None = None
    """Why it does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaRelease:
    """What the daemon of Ollama let go of on request."""

    models: tuple[OllamaModel, ...]
    freed: int | None = None
    """Bytes that GPUs have more of since, by their driver; `None` where none of it was there."""

    @property
    def promised(self) -> int:
        """Bytes that the daemon had on GPUs, by its own reckoning."""
        return sum(one.size_vram for one in self.models)
