"""What is to be loaded, as it is asked of a runtime, and how the runtime would do that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field

from tui_hub.domain.artifacts import Variant, preferred_variant
from tui_hub.domain.configuration import AUTO, ModelConfiguration
from tui_hub.domain.consents import Consent
from tui_hub.domain.errors import RefusedError
from tui_hub.domain.fit import Need
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Details
from tui_hub.domain.runtime import LINK, Adapter
from tui_hub.domain.storage import Install

_LINKED = "published as a link; nothing was loaded into memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An installed model that is to become active."""

    install: Install
    details: Details | None = None
    """Its files; `None` where the daemon of Ollama alone has them."""
    variants: tuple[Variant, ...] = ()
    """Those that are wholly here."""
    variant: str | None = None
    """The one that is meant; without it, the best that the runtime can load."""
    command: str = ""
    """The name of the user's server in the settings, for the runtime `command`."""
    consent: bool = False
    """Whether pickle files may be loaded, weights only."""
    configuration: ModelConfiguration = field(default_factory=ModelConfiguration)
    """What is set for it."""

    def best(self, formats: Collection[str]) -> Variant | None:
        """The variant that is meant, else the best of the formats that a runtime likes."""
        if self.variant is not None:
            return next((one for one in self.variants if one.name == self.variant), None)
        liked = [one for one in self.variants if one.format in formats] or list(self.variants)
        return preferred_variant(liked) or next(iter(liked), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How one installed model becomes active."""

    runtime: str
    variant: str | None = None
    files: tuple[str, ...] = ()
    """Absolute paths of the weights; for a command the one file that it can be given."""
    parts: tuple[Need, ...] = ()
    """What the weights take in memory."""
    consent: bool = False
    """Whether the user agreed to have pickle files loaded, weights only."""
    consents: tuple[Consent, ...] = ()
    """What that agreement is new to, to be written down before anything is loaded."""
    command: str | None = None
    """The name of the user's server in the settings."""
    served: str = ""
    """The name under which a server knows the model."""
    given: str | None = None
    """The SHA-256 of the file that the daemon of Ollama is to be given as that model."""
    note: str | None = None
    """What a person should know: of a link, why nothing loads it into memory."""
    device: str = AUTO
    """Where torch is to load it: `auto`, `cpu` or `cuda:N`."""
    dtype: str = ""
    """What torch makes of floating weights; empty leaves them as they are."""
    adapters: tuple[Adapter, ...] = ()
    """What torch adds to the weights."""
    configuration: ModelConfiguration = field(default_factory=ModelConfiguration)
    """What is set for the model."""

    @property
    def told(self) -> str | None:
        """What a person should know once it is done."""
        if self.runtime != LINK:
            return self.note
        return ": ".join(filter(None, (_LINKED, self.note)))


class UnsuitedError(RefusedError):
    """A runtime that is not there, or does not load such a model; another may."""

    def __init__(self, message: str, *, hint: str | None = None, why: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.why = why or message
        """The same for a person who did not ask for this runtime."""


def weights_of(parts: Collection[Need]) -> tuple[Need, ...]:
    """Of the parts of a need, the weights alone."""
    return tuple(part for part in parts if part.part.startswith("weights"))
