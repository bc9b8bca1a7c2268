"""Count what transformers keeps in memory for real configurations, on the meta device.

`python tests/real/count_architectures.py` makes `tests/domain/architectures/counted.json` anew. It
needs transformers and torch, takes some minutes, and loads no weights.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
import transformers

FOLDER = Path(__file__).parent.parent / "domain" / "architectures"
TABLE = FOLDER / "counted.json"
TOKENS = ((1000, 1), (10_000, 2))
"""Tokens and sequences; the second go beyond most windows."""
RECURRENT = ((48, 1), (96, 2))
"""The same where transformers goes through the tokens one by one."""
WRITTEN = ((100, 1), (448, 2))
"""The same where no more can be written."""
KEPT = ("keys", "values", "indexer_keys", "conv_states", "recurrent_states", "conv1d_state")


def configurations() -> Iterator[tuple[str, dict[str, object]]]:
    """The names of the models, and their published `config.json`."""
    for path in sorted(FOLDER.glob("*.json")):
        if path != TABLE:
            yield path.stem, json.loads(path.read_text())


def build(config: dict[str, object]) -> transformers.PreTrainedModel:
    """The model without weights."""
    return build_on("meta", config)


def build_on(device: str, config: dict[str, object]) -> transformers.PreTrainedModel:
    """The model on a device."""
    told = dict(config)
    known = transformers.AutoConfig.for_model(**told)
    kind = getattr(transformers, str(config["architectures"][0]))  # type: ignore[index]
    dtype = getattr(torch, str(config.get("torch_dtype", "float32")))
    with torch.device(device):
        return kind._from_config(known, dtype=dtype).eval()


def weights(model: transformers.PreTrainedModel) -> dict[str, torch.Tensor]:
    """The tensors that a file of it holds; those that are shared, once."""
    found: dict[int, tuple[str, torch.Tensor]] = {}
    for name, one in model.state_dict().items():
        found.setdefault(one.untyped_storage()._cdata, (name, one))
    return dict(found.values())


def kept(model: transformers.PreTrainedModel, tokens: int, batch: int) -> int:
    """Bytes that its cache has after so many tokens."""
    ids = torch.zeros((batch, tokens), dtype=torch.long, device="meta")
    asked: dict[str, object] = {"use_cache": True}
    if model.config.is_encoder_decoder:
        asked["decoder_input_ids"] = ids
        if hasattr(model.config, "num_mel_bins"):
            frames = 2 * model.config.max_source_positions
            shape = (batch, model.config.num_mel_bins, frames)
            asked["input_features"] = torch.zeros(shape, dtype=model.dtype, device="meta")
        else:
            asked["input_ids"] = ids
    else:
        cache = transformers.DynamicCache(config=model.config)
        name = "cache_params" if "mamba" in model.config.model_type else "past_key_values"
        asked |= {"input_ids": ids, "logits_to_keep": 1, name: cache}
    with torch.no_grad():
        answer = model(**asked)
    cache = asked.get("cache_params", asked.get("past_key_values"))
    if cache is None:
        cache = answer.past_key_values
    halves = [cache]
    if isinstance(cache, transformers.EncoderDecoderCache):
        halves = [cache.self_attention_cache, cache.cross_attention_cache]
    layers = [layer for half in halves for layer in half.layers]
    return sum(size for one in (*layers, *model.modules()) for size in sizes(one))


def sizes(layer: object) -> Iterator[int]:
    """Bytes of each tensor that a layer of the cache keeps, or a module by itself."""
    found = [getattr(layer, name, None) for name in KEPT]
    for states in [one for one in found if isinstance(one, dict)]:
        found += list(states.values())
    for tensor in found:
        if isinstance(tensor, torch.Tensor):
            yield tensor.numel() * tensor.element_size()


def lengths(config: dict[str, object]) -> tuple[tuple[int, int], ...]:
    """The tokens and sequences to count for: few where layers take them one by one."""
    if any(word in key for key in config for word in ("mamba", "ssm_", "lru_", "state_size")):
        return RECURRENT
    return WRITTEN if "max_target_positions" in config else TOKENS


def count() -> None:
    """Count all, and write the table."""
    counted: dict[str, object] = {}
    for name, config in configurations():
        model = build(config)
        found = weights(model)
        entry = {
            "weights": sum(one.numel() * one.element_size() for one in found.values()),
            "tensors": len(found),
            "cache": [
                [tokens, batch, kept(model, tokens, batch)] for tokens, batch in lengths(config)
            ],
        }
        counted[name] = entry
        print(name, entry, file=sys.stderr)
    made = {"transformers": transformers.__version__, "torch": torch.__version__.partition("+")[0]}
    TABLE.write_text(json.dumps({"made_with": made, "models": counted}, indent=2) + "\n")


if __name__ == "__main__":
    count()
