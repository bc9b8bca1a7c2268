"""What configurations tell of a model's memory, against what transformers really keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_hub.domain.architectures import (
    Architecture,
    CacheLayers,
    from_config,
    from_gguf,
    generates,
    reader_from_config,
)
from tui_hub.domain.architectures.defaults import DEFAULTS

GIB = 1024**3
FOLDER = Path(__file__).parent / "architectures"
COUNTED = json.loads((FOLDER / "counted.json").read_text())
"""Made by `tests/real/count_architectures.py`, which says with which versions."""
MODELS = sorted(COUNTED["models"])


def published(name: str) -> dict[str, object]:
    """The published `config.json` of a model."""
    return dict(json.loads((FOLDER / f"{name}.json").read_text()))


def test_the_table_is_of_every_model_and_says_who_made_it() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {*MODELS, "counted"}
    assert set(COUNTED["made_with"]) == {"transformers", "torch"}
    assert len(MODELS) >= 10


@pytest.mark.parametrize("name", MODELS)
def test_the_cache_is_what_transformers_keeps(name: str) -> None:
    told = from_config(published(name))
    assert told is not None
    counts = COUNTED["models"][name]["cache"]
    assert counts
    for tokens, batch, kept in counts:
        assert told.cache_bytes(tokens, batch) == pytest.approx(kept, rel=0.01)


def test_windows_are_told_from_whole_contexts() -> None:
    def groups(name: str) -> list[tuple[int, int | None]]:
        told = from_config(published(name))
        assert told is not None
        return sorted(((one.count, one.window) for one in told.layers), key=str)

    assert groups("llama-3-8b") == [(32, None)]
    assert groups("mistral-7b-v0.1") == [(32, 4096)]
    assert groups("gemma-2-9b-it") == [(21, 4096), (21, None)]
    assert groups("gemma-3-4b-it") == [(29, 1024), (5, None)]
    assert groups("qwen2.5-7b") == [(28, None)]
    assert groups("gpt-oss-20b") == [(12, 128), (12, None)]
    assert groups("llama-4-scout") == [(12, None), (36, 8192)]
    assert groups("jamba-v0.1") == [(4, None)]
    assert groups("mamba-2.8b") == []


def test_the_words_say_what_is_counted() -> None:
    gemma, jamba = from_config(published("gemma-3-4b-it")), from_config(published("jamba-v0.1"))
    assert gemma is not None
    assert gemma.cache_words(8192) == (
        "config.json: 5 layers keep 2 048 numbers of all 8 192 tokens; "
        "29 layers keep 2 048 numbers of the last 1 024 tokens"
    )
    assert gemma.context == 131_072
    assert jamba is not None
    assert "4 layers keep 2 048 numbers" in jamba.cache_words(100)
    assert "recurrent layers keep" in jamba.cache_words(100)


def test_the_cache_of_llama_3_8b_is_a_gibibyte_at_8k() -> None:
    told = from_config(published("llama-3-8b"))
    assert told is not None
    assert told.cache_bytes(8192) == GIB
    assert told.cache_bytes(8192, 4) == 4 * GIB
    assert told.cache_bytes(8192, width=4) == 2 * GIB
    nested = from_config({"text_config": published("llama-3-8b"), "model_type": "llava"})
    assert nested == told
    assert from_config({"text_config": {"model_type": "llama"}, "dtype": "float16"}) is not None


HEADER = {
    "general.architecture": "llama", "llama.block_count": 32, "llama.context_length": 131072,
    "llama.attention.head_count": 32, "llama.attention.head_count_kv": 8,
    "llama.embedding_length": 4096, "llama.feed_forward_length": 14336,
}  # fmt: skip


def test_a_gguf_header_tells_the_same() -> None:
    told = from_gguf(HEADER, 128_256)
    assert told is not None
    assert told.cache_bytes(8192) == GIB
    # llama.cpp's own words for this model: "CUDA0 compute buffer size = 258.50 MiB".
    assert told.working_bytes(8192) == 258.5 * 1024**2
    assert told.working_bytes(8192, 4) == told.working_bytes(8192)
    assert told.working_bytes(16) == told.working_bytes(512) // 32


def header(**keys: object) -> dict[str, object]:
    """The keys of a header, dots for double underscores."""
    name = str(keys.pop("name", "x"))
    told = {f"{name}.{key.replace('__', '.')}": value for key, value in keys.items()}
    return {"general.architecture": name, **told}


def kept(told: Mapping[str, object], tokens: int) -> int | None:
    """Bytes that a header says are kept."""
    found = from_gguf(told)
    return None if found is None else found.cache_bytes(tokens)


ATTENTION = {
    "block_count": 4, "context_length": 4096, "attention__head_count": 8, "embedding_length": 512,
    "attention__head_count_kv": 2, "attention__key_length": 64, "attention__value_length": 32,
}  # fmt: skip
TOKEN = 2 * (64 + 32) * 2


def test_gguf_windows_are_a_step_longer_than_they_say() -> None:
    gemma = {**ATTENTION, "attention__sliding_window": 512, "block_count": 6}
    tokens = 4096
    assert kept(header(name="llama", **gemma), tokens) == 6 * TOKEN * tokens
    assert kept(header(name="gemma3", **gemma), tokens) == TOKEN * (tokens + 5 * 1024)
    assert kept(header(name="gemma2", **gemma), tokens) == TOKEN * (3 * tokens + 3 * 1024)
    pattern = {**gemma, "attention__sliding_window_pattern": (True, True, False)}
    assert kept(header(**pattern), tokens) == TOKEN * (2 * tokens + 4 * 1024)
    assert kept(header(**pattern), 700) == TOKEN * 6 * 700


def test_gguf_heads_by_layer_shared_layers_and_latents() -> None:
    listed = {**ATTENTION, "attention__head_count_kv": (2, 4, 2, 4)}
    assert kept(header(**listed), 10) == 6 * TOKEN * 10
    shared = {**ATTENTION, "attention__shared_kv_layers": 3}
    assert kept(header(**shared), 10) == TOKEN * 10
    latent = {
        "block_count": 27, "attention__head_count": 16, "attention__head_count_kv": 1,
        "attention__key_length": 576, "attention__value_length": 512, "embedding_length": 2048,
        "attention__key_length_mla": 192, "attention__value_length_mla": 128,
    }  # fmt: skip
    assert kept(header(name="deepseek2", **latent), 1000) == 27 * 576 * 2 * 1000


def test_gguf_states_do_not_grow() -> None:
    ssm = {"ssm__conv_kernel": 4, "ssm__inner_size": 1024, "ssm__state_size": 16}
    state = 4 * (3 * 1024 + 1024 * 16)
    mamba = {"block_count": 4, "embedding_length": 512, **ssm}
    assert kept(header(name="mamba", **mamba), 5) == 4 * state
    assert kept(header(name="mamba", **mamba), 5000) == 4 * state
    hybrid = {**ATTENTION, **ssm, "attention__head_count_kv": (0, 0, 2, 0)}
    assert kept(header(name="jamba", **hybrid), 100) == 3 * state + TOKEN * 100
    grouped = 4 * (3 * (1024 + 2 * 2 * 16) + 1024 * 16)
    both = {**ATTENTION, **ssm, "ssm__group_count": 2}
    assert kept(header(name="falcon-h1", **both), 100) == 4 * (grouped + TOKEN * 100)
    period = {**both, "block_count": 8}
    assert kept(header(name="qwen3next", **period), 100) == 6 * grouped + 2 * TOKEN * 100
    short = {**ATTENTION, "attention__head_count_kv": (0, 2, 0, 2), "shortconv__l_cache": 3}
    assert kept(header(name="lfm2", **short), 100) == 2 * 4 * 512 * 2 + 2 * TOKEN * 100
    rwkv = {"block_count": 4, "embedding_length": 512, "wkv__head_size": 64}
    assert kept(header(name="rwkv7", **rwkv), 100) == 4 * 4 * 512 * (2 + 64)
    assert kept(header(kda__head_dim=128, **ATTENTION), 100) is None
    assert kept(header(**{**ATTENTION, "attention__head_count_kv": (0, 0, 0, 0)}), 1) is None


LLAMA = published("llama-3-8b")


@pytest.mark.parametrize(
    "other",
    [
        {"layer_types": ["linear_attention"] * 32}, {"layer_types": ["full_attention"]},
        {"layer_types": ["seen_from_afar"] * 32}, {"num_hidden_layers": 2**31},
        {"num_hidden_layers": 20_000}, {"num_hidden_layers": "32"}, {"num_hidden_layers": True},
        {"num_attention_heads": 0, "num_key_value_heads": 0, "hidden_size": 0},
        {"hidden_size": -1}, {"block_configs": [1] * 32}, {"num_key_value_heads": [8] * 31},
        {"hybrid_override_pattern": "M?" * 16}, {"layer_types": ["mamba"] * 32},
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_guessed(other: dict[str, object]) -> None:
    # The class of Llama has defaults for what is missing; no class is named here.
    assert from_config({**LLAMA, "model_type": "unheard_of", **other}) is None


def test_layers_that_were_chosen_one_by_one() -> None:
    heads = from_config({**LLAMA, "num_key_value_heads_per_layer": [4] * 16 + [1] * 16})
    assert heads is not None
    assert {(one.count, one.numbers) for one in heads.layers} == {(16, 1024), (16, 256)}
    blocks = [{"attention": {"no_op": True}}, {"attention": {"n_heads_in_group": 16}}] * 16
    puzzle = from_config({**LLAMA, "block_configs": blocks})
    assert puzzle is not None
    assert [(one.count, one.numbers) for one in puzzle.layers] == [(16, 512)]
    shared = from_config({**LLAMA, "num_kv_shared_layers": 20})
    assert shared is not None
    assert [one.count for one in shared.layers] == [12]
    wide = from_config({
        **LLAMA, "global_head_dim": 512, "num_global_key_value_heads": 2, "attention_k_eq_v": True,
        "sliding_window": 1024, "sliding_window_pattern": 2,
    })  # fmt: skip
    assert wide is not None
    assert {(one.numbers, one.window) for one in wide.layers} == {(2048, None), (2048, 1024)}


def test_who_writes_keeps_and_who_reads_does_not() -> None:
    assert generates(LLAMA) is True
    assert generates({"architectures": ["BertForMaskedLM"]}) is False
    assert generates({}) is None
    reader = reader_from_config({**LLAMA, "architectures": ["LlamaModel"]})
    assert reader is not None
    assert not reader.keeps
    assert reader.cache_bytes(8192) == 0
    assert reader.working_bytes(512) == 512 * (4 * 4096 + 3 * 14336) * 2
    vision = {
        "model_type": "vit", "hidden_size": 768, "num_hidden_layers": 12, "image_size": 224,
        "num_attention_heads": 12, "intermediate_size": 3072, "patch_size": 16,
    }  # fmt: skip
    picture = reader_from_config(vision)
    assert picture is not None
    assert picture.context == 197


@pytest.mark.parametrize("kind", sorted(DEFAULTS))
def test_what_is_taken_for_granted_is_what_the_class_says(kind: str) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.CONFIG_MAPPING[kind]
    fields = {name: getattr(theirs, name, None) for name in DEFAULTS[kind]}
    assert fields == DEFAULTS[kind]


KEYS = [*LLAMA, "head_dim", "layer_types", "text_config", "dtype", "sliding_window", "block_types",
        "hybrid_override_pattern", "kv_lora_rank", "linear_attn_config", "is_encoder_decoder",
        "num_kv_shared_layers", "block_configs", "attn_type_list", "mamba_d_state", "d_kv",
        "sliding_window_pattern", "decoder", "attn_layer_period", "full_attn_idxs"]  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.integers() | st.floats() | st.booleans() | st.text("M*-LG01", max_size=9),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.sampled_from("ab"), inner),
)


@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING))
def test_any_configuration_is_survived(config: dict[str, object]) -> None:
    told = from_config(json.loads(json.dumps({**LLAMA, **config})))
    assert told is None or (told.keeps and told.cache_bytes(1) > 0)


@given(st.dictionaries(
    st.sampled_from([*HEADER, "llama.attention.sliding_window_pattern", "llama.ssm.inner_size",
                     "llama.attention.sliding_window", "llama.full_attention_interval",
                     "llama.nextn_predict_layers", "llama.wkv.head_size"]),
    ANYTHING | st.tuples(st.integers(), st.booleans()),
))  # fmt: skip
def test_any_header_is_survived(keys: dict[str, object]) -> None:
    told = from_gguf({**HEADER, **keys})
    assert told is None or told.cache_bytes(1) >= 0


def test_a_cache_of_nothing_is_nothing() -> None:
    empty = Architecture()
    assert not empty.keeps
    assert empty.cache_bytes(100) == 0
    assert CacheLayers(count=1, numbers=1, window=5).tokens(9) == 5
