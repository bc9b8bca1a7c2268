"""The architecture of a language model by its transformers `config.json`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tui_hub.domain.architectures.defaults import DEFAULTS
from tui_hub.domain.architectures.kinds import Kind, layer_kinds, window_of
from tui_hub.domain.architectures.memory import Architecture, CacheLayers
from tui_hub.domain.architectures.reading import Told, count, items, number, part
from tui_hub.domain.architectures.states import State, convolution_of, state_of

_INNER = ("text_config", "llm_config", "language_config", "thinker_config", "decoder", "lm_config")
"""Under which models of several parts keep the configuration of their language model."""
_WIDTHS = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
_GENERATES = re.compile(r"CausalLM|ConditionalGeneration|LMHead|Seq2Seq|GenerationDecoder|ForText")
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_HIDDEN = ("hidden_size", "n_embd", "d_model", "model_dim")
_CONTEXT = (
    "max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "seq_length",
    "max_context_length", "n_ctx",
)  # fmt: skip
_KEY_VALUE_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv", "kv_n_heads")
_INNER_SIZES = (
    "intermediate_size", "ffn_dim", "d_ff", "n_inner", "ffn_hidden_size", "decoder_ffn_dim",
    "feed_forward_size", "inner_hidden_size",
)  # fmt: skip


def generates(config: Told) -> bool | None:
    """Whether the model writes on from a context; `None` where its configuration does not say."""
    names = [str(name) for name in items(config, "architectures")]
    return any(_GENERATES.search(name) for name in names) if names else None


def from_config(config: Told) -> Architecture | None:
    """What a transformers `config.json` tells of its language model.

    Returns:
        `None` where it does not tell enough, or of a kind of attention that is not known here.
    """
    told = _language_model(config)
    seq2seq = told.get("is_encoder_decoder") is True and not part(config, "decoder")
    kept = _encoder_decoder(told) if seq2seq else _decoder(told)
    if kept is None:
        return None
    layers, state = kept
    dtype = told.get("dtype") or told.get("torch_dtype")
    # Those who say nothing are from the time when all was published in 32 bits.
    width = 4 if dtype is None else _WIDTHS.get(str(dtype), 2)
    context = number(told, *(("max_target_positions",) if seq2seq else ()), *_CONTEXT)
    hidden = number(told, *_HIDDEN) or 0
    return Architecture(
        layers=layers,
        state=state.numbers,
        state_float32=state.float32,
        width=width,
        context=context or _patches(told),
        values=_values(told, hidden),
        vocabulary=number(told, "vocab_size", "padded_vocab_size") or 0,
    )


def reader_from_config(config: Told) -> Architecture | None:
    """The same of a model that reads and does not write on: it keeps nothing for later.

    Returns:
        `None` where it does not tell enough.
    """
    found = from_config(config)
    if found is None:
        return None
    return replace(found, layers=(), state=0, state_float32=0, vocabulary=0)


def _language_model(config: Told, depth: int = 0) -> Told:
    """The keys of the language model alone, with what its class takes for granted."""
    inner = part(config, *_INNER)
    if inner and depth < 4:
        beside = {key: config[key] for key in ("dtype", "torch_dtype") if key in config}
        return _language_model({**beside, **inner}, depth + 1)
    nested = part(config, "attn_config", "ffn_config")
    return {**DEFAULTS.get(str(config.get("model_type")), {}), **nested, **config}


def _decoder(told: Told) -> tuple[tuple[CacheLayers, ...], State] | None:
    layers = number(told, *_LAYERS)
    if layers is None or layers > 10_000:
        return None
    kinds = layer_kinds(told, layers)
    if kinds is None:
        return None
    shared = count(told.get("num_kv_shared_layers")) or 0
    kinds = (*kinds[: max(layers - shared, 0)], *(Kind.NOTHING,) * min(shared, layers))
    full = _numbers_by_layer(told, layers, kinds)
    state, convolution = state_of(told), convolution_of(told)
    counted: Counter[tuple[int, int | None]] = Counter()
    numbers = wide = 0
    for kind, kept in zip(kinds, full, strict=True):
        if kind in (Kind.FULL, Kind.WINDOW, Kind.BOTH):
            if kept is None:
                return None
            counted[kept, window_of(told) if kind is Kind.WINDOW else None] += kept > 0
        if kind in (Kind.STATE, Kind.BOTH, Kind.CONVOLUTION):
            one = convolution if kind is Kind.CONVOLUTION else state
            if one is None:
                return None
            numbers, wide = numbers + one.numbers, wide + one.float32
    groups = tuple(
        CacheLayers(count=many, numbers=kept, window=window)
        for (kept, window), many in counted.items()
        if many
    )
    return (groups, State(numbers, wide)) if groups or numbers or wide else None


def _numbers_by_layer(told: Told, layers: int, kinds: Sequence[Kind]) -> list[int | None]:
    """Numbers that each layer keeps of one token: keys and values of its heads, or a latent."""
    latent = number(told, "kv_lora_rank")
    if latent:
        # DeepSeek's multi-head latent attention (arXiv 2405.04434): one latent for all heads, the
        # rotated part of the keys, and the keys of an indexer where there is one.
        rotated = number(told, "qk_rope_head_dim") or 0
        return [latent + rotated + (number(told, "index_head_dim") or 0)] * layers
    heads, hidden = number(told, *_HEADS), number(told, *_HIDDEN)
    length = number(told, "head_dim", "attention_head_dim", "kv_channels")
    if length is None:
        length = hidden // heads if hidden and heads else None
    by_layer = _heads_by_layer(told, layers, heads)
    if length is None or by_layer is None:
        return [None] * layers
    values = number(told, "v_head_dim") or length
    found: list[int | None] = [many * (length + values) for many in by_layer]
    wide = number(told, "global_head_dim")
    if wide:
        # Gemma 4 has other heads where it looks back at everything.
        alike = told.get("attention_k_eq_v") is True
        many = number(told, "num_global_key_value_heads") if alike else None
        found = [
            (many or by_layer[at]) * 2 * wide if kind is Kind.FULL else found[at]
            for at, kind in enumerate(kinds)
        ]
    return found


def _heads_by_layer(told: Told, layers: int, heads: int | None) -> list[int] | None:
    """Key-value heads of each layer: grouped, one for all (arXiv 1911.02150), or as many."""
    for name in ("num_key_value_heads_per_layer", "num_kv_heads", "num_key_value_heads"):
        listed = [count(one) for one in items(told, name)]
        whole = [one for one in listed if one is not None]
        if listed:
            return whole if len(whole) == len(listed) == layers else None
    blocks = items(told, "block_configs")
    if blocks:
        return _heads_of_blocks(blocks, layers, heads)
    one = told.get("multi_query") is True and told.get("new_decoder_architecture") is not True
    grouped = number(told, "multi_query_group_num") if told.get("multi_query_attention") else None
    many = 1 if one else grouped or number(told, *_KEY_VALUE_HEADS) or heads
    return None if many is None else [many] * layers


def _heads_of_blocks(blocks: Sequence[object], layers: int, heads: int | None) -> list[int] | None:
    """The same of models whose layers were chosen one by one, as Nemotron's smaller Llamas."""
    found = []
    for block in blocks:
        attention = part(block, "attention") if isinstance(block, dict) else {}
        group = number(attention, "n_heads_in_group")
        idle = attention.get("no_op") is True or attention.get("replace_with_linear") is True
        if not idle and not (group and heads):
            return None
        found.append(0 if idle or not group or not heads else heads // group)
    return found if len(found) == layers else None


def _encoder_decoder(told: Told) -> tuple[tuple[CacheLayers, ...], State] | None:
    """The decoder keeps keys and values of what it wrote, and of what the encoder read."""
    layers = number(told, "decoder_layers", "num_decoder_layers", *_LAYERS)
    heads = number(told, "decoder_attention_heads", *_HEADS)
    hidden = number(told, *_HIDDEN)
    length = number(told, "d_kv", "head_dim") or (hidden // heads if hidden and heads else None)
    if not (layers and heads and length):
        return None
    numbers = 2 * heads * length
    written = CacheLayers(count=layers, numbers=numbers)
    heard = number(told, "max_source_positions")
    if heard:
        # Whisper's encoder always gives as much, however little was said.
        return (written,), State(layers * numbers * heard)
    return (CacheLayers(count=2 * layers, numbers=numbers),), State(0)


def _patches(told: Told) -> int | None:
    """The tokens that a vision transformer makes of one picture."""
    side, patch = number(told, "image_size"), number(told, "patch_size")
    return (side // patch) ** 2 + 1 if side and patch else None


def _values(told: Told, hidden: int) -> int:
    """Numbers of one token at the widest point of a layer.

    The input with what is added to it, a normalised copy, and what attention gave; then what comes
    out of both gates and their product. Experts get copies of their own. Counted on the meta device
    for the models of the tests.
    """
    dense = number(told, *_INNER_SIZES) or 4 * hidden
    used = number(told, "num_experts_per_tok", "num_experts_per_token", "moe_topk") or 1
    each = number(told, "moe_intermediate_size", "moe_ffn_hidden_size")
    if not each:
        inner = dense * used
    else:
        shared = number(told, "shared_expert_intermediate_size") or each * (
            count(told.get("n_shared_experts")) or 0
        )
        inner = max(each * used + shared, dense)
    copies = 3 * used * hidden if used > 1 else 0
    return 4 * hidden + 3 * inner + copies
