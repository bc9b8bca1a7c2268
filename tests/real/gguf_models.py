"""MiniLM's real weights as a GGUF file, as llama.cpp's own converter lays them out.

Names and keys: `gguf-py/gguf/constants.py`, and `BertModel` of llama.cpp's `convert_hf_to_gguf.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFWriter, PoolingType
from safetensors.numpy import load_file

_TOP = {
    "embeddings.word_embeddings.weight": "token_embd.weight",
    "embeddings.position_embeddings.weight": "position_embd.weight",
    "embeddings.token_type_embeddings.weight": "token_types.weight",
    "embeddings.LayerNorm": "token_embd_norm",
}
_LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_NORMAL, _CONTROL = 1, 3
"""Kinds of tokens, by `gguf.TokenType`."""


def write_bert(folder: Path, target: Path, *, half: bool) -> None:
    """Write a BERT of a folder as transformers has it into a GGUF file.

    Args:
        folder: with `config.json`, `tokenizer.json` and `model.safetensors`.
        target: the file.
        half: whether matrices are written in 16 bits.
    """
    config = json.loads((folder / "config.json").read_text())
    writer = GGUFWriter(target, "bert")
    writer.add_name(folder.name)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(PoolingType.MEAN)
    writer.add_file_type(1 if half else 0)
    _add_tokens(writer, json.loads((folder / "tokenizer.json").read_text()))
    for name, tensor in load_file(folder / "model.safetensors").items():
        called = _name(name)
        if called is not None:
            narrow = half and tensor.ndim == 2 and called.startswith("blk.")
            writer.add_tensor(called, tensor.astype(np.float16 if narrow else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokens(writer: GGUFWriter, tokenizer: dict[str, Any]) -> None:
    """The words of WordPiece: what begins one carries the mark of a blank."""
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    special = {one["content"] for one in tokenizer["added_tokens"]}
    words = sorted(vocabulary, key=vocabulary.__getitem__)
    tokens = [
        word
        if word in special or (word.startswith("[") and word.endswith("]"))
        else word.removeprefix("##")
        if word.startswith("##")
        else f"▁{word}"
        for word in words
    ]
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([_CONTROL if word in special else _NORMAL for word in words])
    writer.add_token_type_count(2)
    writer.add_bos_token_id(vocabulary["[CLS]"])
    writer.add_eos_token_id(vocabulary["[SEP]"])
    writer.add_unk_token_id(vocabulary["[UNK]"])
    writer.add_sep_token_id(vocabulary["[SEP]"])
    writer.add_pad_token_id(vocabulary["[PAD]"])
    writer.add_mask_token_id(vocabulary["[MASK]"])


def _name(name: str) -> str | None:
    """A tensor's name in GGUF; `None` for what makes no embedding."""
    for ours, theirs in _TOP.items():
        if name.startswith(ours):
            return name.replace(ours, theirs, 1)
    if not name.startswith("encoder.layer."):
        return None
    number, _, rest = name.removeprefix("encoder.layer.").partition(".")
    part, _, kind = rest.rpartition(".")
    return f"blk.{number}.{_LAYER[part]}.{kind}"
