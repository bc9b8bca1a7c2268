"""GGUF version 3: magic, counts, typed metadata, tensor table, aligned data.

Format: `docs/gguf.md` of ggml; type numbers: `ggml.h`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from tui_hub.demo.content import Bytes, Content, Joined, Weights
from tui_hub.demo.formats.tensors import Decoder, Tensor
from tui_hub.domain.frozen import dataclass

_ALIGNMENT = 32

Value = str | int | float | bool | Sequence[str] | Sequence[int] | Sequence[float]


@dataclass(frozen=True, slots=True)
class _Type:
    """How a number type is stored: its number in ggml, and blocks of values in bytes."""

    number: int
    values: int
    size: int


_TYPES = {
    "F32": _Type(0, 1, 4),
    "F16": _Type(1, 1, 2),
    "Q4_0": _Type(2, 32, 18),
    "Q8_0": _Type(8, 32, 34),
    "Q4_K": _Type(12, 256, 144),
    "Q5_K": _Type(13, 256, 176),
    "Q6_K": _Type(14, 256, 210),
    "BF16": _Type(30, 1, 2),
}

QUANTISATIONS = {
    "F16": (1, "F16", "F16"),
    "Q4_0": (2, "Q4_0", "Q4_0"),
    "Q8_0": (7, "Q8_0", "Q8_0"),
    "Q4_K_M": (15, "Q4_K", "Q6_K"),
    "Q5_K_M": (17, "Q5_K", "Q6_K"),
    "Q6_K": (18, "Q6_K", "Q6_K"),
}
"""Name: `general.file_type`, the type of most tensors, and of those that are kept finer."""

_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def gguf(
    metadata: Mapping[str, Value], tensors: Sequence[tuple[str, Tensor]], seed: str
) -> Content:
    """One file with these tensors, each with the type that it is stored in."""
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    head += b"".join(_text(key) + _value(value) for key, value in metadata.items())
    data: list[Content] = []
    position = 0
    for kind, tensor in tensors:
        size = _stored(kind, tensor)
        shape = tuple(reversed(tensor.shape))
        head += _text(tensor.name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        head += struct.pack("<IQ", _TYPES[kind].number, position)
        data += [Weights(kind, size, f"{seed}/{tensor.name}"), Bytes(bytes(-size % _ALIGNMENT))]
        position += size + -size % _ALIGNMENT
    return Joined([Bytes(head + bytes(-len(head) % _ALIGNMENT)), *data])


def decoder_gguf(decoder: Decoder, quantisation: str, name: str, tokens: Sequence[str]) -> Content:
    """A language model in one of the common quantisations. Norms stay in 32 bits."""
    file_type, most, fine = QUANTISATIONS[quantisation]
    metadata: dict[str, Value] = {
        "general.architecture": "llama",
        "general.name": name,
        "general.file_type": file_type,
        "general.quantization_version": 2,
        "llama.context_length": decoder.context,
        "llama.embedding_length": decoder.hidden,
        "llama.block_count": decoder.layers,
        "llama.feed_forward_length": decoder.intermediate,
        "llama.attention.head_count": decoder.heads,
        "llama.attention.head_count_kv": decoder.kv_heads,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": decoder.hidden // decoder.heads,
        "llama.rope.freq_base": 10000.0,
        "llama.vocab_size": decoder.vocabulary,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * len(tokens),
        "tokenizer.ggml.token_type": [3 if token.startswith("<") else 1 for token in tokens],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    named = [Tensor(_ggml_name(one.name), one.shape) for one in decoder.tensors("F32")]
    typed = [(_kind(tensor, most, fine), tensor) for tensor in named]
    return gguf(metadata, typed, f"{name}-{quantisation}")


def _kind(tensor: Tensor, most: str, fine: str) -> str:
    if len(tensor.shape) == 1:
        return "F32"
    finer = ("token_embd", "attn_v", "ffn_down")
    return fine if any(part in tensor.name for part in finer) else most


def _ggml_name(name: str) -> str:
    """`model.layers.0.self_attn.q_proj.weight` → `blk.0.attn_q.weight`."""
    if name.startswith("model.layers."):
        number, _, rest = name.removeprefix("model.layers.").partition(".")
        return f"blk.{number}.{_LAYER[rest.removesuffix('.weight')]}.weight"
    return "output_norm.weight" if "norm" in name else "token_embd.weight"


def _stored(kind: str, tensor: Tensor) -> int:
    stored = _TYPES[kind]
    return tensor.count // stored.values * stored.size


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Value) -> bytes:
    """A metadata value behind its type number."""
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value[0], str):
        items = b"".join(_text(str(item)) for item in value)
        return struct.pack("<IIQ", 9, 8, len(value)) + items
    number, code = (5, "i") if isinstance(value[0], int) else (6, "f")
    return struct.pack(f"<IIQ{len(value)}{code}", 9, number, len(value), *value)
