"""The `link` runtime: a model is published to other programs and loaded by none of ours."""

from __future__ import annotations

from pathlib import Path


def environment(*, model: str, kind: str, path: Path, hf_cache: Path) -> dict[str, str]:
    """The variables under which another program finds the model and stays off the network.

    `HF_HUB_CACHE` and the offline switches are those of huggingface_hub and transformers, which
    read them when they are imported.
    """
    return {
        "TUI_HUB_MODEL": model,
        "TUI_HUB_MODEL_TYPE": kind,
        "TUI_HUB_MODEL_PATH": str(path),
        "HF_HUB_CACHE": str(hf_cache),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }
