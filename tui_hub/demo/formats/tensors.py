"""The tensors of small made-up networks, under the names that loaders look for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tui_hub.domain.frozen import dataclass

BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8,
    "I64": 64, "I32": 32, "I8": 8, "U8": 8, "BOOL": 8,
}  # fmt: skip
"""Bits of one number by the names of safetensors."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: its name, its shape as torch gives it, its number type."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "F32"

    @property
    def count(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes of it when it is stored plainly."""
        return self.count * BITS[self.dtype] // 8


@dataclass(frozen=True, slots=True)
class Decoder:
    """The shape of a decoder-only language model of the Llama kind."""

    layers: int
    hidden: int = 512
    intermediate: int = 1536
    heads: int = 8
    kv_heads: int = 2
    vocabulary: int = 1024
    context: int = 8192

    def tensors(self, dtype: str) -> list[Tensor]:
        """All tensors, the output tied to the input embedding."""
        return [
            Tensor("model.embed_tokens.weight", (self.vocabulary, self.hidden), dtype),
            *(tensor for layer in range(self.layers) for tensor in self._layer(layer, dtype)),
            Tensor("model.norm.weight", (self.hidden,), dtype),
        ]

    def _layer(self, number: int, dtype: str) -> list[Tensor]:
        keys = self.hidden // self.heads * self.kv_heads
        shapes = {
            "input_layernorm": (self.hidden,),
            "self_attn.q_proj": (self.hidden, self.hidden),
            "self_attn.k_proj": (keys, self.hidden),
            "self_attn.v_proj": (keys, self.hidden),
            "self_attn.o_proj": (self.hidden, self.hidden),
            "post_attention_layernorm": (self.hidden,),
            "mlp.gate_proj": (self.intermediate, self.hidden),
            "mlp.up_proj": (self.intermediate, self.hidden),
            "mlp.down_proj": (self.hidden, self.intermediate),
        }
        return [
            Tensor(f"model.layers.{number}.{name}.weight", shape, dtype)
            for name, shape in shapes.items()
        ]

    def config(self, dtype: str) -> dict[str, object]:
        """What `config.json` says of it."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.hidden // self.heads,
            "max_position_embeddings": self.context,
            "vocab_size": self.vocabulary,
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
            "tie_word_embeddings": True,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "torch_dtype": {"BF16": "bfloat16", "F16": "float16"}.get(dtype, "float32"),
        }


def stack(prefix: str, blocks: int, width: int, dtype: str = "F32") -> list[Tensor]:
    """A plain stack of square layers, for networks of which only the size matters."""
    return [
        tensor
        for block in range(blocks)
        for tensor in (
            Tensor(f"{prefix}.{block}.weight", (width, width), dtype),
            Tensor(f"{prefix}.{block}.bias", (width,), dtype),
        )
    ]


def parameters(tensors: Sequence[Tensor]) -> dict[str, int]:
    """Numbers by type, as the Hub counts them."""
    counted: dict[str, int] = {}
    for tensor in tensors:
        counted[tensor.dtype] = counted.get(tensor.dtype, 0) + tensor.count
    return counted
