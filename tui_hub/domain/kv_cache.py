"""The memory that a language model keeps for each token of its context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_MOST = 1_000_000
"""Beyond this a number in a configuration is a trick."""
_OTHER_KINDS = (
    "kv_lora_rank", "state_size", "ssm_cfg", "layers_block_type", "linear_num_value_heads",
    "attention.kv_lora_rank", "ssm.state_size", "wkv.head_size",
)  # fmt: skip
"""What configurations of latent attention and of recurrent layers carry; they keep less."""
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyValueCache:
    """What grouped-query attention keeps: keys and values of every layer.

    `layers · kv_heads · (key_length + value_length) · bytes_of_a_number` for each token, after
    "GQA: Training Generalized Multi-Query Transformer Models" (arXiv 2305.13245), as
    transformers and llama.cpp allocate it. Layers that look back over a window only keep less.
    """

    bytes_per_token: int
    context: int
    """The longest context that the model takes, in tokens."""
    windowed: bool = False
    """Whether some layers look back over a window only, which is not taken off."""

    def bytes(self, tokens: int) -> int:
        """Bytes for a context of so many tokens."""
        return self.bytes_per_token * tokens


def cache_from_config(config: Mapping[str, object]) -> KeyValueCache | None:
    """What a transformers `config.json` tells; `None` for other kinds of attention."""
    inner = config.get("text_config")
    flat = {**config, **inner} if isinstance(inner, Mapping) else config
    if any(flat.get(name) for name in _OTHER_KINDS) or flat.get("is_encoder_decoder"):
        return None
    kinds = flat.get("layer_types")
    named = set(map(str, kinds)) if isinstance(kinds, list) else set()
    if named - {"full_attention", "sliding_attention"}:
        return None
    heads = _number(flat, "num_attention_heads")
    hidden = _number(flat, "hidden_size")
    layers = _number(flat, "num_hidden_layers")
    context = _number(flat, "max_position_embeddings")
    length = _number(flat, "head_dim") or (hidden // heads if hidden and heads else None)
    kv_heads = _number(flat, "num_key_value_heads") or heads
    if not (layers and kv_heads and length and context):
        return None
    number = _BYTES.get(str(flat.get("dtype") or flat.get("torch_dtype")), 2)
    return KeyValueCache(
        bytes_per_token=layers * kv_heads * 2 * length * number,
        context=context,
        windowed="sliding_attention" in named,
    )


def cache_from_gguf(metadata: Mapping[str, object]) -> KeyValueCache | None:
    """What a GGUF header tells (`<architecture>.*` of `docs/gguf.md`); numbers are 16 bits wide."""
    prefix = f"{metadata.get('general.architecture')}."
    told = {
        key.removeprefix(prefix): value for key, value in metadata.items() if key.startswith(prefix)
    }
    if any(told.get(name) for name in _OTHER_KINDS):
        return None
    heads = _number(told, "attention.head_count")
    hidden = _number(told, "embedding_length")
    layers = _number(told, "block_count")
    context = _number(told, "context_length")
    length = hidden // heads if hidden and heads else None
    keys = _number(told, "attention.key_length") or length
    values = _number(told, "attention.value_length") or length
    grouped = _grouped(told.get("attention.head_count_kv", heads), layers)
    if not (grouped and keys and values and context):
        return None
    return KeyValueCache(
        bytes_per_token=grouped * (keys + values) * _BYTES["float16"],
        context=context,
        windowed=_number(told, "attention.sliding_window") is not None,
    )


def _grouped(heads: object, layers: int | None) -> int | None:
    """Heads of all layers together; GGUF tells one number for all of them, or one for each."""
    if isinstance(heads, tuple):
        small = all(isinstance(one, int) and 0 <= one <= _MOST for one in heads)
        return sum(heads) if small else None
    whole = isinstance(heads, int) and 0 < heads <= _MOST
    return heads * layers if whole and layers and isinstance(heads, int) else None


def _number(told: Mapping[str, object], name: str) -> int | None:
    """A count that makes sense; a configuration is foreign text."""
    value = told.get(name)
    counts = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST
    return value if counts and isinstance(value, int) else None
