"""LoRA adapters, added to weights as they are loaded: against the product calculated by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from weight_files import write_header

from tui_hub.runtime.torch_child import adapters
from tui_hub.runtime.torch_child.loading import load
from tui_hub.runtime.torch_child.process import Failure

pytestmark = pytest.mark.filterwarnings("ignore:The given buffer is not writable")

PREFIX = "base_model.model."


def base() -> dict[str, torch.Tensor]:
    """Layers of all kinds that PEFT adapts, as a model with a head names them."""
    torch.manual_seed(3)
    return {
        "bert.embeddings.words.weight": torch.randn(30, 8),
        "bert.layer.0.query.weight": torch.randn(12, 8),
        "bert.layer.0.query.bias": torch.randn(12),
        "bert.layer.0.value.weight": torch.randn(12, 8),
        "bert.pool.weight": torch.randn(6, 4, 3, 3),
    }


def pair(layer: str, rows: int, width: int, rank: int = 2) -> dict[str, torch.Tensor]:
    """An adapter's two parts for one layer, as PEFT saves them."""
    return {
        f"{PREFIX}{layer}.lora_A.weight": torch.randn(rank, width),
        f"{PREFIX}{layer}.lora_B.weight": torch.randn(rows, rank),
    }


def adapter(folder: Path, tensors: dict[str, torch.Tensor], **more: Any) -> dict[str, Any]:
    """An adapter as the runtime is told of it."""
    path = folder / f"adapter-{len(list(folder.iterdir()))}.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    told = {"alpha": 4.0, "alphas": {}, "rank_stabilized": False, "transposed": False}
    return {"name": "hf:acme/lora", "file": str(path), **told, **more}


def loaded(
    folder: Path, weights: dict[str, torch.Tensor], *told: dict[str, Any], dtype: str = ""
) -> dict[str, torch.Tensor]:
    """The weights as they stand in memory, with adapters."""
    path = folder / "model.safetensors"
    save_file(weights, path)
    request = {
        "files": [str(path)], "device": "cpu", "dtype": dtype, "consent": False,
        "adapters": list(told),
    }  # fmt: skip
    found, figures = load(torch, request, lambda _: None)
    assert figures["adapted"] == sum(
        not tensor.equal(weights[name].to(tensor.dtype)) for name, tensor in found.tensors.items()
    )
    return found.tensors


def product(parts: dict[str, torch.Tensor], layer: str) -> torch.Tensor:
    first, second = (parts[f"{PREFIX}{layer}.lora_{side}.weight"] for side in "AB")
    return second.flatten(1) @ first.flatten(1)


def test_a_product_is_added_to_its_layer_alone(tmp_path: Path) -> None:
    layer, weights = "bert.layer.0.query", base()
    parts = pair(layer, 12, 8)
    found = loaded(tmp_path, weights, adapter(tmp_path, parts))
    expected = weights[f"{layer}.weight"] + 4 / 2 * product(parts, layer)
    torch.testing.assert_close(found.pop(f"{layer}.weight"), expected)
    assert all(tensor.equal(weights[name]) for name, tensor in found.items())


def test_scales_are_those_of_peft(tmp_path: Path) -> None:
    query, value = "bert.layer.0.query", "bert.layer.0.value"
    parts = pair(query, 12, 8, rank=4) | pair(value, 12, 8, rank=3)
    weights = base()
    found = loaded(
        tmp_path,
        weights,
        adapter(tmp_path, parts, alpha=8.0, alphas={"value": 5.0}),
        adapter(tmp_path, parts, alpha=1.0, rank_stabilized=True),
    )
    torch.testing.assert_close(
        found[f"{query}.weight"],
        weights[f"{query}.weight"] + (8 / 4 + 1 / math.sqrt(4)) * product(parts, query),
    )
    torch.testing.assert_close(
        found[f"{value}.weight"],
        weights[f"{value}.weight"] + (5 / 3 + 1 / math.sqrt(3)) * product(parts, value),
    )


def test_embeddings_convolutions_and_transposed_layers(tmp_path: Path) -> None:
    weights, words, pool = base(), "bert.embeddings.words", "bert.pool"
    first, second = torch.randn(2, 30), torch.randn(8, 2)
    names = [f"{PREFIX}{words}.lora_embedding_{side}" for side in "AB"]
    embedding = dict(zip(names, (first, second), strict=True))
    convolution = {
        f"{PREFIX}{pool}.lora_A.weight": torch.randn(2, 4, 3, 3),
        f"{PREFIX}{pool}.lora_B.weight": torch.randn(6, 2, 1, 1),
    }
    turned = pair("bert.layer.0.value", 8, 12)
    found = loaded(
        tmp_path,
        weights,
        adapter(tmp_path, embedding | convolution, alpha=1.0),
        adapter(tmp_path, turned, transposed=True),
    )
    torch.testing.assert_close(
        found[f"{words}.weight"], weights[f"{words}.weight"] + (second @ first).T / 2
    )
    added = product(convolution, pool).view(6, 4, 3, 3) / 2
    torch.testing.assert_close(found[f"{pool}.weight"], weights[f"{pool}.weight"] + added)
    value = "bert.layer.0.value"
    torch.testing.assert_close(
        found[f"{value}.weight"], weights[f"{value}.weight"] + 2 * product(turned, value).T
    )


def test_what_is_added_is_rounded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a tensor goes in several chunks of rows."""
    monkeypatch.setattr(adapters, "CHUNK_BYTES", 5 * 8 * 4)
    layer, weights = "bert.layer.0.query", base()
    parts = pair(layer, 12, 8)
    found = loaded(tmp_path, weights, adapter(tmp_path, parts), dtype="bfloat16")
    whole = weights[f"{layer}.weight"] + 2 * product(parts, layer)
    assert found[f"{layer}.weight"].equal(whole.bfloat16())


@pytest.mark.parametrize("layer", ["layer.0.query", "model.bert.layer.0.query"])
def test_a_body_and_a_model_with_a_head_have_the_same_layers(tmp_path: Path, layer: str) -> None:
    weights = base()
    parts = pair(layer, 12, 8)
    found = loaded(tmp_path, weights, adapter(tmp_path, parts))
    expected = weights["bert.layer.0.query.weight"] + 2 * product(parts, layer)
    torch.testing.assert_close(found["bert.layer.0.query.weight"], expected)


def test_a_component_of_a_pipeline_is_meant_by_its_folder() -> None:
    layers = adapters.Layers({"unet/down.0.q.weight": 1, "vae/down.0.q.weight": 2})
    assert layers.tensor_of("unet.down.0.q") == "unet/down.0.q.weight"
    assert layers.tensor_of("down.0.q") is None, "there are two"


QUERY = "bert.layer.0.query"
WRONG: dict[str, tuple[dict[str, torch.Tensor], str]] = {
    "another layer": (pair("bert.layer.9.query", 12, 8), "no layer bert.layer.9.query"),
    "another width": (pair(QUERY, 12, 9), r"do not fit .*\(12, 2\) and \(2, 9\) for \(12, 8\)"),
    "other rows": (pair(QUERY, 8, 12), "do not fit"),
    "one side": (
        {f"{PREFIX}{QUERY}.lora_A.weight": torch.ones(2, 8)},
        "one of A and B is missing for bert.layer.0.query",
    ),
    "no matrix": (
        {f"{PREFIX}{QUERY}.lora_{side}.weight": torch.ones(1) for side in "AB"},
        "do not fit",
    ),
    "a scalar": (
        {f"{PREFIX}{QUERY}.lora_{side}.weight": torch.tensor(1.0) for side in "AB"},
        "do not fit",
    ),
    "a whole layer": (
        pair(QUERY, 12, 8) | {f"{PREFIX}classifier.weight": torch.ones(2, 2)},
        "classifier.weight is no part of a LoRA",
    ),
    "DoRA": (
        pair(QUERY, 12, 8) | {f"{PREFIX}{QUERY}.lora_magnitude_vector": torch.ones(12)},
        "lora_magnitude_vector is no part of a LoRA",
    ),
    "whole numbers": (
        {name: tensor.int() for name, tensor in pair(QUERY, 12, 8).items()},
        "is no part of a LoRA",
    ),
    "the same layer twice": (
        pair(QUERY, 12, 8) | {f"{PREFIX}{QUERY}.lora_A.default.weight": torch.ones(2, 8)},
        "is there twice",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_go_with_the_model_is_refused(tmp_path: Path, case: str) -> None:
    tensors, reason = WRONG[case]
    with pytest.raises(Failure, match=reason) as raised:
        loaded(tmp_path, base(), adapter(tmp_path, tensors))
    assert raised.value.answer["kind"] == "refused"
    assert "the adapter hf:acme/lora does not go with the model" in str(raised.value)


def test_nothing_is_added_to_what_is_no_plain_float(tmp_path: Path) -> None:
    weights = {"q.weight": torch.ones(4, 4, dtype=torch.int8)}
    with pytest.raises(Failure, match=r"nothing can be added to q.weight, which is int8"):
        loaded(tmp_path, weights, adapter(tmp_path, pair("q", 4, 4)))


def test_an_adapter_in_a_pickle_or_without_anything_is_refused(tmp_path: Path) -> None:
    told = adapter(tmp_path, pair(QUERY, 12, 8))
    torch.save(pair(QUERY, 12, 8), tmp_path / "adapter_model.bin")
    with pytest.raises(Failure, match="is a pickle"):
        loaded(tmp_path, base(), {**told, "file": str(tmp_path / "adapter_model.bin")})
    nothing = write_header(tmp_path / "nothing.safetensors", b"{}")
    with pytest.raises(Failure, match="there is nothing in it"):
        loaded(tmp_path, base(), {**told, "file": nothing})


def test_an_adapter_of_what_is_no_number_fails_the_self_test(tmp_path: Path) -> None:
    parts = {name: tensor * math.nan for name, tensor in pair(QUERY, 12, 8).items()}
    with pytest.raises(Failure, match=r"the tensor bert.layer.0.query.weight holds NaN"):
        loaded(tmp_path, base(), adapter(tmp_path, parts))
