"""What a person sets for one model: what loads it and where, and what its runtime is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, field, replace
from enum import StrEnum

from tui_hub.domain.consents import Consent
from tui_hub.domain.errors import UsageError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.runtime import COMMAND, DEVICE, DTYPES, OLLAMA, TORCH
from tui_hub.domain.types import ModelType

AUTO = "auto"
"""What suits: a runtime, a device, or the number types that the weights have."""
KEYS = ("runtime", "device", "dtype", "context", "variant", "adapters")
OPTION = "options."
"""What the keys of options begin with."""
Value = str | int

_MOST_CONTEXT = 2**31 - 1
_MOST_OPTIONS = 100
_MOST_ADAPTERS = 16
_LONGEST = 1000
_RUNTIME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_OPTION_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_INSTEAD = {"num_ctx": "context"}
"""Options that a key stands for already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfiguration:
    """How one model is to be loaded; what is not set the settings decide."""

    runtime: str | None = None
    """`auto`, `torch`, `ollama`, `link` or the name of a command."""
    device: str | None = None
    """`auto`, `cpu` or `cuda:N`, for torch."""
    dtype: str | None = None
    """What torch makes of floating weights; `auto` leaves them as they are."""
    context: int | None = None
    """Tokens of context, for Ollama and commands, and for what the cache is counted for."""
    variant: str | None = None
    adapters: tuple[str, ...] = ()
    """The ids of LoRA adapters that torch adds to the weights, in this order."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Whatever else the runtime is told, as it was typed."""

    @property
    def values(self) -> dict[str, Value]:
        """What is set, by the keys that a person types, in their order."""
        plain = asdict(self)
        plain["adapters"] = ",".join(self.adapters) or None
        found = {key: plain[key] for key in KEYS if plain[key] is not None}
        return found | {f"{OPTION}{name}": self.options[name] for name in sorted(self.options)}

    def dtype_over(self, setting: str) -> str:
        """What floating weights become, over what the settings say; empty leaves them."""
        return setting if self.dtype is None else "" if self.dtype == AUTO else self.dtype

    def differs(self, other: ModelConfiguration, runtime: str) -> bool:
        """Whether a runtime would load a model in another way by the other configuration."""
        if runtime == TORCH:
            then, now = ((one.device, one.dtype, one.adapters) for one in (self, other))
            return then != now
        if runtime in (OLLAMA, COMMAND):
            return (self.context, self.options) != (other.context, other.options)
        return False


class Origin(StrEnum):
    """Who decided on a value, in the order in which they win."""

    MODEL = "model"
    SETTINGS = "settings"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Effective:
    """A value that counts, and where it comes from."""

    value: Value | None
    """`None` is left to the runtime."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class ConfigurationVersion:
    """A model's configuration as it was from a moment on."""

    version: int
    at: str
    configuration: ModelConfiguration


def newest(versions: Sequence[ConfigurationVersion]) -> ModelConfiguration:
    """What counts, of versions that are sorted newest first; empty where nothing was ever set."""
    return versions[0].configuration if versions else ModelConfiguration()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationReport:
    """All that is to be told of a model's configuration."""

    model: str
    configuration: ModelConfiguration
    effective: Mapping[str, Effective]
    otherwise: Mapping[str, Effective] = field(default_factory=dict)
    """What would count if nothing was set for the model."""
    consents: tuple[Consent, ...] = ()
    """Its pickle files that somebody agreed to have loaded, weights only."""
    versions: tuple[ConfigurationVersion, ...] = ()
    """Newest first, which is the one that counts."""
    active: tuple[ModelType, ...] = ()
    """The slots that hold the model."""
    stale: tuple[ModelType, ...] = ()
    """Those of them that were loaded in another way than it says now."""
    notes: tuple[str, ...] = ()
    """What a person should know of the values, though they are allowed."""

    @property
    def version(self) -> int | None:
        """The number of the version that counts; `None` where nothing was ever set."""
        return self.versions[0].version if self.versions else None


def changed(
    before: ModelConfiguration, values: Mapping[str, str], unset: Iterable[str] = ()
) -> ModelConfiguration:
    """A configuration with some of its values set, and others taken out.

    Args:
        before: the configuration until now.
        values: what is set, by key, as it is typed.
        unset: keys to be taken out; `options` takes all of them out.

    Raises:
        UsageError: naming the key or value that is wrong, and what is allowed.
    """
    plain: dict[str, Value | tuple[str, ...] | None] = {}
    options = dict(before.options)
    for key in unset:
        if key == OPTION.rstrip("."):
            options.clear()
        elif name := _option(key):
            options.pop(name, None)
        else:
            plain[_known(key)] = () if key == "adapters" else None
    for key, given in values.items():
        if name := _option(key):
            options[name] = _option_value(key, given)
        else:
            plain[key] = _READ[_known(key)](given)
    if len(options) > _MOST_OPTIONS:
        raise UsageError(f"a model takes {_MOST_OPTIONS} options at most")
    return replace(before, options=options, **plain)  # type: ignore[arg-type]


def _known(key: str) -> str:
    if key not in KEYS:
        raise UsageError(
            f"{key[:80]!r} is no key of a configuration",
            hint=f"There are {', '.join(KEYS)} and {OPTION}NAME.",
        )
    return key


def _option(key: str) -> str | None:
    """The name of an option, where the key is one."""
    if not key.startswith(OPTION):
        return None
    name = key.removeprefix(OPTION)
    if not _OPTION_NAME.fullmatch(name):
        raise UsageError(
            f"{key[:80]!r} names no option",
            hint="A name is up to 64 letters, digits, '_' and '-', not beginning with a '-'.",
        )
    if name in _INSTEAD:
        raise UsageError(f"{key} is set as {_INSTEAD[name]!r}", hint=f"Say {_INSTEAD[name]}=VALUE.")
    return name


def _option_value(key: str, given: str) -> str:
    if len(given) > _LONGEST or not given.isprintable():
        raise UsageError(
            f"the value of {key} cannot be handed to a program",
            hint=f"Up to {_LONGEST} characters, each of which can be shown.",
        )
    return given


def _runtime(given: str) -> str:
    if not _RUNTIME.fullmatch(given):
        raise UsageError(
            f"{given[:80]!r} is no runtime",
            hint="There are auto, torch, ollama, link, and the commands of the settings.",
        )
    return given


def _device(given: str) -> str:
    if not DEVICE.fullmatch(given):
        raise UsageError(f"{given[:80]!r} is no device", hint="There are auto, cpu and cuda:N.")
    return given


def _dtype(given: str) -> str:
    if given not in (AUTO, *DTYPES):
        known = ", ".join(DTYPES)
        raise UsageError(
            f"{given[:80]!r} is no dtype that weights can have",
            hint=f"There are {known}, and auto, which leaves them as they are.",
        )
    return given


def _context(given: str) -> int:
    number = int(given) if given.isascii() and given.isdecimal() and len(given) <= 10 else 0
    if not 0 < number <= _MOST_CONTEXT:
        raise UsageError(
            f"{given[:80]!r} is no length of a context",
            hint="It is a whole number of tokens, 8192 for example.",
        )
    return number


def _variant(given: str) -> str:
    if not given.strip() or len(given) > _LONGEST or not given.isprintable():
        raise UsageError("that is no name of a variant", hint="`tui-hub show MODEL` lists them.")
    return given


def _adapters(given: str) -> tuple[str, ...]:
    try:
        found = tuple(str(ModelId.parse(one)) for one in given.split(","))
    except UsageError as error:
        raise UsageError(
            f"{given[:80]!r} names no adapters: {error.message}",
            hint="They are ids of models with commas between them: hf:org/name,hf:org/other.",
        ) from None
    if len(found) > _MOST_ADAPTERS or len(set(found)) < len(found):
        raise UsageError(f"a model takes {_MOST_ADAPTERS} adapters at most, and each of them once")
    return found


_READ: Mapping[str, Callable[[str], Value | tuple[str, ...]]] = {
    "runtime": _runtime,
    "device": _device,
    "dtype": _dtype,
    "context": _context,
    "variant": _variant,
    "adapters": _adapters,
}
