"""Which layers of a model look back at everything, which at a window, and which keep a state."""

from __future__ import annotations

from enum import Enum, auto

from tui_hub.domain.architectures.reading import Told, count, items, number, part


class Kind(Enum):
    """What one layer keeps of a context."""

    FULL = auto()
    """Keys and values of all tokens."""
    WINDOW = auto()
    """Keys and values of the last tokens."""
    STATE = auto()
    """A state that does not grow: Mamba, linear attention and their like."""
    CONVOLUTION = auto()
    """The last few inputs of a short convolution."""
    BOTH = auto()
    """Keys and values of all tokens, and a state."""
    NOTHING = auto()


_NAMES = {
    "full_attention": Kind.FULL, "attention": Kind.FULL, "global_attention": Kind.FULL,
    "indexed_attention": Kind.FULL, "deepseek_sparse_attention": Kind.FULL,
    "sliding_attention": Kind.WINDOW, "chunked_attention": Kind.WINDOW,
    "local_attention": Kind.WINDOW,
    "linear_attention": Kind.STATE, "mamba": Kind.STATE, "mamba2": Kind.STATE,
    "recurrent": Kind.STATE,
    "conv": Kind.CONVOLUTION, "hybrid": Kind.BOTH,
    "moe": Kind.NOTHING, "mlp": Kind.NOTHING,
}  # fmt: skip
"""The words of `layer_types` and `layers_block_type` in transformers."""
_LETTERS = {"M": Kind.STATE, "*": Kind.FULL, "-": Kind.NOTHING, "E": Kind.NOTHING}
"""The letters of Nemotron-H's `hybrid_override_pattern`."""
_ALIKE = {
    "falcon_h1": Kind.BOTH, "mamba": Kind.STATE, "mamba2": Kind.STATE, "falcon_mamba": Kind.STATE,
}  # fmt: skip
"""Models all layers of which are of one kind that nothing in their configuration names."""
_PERIODS = {
    "gemma2": 2, "gemma3": 6, "gemma3_text": 6, "gemma3n": 5, "gemma3n_text": 5, "cohere2": 4,
    "gpt_oss": 2, "exaone4": 4, "olmo3": 4, "llama4": 4, "llama4_text": 4,
}  # fmt: skip
"""Every so many layers one looks back at everything, where their configuration does not say."""
_LINEAR_PERIODS = {"qwen3_next": 4, "qwen3_5_text": 4, "qwen3_5_moe_text": 4}
"""The same for models whose other layers keep a state."""


def layer_kinds(told: Told, layers: int) -> tuple[Kind, ...] | None:
    """The kind of each layer, by the rules of transformers' configurations.

    Args:
        told: the configuration of the language model.
        layers: how many there are.

    Returns:
        `None` where it names a kind that is not known here.
    """
    for name in ("layer_types", "layers_block_type", "block_types"):
        named = items(told, name)
        if named:
            return _named(named, layers, repeats=name == "block_types")
    pattern = told.get("hybrid_override_pattern")
    if isinstance(pattern, str):
        return _told([_LETTERS.get(letter) for letter in pattern[:layers]], layers)
    return _listed(told, layers) or _periodic(told, layers)


def _named(named: list[object], layers: int, *, repeats: bool) -> tuple[Kind, ...] | None:
    kinds = [_NAMES.get(str(name)) for name in named]
    if repeats:
        # RecurrentGemma's attention looks back over a window only.
        kinds = [Kind.WINDOW if kind is Kind.FULL else kind for kind in kinds]
        kinds = (kinds * (layers // len(kinds) + 1))[:layers]
    return _told(kinds, layers)


def _told(kinds: list[Kind | None], layers: int) -> tuple[Kind, ...] | None:
    whole = [kind for kind in kinds if kind is not None]
    return tuple(whole) if len(whole) == len(kinds) == layers else None


def _listed(told: Told, layers: int) -> tuple[Kind, ...] | None:
    """Where a configuration lists the layers with attention, all others keep a state."""
    linear = part(told, "linear_attn_config")
    if linear:
        # Kimi Linear counts its layers from one.
        full = {count(one) for one in items(linear, "full_attn_layers")}
        return tuple(Kind.FULL if at + 1 in full else Kind.STATE for at in range(layers))
    if items(told, "attn_type_list"):
        flags = [count(one) for one in items(told, "attn_type_list")]
        return _told([Kind.FULL if flag else Kind.STATE for flag in flags], layers)
    for name, other in (("attn_layer_indices", Kind.STATE), ("full_attn_idxs", Kind.CONVOLUTION)):
        if items(told, name):
            full = {count(one) for one in items(told, name)}
            return tuple(Kind.FULL if at in full else other for at in range(layers))
    period = number(told, "attn_layer_period")
    if period:
        offset = count(told.get("attn_layer_offset")) or 0
        return tuple(Kind.FULL if at % period == offset else Kind.STATE for at in range(layers))
    return None


def _periodic(told: Told, layers: int) -> tuple[Kind, ...] | None:
    model = str(told.get("model_type"))
    if model in _ALIKE:
        return (_ALIKE[model],) * layers
    linear = number(told, "full_attention_interval") or _LINEAR_PERIODS.get(model)
    if linear:
        return _every(linear, layers, Kind.STATE)
    if window_of(told) is None:
        return (Kind.FULL,) * layers
    pattern = told.get("sliding_window_pattern")
    if isinstance(pattern, str) and set(pattern) <= {"L", "G"} and pattern:
        # EXAONE 4 writes out one period, and its last layer is global.
        kinds = [Kind.FULL if pattern[at % len(pattern)] == "G" else Kind.WINDOW
                 for at in range(layers)]  # fmt: skip
        return (*kinds[:-1], Kind.FULL)
    period = number(told, "sliding_window_pattern") or _PERIODS.get(model)
    if period:
        return _every(period, layers, Kind.WINDOW)
    from_layer = number(told, "max_window_layers")
    if from_layer and told.get("use_sliding_window"):
        return tuple(Kind.FULL if at < from_layer else Kind.WINDOW for at in range(layers))
    return (Kind.WINDOW,) * layers


def _every(period: int, layers: int, other: Kind) -> tuple[Kind, ...]:
    return tuple(Kind.FULL if (at + 1) % period == 0 else other for at in range(layers))


def window_of(told: Told) -> int | None:
    """The tokens that layers with a window look back at; `None` where there is no window."""
    if told.get("use_sliding_window") is False:
        return None
    return number(told, "sliding_window", "attention_chunk_size", "attention_window_size")
