"""A few small models that cover what the program tells apart."""

from __future__ import annotations

import random
import struct

import numpy
from safetensors.numpy import save

from tui_hub.demo import Repository, RepositoryFile

WEIGHTS = random.Random(7).randbytes(3 * 1024**2 + 17)
OTHER_WEIGHTS = random.Random(8).randbytes(1024**2)
README = b"---\nlicense: apache-2.0\n---\n# Tiny\n\nA model for tests.\n"


def tensors_file(seed: int, count: int = 60_000) -> bytes:
    """A real safetensors file with so many numbers, different for each seed."""
    numbers = numpy.random.default_rng(seed).standard_normal(count).astype(numpy.float32)
    half = count // 2
    return save({"embed.weight": numbers[:half].reshape(-1, 100), "out.weight": numbers[half:]})


def gguf_file(content: bytes) -> bytes:
    """A GGUF file without tensors, and something behind its header."""
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + bytes(8) + content


def small_repositories() -> list[Repository]:
    """A few models that cover what the services tell apart."""
    common = (
        RepositoryFile("README.md", README),
        RepositoryFile("config.json", b'{"model_type": "tiny"}'),
        RepositoryFile("tokenizer.json", b'{"version": "1.0"}'),
    )
    return [
        Repository(
            id="acme/tiny",
            files=(*common, RepositoryFile("model.safetensors", WEIGHTS)),
            task="text-generation",
            library="transformers",
            license="apache-2.0",
            downloads=500,
        ),
        Repository(
            id="acme/tiny-copy",
            files=(*common, RepositoryFile("model.safetensors", WEIGHTS)),
            task="text-generation",
            downloads=50,
        ),
        Repository(
            id="acme/quants",
            files=(
                RepositoryFile("README.md", b"# Quants"),
                RepositoryFile("quants-Q4_0.gguf", OTHER_WEIGHTS),
                RepositoryFile("quants-Q8_0.gguf", OTHER_WEIGHTS + OTHER_WEIGHTS),
            ),
            task="text-generation",
            library="gguf",
            downloads=900,
        ),
        Repository(
            id="acme/eye",
            files=(RepositoryFile("eye.tflite", OTHER_WEIGHTS[:5000]),),
            task="image-classification",
            library="tflite",
            labels=("tflite",),
            downloads=5,
        ),
        Repository(
            id="acme/locked",
            files=(*common, RepositoryFile("model.safetensors", OTHER_WEIGHTS)),
            task="text-to-image",
            gated="manual",
            downloads=70,
        ),
    ]
