"""The architecture of a language model by the header of its GGUF file, as llama.cpp runs it."""

from __future__ import annotations

from collections import Counter

from tui_hub.domain.architectures.memory import Architecture, CacheLayers
from tui_hub.domain.architectures.reading import Told, count, items, number

_STEP = 512
"""Tokens that llama.cpp works on at a time (`n_ubatch`)."""
_PAD = 256
"""Tokens to a whole number of which it makes its caches longer."""
_PERIODS = {
    "gemma2": 2, "gemma3": 6, "gemma3n": 5, "gemma4": 6, "cohere2": 4, "gpt-oss": 2, "exaone4": 4,
    "llama4": 4, "olmo2": 4, "smallthinker": 4,
}  # fmt: skip
"""Every so many layers one looks back at everything; other models' windows are not used."""
_LINEAR = {"qwen3next": 4, "qwen35": 4, "qwen35moe": 4}
"""Every so many layers one has attention, where the header does not say."""
_STATES = ("mamba", "mamba2", "rwkv6", "rwkv7", "rwkv6qwen2", "arwkv7")
_BOTH = ("falcon-h1",)
_UNKNOWN = ("kda.head_dim",)
"""Keys of layers whose states are not known here."""


def from_gguf(metadata: Told, vocabulary: int = 0) -> Architecture | None:
    """What a GGUF header tells (`<architecture>.*` of `docs/gguf.md`).

    Args:
        metadata: its keys.
        vocabulary: how many tokens its embedding knows.

    Returns:
        `None` where it does not tell enough.
    """
    name = str(metadata.get("general.architecture"))
    prefix = f"{name}."
    told = {
        key.removeprefix(prefix): value for key, value in metadata.items() if key.startswith(prefix)
    }
    layers = number(told, "block_count")
    if layers is None or layers > 10_000 or any(key in told for key in _UNKNOWN):
        return None
    layers -= count(told.get("nextn_predict_layers")) or 0
    heads = _heads(told, name, layers)
    if heads is None:
        return None
    grouped = _groups(told, name, heads)
    state = _state(told, name, heads)
    if grouped is None or state is None or not (grouped or state):
        return None
    hidden = number(told, "embedding_length") or 0
    forward = items(told, "feed_forward_length") or [told.get("feed_forward_length")]
    inner = max((count(one) or 0 for one in forward), default=0)
    vocabulary = vocabulary or number(told, "vocab_size") or 0
    return Architecture(
        layers=grouped,
        state_float32=state,
        context=number(told, "context_length"),
        # Its compute buffer has room for the words of a whole step, or for what is inside a layer.
        values=max(vocabulary, 2 * inner) + hidden,
        value_width=4,
        step=_STEP,
        shared_step=True,
        file="GGUF header",
    )


def _heads(told: Told, name: str, layers: int) -> list[int] | None:
    """Key-value heads of each layer; GGUF tells one number for all of them, or one for each."""
    if layers <= 0:
        return None
    if name in _STATES:
        return [0] * layers
    value = told.get("attention.head_count_kv", told.get("attention.head_count"))
    listed = [count(one) for one in value] if isinstance(value, tuple) else [count(value)] * layers
    whole = [one for one in listed if one is not None]
    if len(whole) < max(len(listed), layers):
        return None
    period = number(told, "full_attention_interval") or _LINEAR.get(name)
    shared = count(told.get("attention.shared_kv_layers")) or 0
    return [
        0 if (period and (at + 1) % period) or at >= layers - shared else many
        for at, many in enumerate(whole[:layers])
    ]


def _groups(told: Told, name: str, heads: list[int]) -> tuple[CacheLayers, ...] | None:
    queries = told.get("attention.head_count")
    many = number({"": max(queries) if isinstance(queries, tuple) and queries else queries}, "")
    hidden = number(told, "embedding_length")
    length = hidden // many if hidden and many else None
    keys = number(told, "attention.key_length") or length
    values = number(told, "attention.value_length") or length
    if any(heads) and not (keys and values):
        return None
    keys, values = keys or 0, values or 0
    if "attention.key_length_mla" in told:
        # The values are the first part of the keys, and are not kept twice.
        values = 0
    narrow = (number(told, "attention.key_length_swa") or keys) + (
        number(told, "attention.value_length_swa") or values
    )
    counted: Counter[tuple[int, int | None]] = Counter()
    for kept, window in zip(heads, _windows(told, name, len(heads)), strict=True):
        if kept:
            counted[kept * (keys + values if window is None else narrow), window] += 1
    return tuple(
        CacheLayers(count=layers, numbers=numbers, window=window)
        for (numbers, window), layers in counted.items()
    )


def _windows(told: Told, name: str, layers: int) -> list[int | None]:
    """The tokens that each layer keeps: its window and one step more, to a whole number of pads."""
    window = number(told, "attention.sliding_window", "attention.chunk_size")
    pattern = told.get("attention.sliding_window_pattern")
    period = _PERIODS.get(name) if not isinstance(pattern, int) else pattern or None
    if window is None or (period is None and not isinstance(pattern, tuple)):
        return [None] * layers
    kept = window + _STEP + -(window + _STEP) % _PAD
    if isinstance(pattern, tuple) and pattern:
        return [kept if pattern[at % len(pattern)] else None for at in range(layers)]
    return [kept if period and (at + 1) % period else None for at in range(layers)]


def _state(told: Told, name: str, heads: list[int]) -> int | None:
    """Numbers that recurrent layers keep, 32 bits wide; `None` where they cannot be told."""
    forward = items(told, "feed_forward_length")
    recurrent = (
        len(heads)
        if name in _BOTH
        else sum(
            not kept and not (at < len(forward) and forward[at]) if forward else not kept
            for at, kept in enumerate(heads)
        )
    )
    hidden = number(told, "embedding_length") or 0
    convolution = number(told, "shortconv.l_cache")
    if convolution:
        return recurrent * hidden * (convolution - 1)
    head = number(told, "wkv.head_size")
    if head:
        shifts = number(told, "token_shift_count") or 2
        return recurrent * hidden * (shifts + head)
    inner, size = number(told, "ssm.inner_size"), number(told, "ssm.state_size")
    kernel = number(told, "ssm.conv_kernel")
    if not (inner and size and kernel):
        # Without a state, layers with no heads of their own have no attention at all.
        return 0 if any(heads) and not any(key.startswith("ssm.") for key in told) else None
    groups = number(told, "ssm.group_count") or 0
    return recurrent * ((kernel - 1) * (inner + 2 * groups * size) + inner * size)
