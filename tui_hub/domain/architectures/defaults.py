"""What configurations leave out because it is the default of their model's class.

Repositories of vision models often name no more of their language model than its type. The figures
are those of transformers' configuration classes; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping

DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "cohere2": {"sliding_window": 4096},
    "falcon": {"max_position_embeddings": 2048},
    "gemma": {"head_dim": 256},
    "gemma2": {"head_dim": 256, "sliding_window": 4096},
    "gemma3_text": {
        "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
        "max_position_embeddings": 131_072, "sliding_window": 4096, "vocab_size": 262_208,
    },
    "gemma3n_text": {
        "num_hidden_layers": 35, "num_attention_heads": 8, "num_key_value_heads": 2,
        "head_dim": 256, "hidden_size": 2048, "max_position_embeddings": 32_768,
        "sliding_window": 512, "num_kv_shared_layers": 15, "vocab_size": 262_400,
    },
    "gemma4_text": {
        "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
        "max_position_embeddings": 131_072, "sliding_window": 512, "vocab_size": 262_144,
    },
    "gpt_oss": {"sliding_window": 128, "head_dim": 64, "max_position_embeddings": 131_072},
    "llama": {
        "num_hidden_layers": 32, "num_attention_heads": 32, "hidden_size": 4096,
        "intermediate_size": 11_008, "max_position_embeddings": 2048, "vocab_size": 32_000,
    },
    "llama4_text": {
        "num_hidden_layers": 48, "num_attention_heads": 40, "num_key_value_heads": 8,
        "head_dim": 128, "hidden_size": 5120, "attention_chunk_size": 8192,
    },
    "mistral": {
        "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
        "hidden_size": 4096, "intermediate_size": 14_336, "max_position_embeddings": 131_072,
        "vocab_size": 32_000,
    },
    "qwen2": {"use_sliding_window": False, "max_window_layers": 28},
    "qwen2_moe": {"use_sliding_window": False, "max_window_layers": 28},
    "qwen3": {"use_sliding_window": False, "max_window_layers": 28},
    "qwen3_moe": {"use_sliding_window": False},
    "recurrent_gemma": {"conv1d_width": 4},
}  # fmt: skip
"""By the `model_type` of the language model."""
