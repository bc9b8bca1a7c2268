"""Count what models take while they work, by the shapes of their tensors and without weights.

`PYTHONPATH=DIFFUSERS python tests/real/count_working.py` makes `tests/domain/working.json` anew. It
needs torch, transformers and diffusers, which need not be installed for anything else.
"""

from __future__ import annotations

import json
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import diffusers
import torch
import transformers
from count_architectures import FOLDER, build_on, sizes
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

TABLE = FOLDER.parent / "working.json"
LANGUAGE = ("llama-3-8b", "qwen3-8b", "phi-3-mini-4k", "mixtral-8x7b-v0.1", "qwen3-30b-a3b")
"""Models whose attention does not write its scores down where flash attention is at hand."""
TOKENS = 2048


class Living(TorchDispatchMode):
    """Adds up the storages that live at the same time; those known before count nothing."""

    def __init__(self, known: Iterable[torch.Tensor]) -> None:
        super().__init__()
        self._known = [tensor.untyped_storage() for tensor in known]
        self._sizes = {storage._cdata: 0 for storage in self._known}
        self.now = self.peak = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        made = function(*args, **(kwargs or {}))
        for tensor in tree_iter(made):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._sizes:
            return
        self._sizes[key] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self.now -= self._sizes.pop(key, 0)


def peak(make: Callable[[], torch.nn.Module], run: Callable[[torch.nn.Module], object]) -> int:
    """The most bytes that live while a model runs."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        torch.set_default_dtype(torch.bfloat16)
        try:
            model = make().eval()
            living = Living([*model.parameters(), *model.buffers()])
            with torch.no_grad(), living:
                run(model)
        finally:
            torch.set_default_dtype(torch.float32)
    return living.peak


def token_bytes(name: str) -> float:
    """Bytes for each token of a step, its keys and values left out."""
    config = json.loads((FOLDER / f"{name}.json").read_text())
    kept = 0

    def run(model: torch.nn.Module) -> None:
        nonlocal kept
        cache = transformers.DynamicCache(config=model.config)
        ids = torch.zeros((1, TOKENS), dtype=torch.long)
        model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        kept = sum(size for layer in cache.layers for size in sizes(layer))

    most = peak(lambda: build_on("cpu", config), run)
    return (most - kept) / TOKENS


def decoders() -> Mapping[str, int]:
    """What decoders of pictures and clips take for what they make, in 16 bits."""
    stable = {
        "down_block_types": ("DownEncoderBlock2D",) * 4, "latent_channels": 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4, "block_out_channels": (128, 256, 512, 512),
        "layers_per_block": 2,
    }  # fmt: skip
    cases: dict[str, tuple[Callable[[], torch.nn.Module], tuple[int, ...]]] = {
        "AutoencoderKL 512x512x1": (lambda: diffusers.AutoencoderKL(**stable), (1, 4, 64, 64)),
        "AutoencoderKL 1024x1024x1": (lambda: diffusers.AutoencoderKL(**stable), (1, 4, 128, 128)),
        "AutoencoderKLWan 720x480x49": (diffusers.AutoencoderKLWan, (1, 16, 13, 60, 90)),
        "AutoencoderKLCogVideoX 720x480x49": (
            diffusers.AutoencoderKLCogVideoX, (1, 16, 13, 60, 90)
        ),
        "AutoencoderKLHunyuanVideo 720x480x49": (
            diffusers.AutoencoderKLHunyuanVideo, (1, 16, 13, 60, 90)
        ),
        "AutoencoderKLLTXVideo 736x480x49": (
            diffusers.AutoencoderKLLTXVideo, (1, 128, 7, 15, 23)
        ),
    }  # fmt: skip
    return {
        name: peak(make, lambda model, shape=shape: model.decode(torch.zeros(shape)))
        for name, (make, shape) in cases.items()
    }


def sound() -> int:
    """What EnCodec takes to decode 10 s at 32 kHz, in 32 bits."""
    config = transformers.EncodecConfig(
        sampling_rate=32_000, upsampling_ratios=[8, 5, 4, 4], num_filters=64
    )

    def make() -> torch.nn.Module:
        torch.set_default_dtype(torch.float32)
        return transformers.EncodecModel(config)

    return peak(make, lambda model: model.decoder(torch.zeros(1, 128, 500)))


def count() -> None:
    """Count all, and write the table."""
    table = {
        "made_with": {
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
            "torch": torch.__version__.partition("+")[0],
        },
        "token_bytes": {name: round(token_bytes(name)) for name in LANGUAGE},
        "decoders": decoders(),
        "encodec": sound(),
    }
    Path(TABLE).write_text(json.dumps(table, indent=2) + "\n")
    print(json.dumps(table, indent=2), file=sys.stderr)


if __name__ == "__main__":
    count()
