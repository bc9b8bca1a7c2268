"""LoRA adapters in the layout of PEFT: which tensors of a model they change, and by how much.

A layer `x` gets `x.weight + scale * B A` of its `lora_A` and `lora_B`, with
`scale = alpha / r`, or `alpha / sqrt(r)` where the adapter is rank-stabilised: PEFT,
`tuners/lora/layer.py`, `update_layer` and `get_delta_weight`. `r` is the rank of that very layer.
"""

from __future__ import annotations

import math
import re
from typing import Any

from .files import open_file
from .process import Failure, Message
from .regions import Regions

CHUNK_BYTES = 64 * 1024 * 1024
PART = re.compile(
    r"(?:base_model\.model\.)?(?P<layer>.+)\.lora_(?P<embedding>embedding_)?(?P<side>[AB])"
    r"(?:\.default)?(?:\.weight)?"
)
"""How PEFT names what it saves: `utils/save_and_load.py`, `get_peft_model_state_dict`."""


class Addition:
    """What adapters add to one tensor."""

    def __init__(self, shape: Any) -> None:
        self._rows = shape[0]
        self._width = math.prod(shape[1:])
        self._terms: list[tuple[Any, Any, float]] = []

    def take(self, left: Any, right: Any, scale: float) -> bool:
        """Add the product of two matrices; false where its shape is not the tensor's."""
        fits: bool = (
            left.dim() == right.dim() == 2
            and left.shape[0] == self._rows
            and right.shape[1] == self._width
            and left.shape[1] == right.shape[0]
        )
        if fits:
            self._terms.append((left, right, scale))
        return fits

    def into(self, torch: Any, source: Any, sink: Any) -> None:
        """Write the source with the additions to the sink, calculated there in single precision."""
        wide = torch.float64 if source.dtype == torch.float64 else torch.float32

        def there(tensor: Any) -> Any:
            return tensor.to(sink.device, wide)

        terms = [(there(left), there(right), scale) for left, right, scale in self._terms]
        source, sink = source.reshape(self._rows, -1), sink.view(self._rows, -1)
        step = max(CHUNK_BYTES // (self._width * wide.itemsize), 1)
        for start in range(0, self._rows, step):
            rows = slice(start, start + step)
            total = source[rows].to(sink.device, wide, copy=True)
            for left, right, scale in terms:
                total.addmm_(left[rows], right, alpha=scale)
            sink[rows].copy_(total)


def additions_of(torch: Any, adapters: list[Message], tensors: Message) -> dict[str, Addition]:
    """What adapters add to each tensor of a model that they change, by its name.

    Args:
        torch: the module.
        adapters: each with `name`, `file`, `alpha`, `alphas` (by the end of a layer's name),
            `rank_stabilized` and `transposed` (of layers that keep their weights the other way).
        tensors: of the model, by name.
    """
    found: dict[str, Addition] = {}
    layers = Layers(tensors)
    for adapter in adapters:
        for (layer, embedding), sides in parts_of(torch, adapter).items():
            name = layers.tensor_of(layer)
            if name is None:
                raise refused(adapter, f"the model has no layer {layer[:100]}")
            base = tensors[name]
            if not base.is_floating_point() or base.element_size() < 2 or base.dim() < 1:
                word = str(base.dtype).partition(".")[2]
                raise refused(adapter, f"nothing can be added to {name[:100]}, which is {word}")
            if len(sides) != 2:
                raise refused(adapter, f"one of A and B is missing for {layer[:100]}")
            first, second = sides["A"], sides["B"]
            scale = scale_of(adapter, layer, first.shape[0] if first.dim() else 0)
            left, right = flat(second), flat(first)
            if embedding or adapter["transposed"]:
                left, right = right.T, left.T
            addition = found.setdefault(name, Addition(base.shape))
            if not addition.take(left, right, scale):
                shapes = f"{tuple(second.shape)} and {tuple(first.shape)} for {tuple(base.shape)}"
                raise refused(adapter, f"its shapes do not fit {name[:100]}: {shapes}")
    return found


class Layers:
    """The tensors of a model by the names of its layers.

    An adapter of a model with a head names the body too, as in `bert.encoder`, which weights of
    the body alone leave out; and the other way round.
    """

    def __init__(self, tensors: Message) -> None:
        # The components of a pipeline are folders here, and a part of the name for an adapter.
        self._names = {name.replace("/", "."): name for name in tensors}
        self._inner: dict[str, list[str]] = {}
        for name, own in self._names.items():
            self._inner.setdefault(name.partition(".")[2], []).append(own)

    def tensor_of(self, layer: str) -> str | None:
        """The name of a layer's weights."""
        wanted = f"{layer}.weight"
        inner = self._names.get(wanted.partition(".")[2])
        longer = self._inner.get(wanted, [])
        return self._names.get(wanted) or inner or (longer[0] if len(longer) == 1 else None)


def parts_of(torch: Any, adapter: Message) -> dict[tuple[str, bool], dict[str, Any]]:
    """The tensors of an adapter by layer, whether that is an embedding, and side."""
    found: dict[tuple[str, bool], dict[str, Any]] = {}
    for key, tensor in open_file(torch, adapter["file"], False, Regions()):
        match = PART.fullmatch(key)
        if match is None or not tensor.is_floating_point():
            raise refused(adapter, f"{key[:100]} is no part of a LoRA that can be added to weights")
        layer = found.setdefault((match["layer"], match["embedding"] is not None), {})
        if layer.setdefault(match["side"], tensor) is not tensor:
            raise refused(adapter, f"{key[:100]} is there twice")
    if not found:
        raise refused(adapter, "there is nothing in it")
    return found


def scale_of(adapter: Message, layer: str, rank: int) -> float:
    """By what a product is multiplied."""
    alpha = adapter["alpha"]
    for ending, own in adapter["alphas"].items():
        if layer == ending or layer.endswith(f".{ending}"):
            alpha = own
    return float(alpha) / max(math.sqrt(rank) if adapter["rank_stabilized"] else rank, 1)


def flat(tensor: Any) -> Any:
    """A convolution's part as a matrix."""
    return tensor.flatten(1) if tensor.dim() > 2 else tensor


def refused(adapter: Message, why: str) -> Failure:
    """The refusal of an adapter."""
    return Failure("refused", f"the adapter {adapter['name']} does not go with the model: {why}")
