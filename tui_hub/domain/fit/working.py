"""What a model takes while it works, beside weights and caches: one formula for each kind of model.

The counts behind the formulas are those of `tests/real/count_working.py`: the bytes of all tensors
that live at once, as diffusers 0.42 and transformers 5.23 make them. The workspaces of libraries
belong to the runtime. What an activation here really took replaces none of this: it loads weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tui_hub.domain.architectures import Architecture
from tui_hub.domain.fit.needs import ACTIVATIONS, Basis, Need
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.numbers import grouped

_READS = 512
"""Tokens that a model reads which does not say how many it takes."""


class Working(Protocol):
    """What a model takes while it works."""

    def need(self, tokens: int | None, batch: int) -> Need:
        """The part of the need.

        Args:
            tokens: of context, where the model has one.
            batch: sequences, images or clips at the same time.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensWorking:
    """A transformer: values between its layers, and the words that it chooses from."""

    architecture: Architecture
    width: int | None = None
    """Bytes of a number, where it is not loaded as it was published."""

    def need(self, tokens: int | None, batch: int) -> Need:
        """The widest point of a layer, for as many tokens as are worked on at a time."""
        told = self.architecture
        # One that only reads takes as much as it can at once.
        tokens = tokens or told.context or _READS
        count = told.working_bytes(tokens, batch, self.width)
        at_once = min(tokens, told.step)
        words = f"{grouped(told.values)} numbers of each of {grouped(at_once)} tokens at a time"
        if told.vocabulary:
            words += f", and {grouped(told.vocabulary)} words to choose from"
        return _estimate(count, f"{told.file}: {words}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturesWorking:
    """A picture or a clip: the last layers of the decoder, which work on every pixel."""

    wide: int
    high: int
    frames: int = 1
    """Those that the decoder works on at once."""
    numbers: int
    """Numbers for each pixel of each of these frames."""
    width: int = 2
    """Bytes of a number."""
    decoder: str = "decoder"

    def need(self, tokens: int | None, batch: int) -> Need:
        """What decoding takes; the steps before it take less, and are over by then."""
        count = self.wide * self.high * self.frames * self.numbers * self.width * batch
        frames = f", {self.frames} frames at a time" if self.frames > 1 else ""
        words = (
            f"{self.decoder} decodes {self.wide} x {self.high}{frames}: "
            f"{grouped(self.numbers)} numbers of {self.width} bytes for each pixel"
        )
        return _estimate(count, words)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundWorking:
    """Sound out of a decoder whose last layers work on every sample."""

    seconds: int
    rate: int
    """Samples a second."""
    each: int
    """Bytes for each sample."""
    decoder: str

    def need(self, tokens: int | None, batch: int) -> Need:
        """What decoding takes."""
        count = self.seconds * self.rate * self.each * batch
        words = f"{self.decoder} decodes {self.seconds} s of {grouped(self.rate)} Hz: "
        return _estimate(count, f"{words}{grouped(self.each)} bytes for each sample")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareWorking:
    """A model of which no more is known than what it weighs."""

    weights: int
    percent: int
    least: int
    why: str

    def need(self, tokens: int | None, batch: int) -> Need:
        """A part of the weights, and something at the least."""
        count = max(self.weights * self.percent // 100, self.least) * batch
        return _estimate(count, self.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class TogetherWorking:
    """A model whose parts work one after the other: the one that takes most counts."""

    parts: tuple[Working, ...]

    def need(self, tokens: int | None, batch: int) -> Need:
        """The largest need of them."""
        return max((part.need(tokens, batch) for part in self.parts), key=lambda one: one.bytes)


def told(config: Mapping[str, object], name: str, default: int = 0) -> int:
    """A count out of a foreign configuration, or something else where there is none."""
    value = config.get(name)
    counts = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 100_000
    return value if counts and isinstance(value, int) else default


def _estimate(count: int, words: str) -> Need:
    return Need(part=ACTIVATIONS, bytes=count, basis=Basis.ESTIMATE, source=words)
