"""What a language model keeps in memory of its context, and what one step of it takes."""

from __future__ import annotations

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.numbers import grouped


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLayers:
    """Layers that keep equally much of the context."""

    count: int
    numbers: int
    """Keys and values, or what stands for them, of one token in one layer."""
    window: int | None = None
    """Tokens that they look back at most; `None` is all of them."""

    def tokens(self, context: int) -> int:
        """How many tokens of a context one of them keeps."""
        return context if self.window is None else min(context, self.window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The figures of a model that decide what it needs besides its weights."""

    layers: tuple[CacheLayers, ...] = ()
    """Those that keep something of every token; those that keep nothing are left out."""
    state: int = 0
    """Numbers that recurrent layers keep of a sequence, however long it is."""
    state_float32: int = 0
    """The same where they are 32 bits wide whatever the model's type is."""
    width: int = 2
    """Bytes of a number of the cache, by the type that the model was published in."""
    context: int | None = None
    """The longest context that the model takes, in tokens; `None` where it is not told."""
    values: int = 0
    """Numbers of one token that are at hand at the widest point of a step; 0 is not known."""
    value_width: int = 0
    """Bytes of each of those; 0 takes `width`."""
    vocabulary: int = 0
    """Numbers that a step ends with for each sequence, 32 bits wide."""
    step: int = 2048
    """Tokens of a long input that are worked on at a time, vLLM's usual number."""
    shared_step: bool = False
    """Whether all sequences together have so many tokens of a step, or each of them."""
    file: str = "config.json"
    """Where the figures are from."""

    @property
    def keeps(self) -> bool:
        """Whether anything is kept of a context at all."""
        return bool(self.layers or self.state or self.state_float32)

    def cache_bytes(self, tokens: int, batch: int = 1, width: int | None = None) -> int:
        """Bytes that are kept of some sequences.

        Keys and values of the tokens that each layer looks back at, and the states of recurrent
        layers: as transformers, vLLM and llama.cpp allocate them.

        Args:
            tokens: of the context of each sequence.
            batch: sequences at the same time.
            width: bytes of a number; without it as the model was published.
        """
        growing = sum(one.count * one.numbers * one.tokens(tokens) for one in self.layers)
        return batch * ((growing + self.state) * (width or self.width) + self.state_float32 * 4)

    def cache_words(self, tokens: int) -> str:
        """Where the bytes of the cache come from: layers, tokens and numbers."""
        words = []
        for one in sorted(self.layers, key=lambda one: (one.window is not None, -one.count)):
            kept = one.tokens(tokens)
            what = "all" if kept == tokens else "the last"
            layers = "1 layer keeps" if one.count == 1 else f"{one.count} layers keep"
            words.append(
                f"{layers} {grouped(one.numbers)} numbers of {what} {grouped(kept)} tokens"
            )
        if self.state or self.state_float32:
            words.append(
                f"recurrent layers keep {grouped(self.state + self.state_float32)} numbers"
            )
        return f"{self.file}: {'; '.join(words)}"

    def working_bytes(self, tokens: int, batch: int = 1, width: int | None = None) -> int:
        """Bytes that a step takes beside weights and cache: values between layers, and the end.

        Layers reuse the same memory, so that the widest point of one of them counts.

        Args:
            tokens: of the context of each sequence.
            batch: sequences at the same time.
            width: bytes of a number; without it as the model was published.
        """
        at_once = min(tokens, self.step) * batch
        if self.shared_step:
            at_once = min(tokens * batch, self.step)
        each = self.values * (self.value_width or width or self.width)
        return at_once * each + batch * self.vocabulary * 4
