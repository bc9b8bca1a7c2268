"""What a user's own program does with a model: open it with the library it is for.

Run as `python loaders.py NAME ARGUMENT...`; prints what came out as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def embed(sentence: str, *models: str) -> list[list[float]]:
    """A sentence's embedding by transformers for each model: its tokens' mean, normalised."""
    return [embed_all(model, sentence)[0] for model in models]


def embed_all(model: str, *sentences: str) -> list[list[float]]:
    """The embeddings of sentences by one model."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, network = AutoTokenizer.from_pretrained(model), AutoModel.from_pretrained(model)
    embeddings: list[list[float]] = []
    for sentence in sentences:
        tokens = tokenizer([sentence], return_tensors="pt")
        with torch.inference_mode():
            states = network(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1)
        mean = (states * mask).sum(1) / mask.sum(1)
        embeddings.append(torch.nn.functional.normalize(mean)[0].tolist())
    return embeddings


def tensors(repository: str, path: str) -> dict[str, Any]:
    """The tensors of a safetensors file: shapes, bytes, and whether all numbers are finite."""
    import numpy as np
    from huggingface_hub import hf_hub_download
    from safetensors.numpy import load_file

    found = hf_hub_download(repository, path)
    loaded = load_file(found)
    return {
        "path": found,
        "shapes": {name: list(tensor.shape) for name, tensor in loaded.items()},
        "bytes": sum(tensor.nbytes for tensor in loaded.values()),
        "finite": all(bool(np.isfinite(tensor).all()) for tensor in loaded.values()),
    }


def voice(repository: str, path: str) -> dict[str, Any]:
    """How likely silero's ONNX model takes silence for speech."""
    import numpy as np
    import onnxruntime
    from huggingface_hub import hf_hub_download

    found = hf_hub_download(repository, path)
    session = onnxruntime.InferenceSession(found, providers=["CPUExecutionProvider"])
    given = {
        "input": np.zeros((1, 576), np.float32),
        "state": np.zeros((2, 1, 128), np.float32),
        "sr": np.array(16000, np.int64),
    }
    probability = session.run(None, given)[0]
    return {"path": found, "probability": float(probability[0, 0])}


def pitch(repository: str, path: str, hertz: str) -> dict[str, Any]:
    """The MIDI note that basic-pitch hears most of in a pure tone, by LiteRT."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter
    from huggingface_hub import hf_hub_download

    found = hf_hub_download(repository, path)
    interpreter = Interpreter(model_path=found)
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    seconds = np.arange(given["shape"][1], dtype=np.float32) / 22050
    tone = np.sin(2 * np.pi * float(hertz) * seconds).astype(np.float32)
    interpreter.set_tensor(given["index"], tone.reshape(given["shape"]))
    interpreter.invoke()
    outputs = [interpreter.get_tensor(out["index"]) for out in interpreter.get_output_details()]
    notes = [output.mean(axis=(0, 1)) for output in outputs if output.shape[-1] == 88]
    heard = max(notes, key=lambda strength: float(strength.max()))
    return {
        "path": found,
        "shapes": sorted(list(output.shape) for output in outputs),
        "note": 21 + int(heard.argmax()),
    }


def orientation(repository: str, path: str) -> dict[str, Any]:
    """What rapidocr's classifier says of a ramp of grey: the odds of upright and upside down."""
    import numpy as np
    import onnxruntime
    from huggingface_hub import hf_hub_download

    found = hf_hub_download(repository, path)
    session = onnxruntime.InferenceSession(found, providers=["CPUExecutionProvider"])
    ramp = np.linspace(-1, 1, 3 * 48 * 192, dtype=np.float32).reshape(1, 3, 48, 192)
    (odds,) = session.run(None, {session.get_inputs()[0].name: ramp})
    return {"path": found, "odds": odds[0].tolist()}


if __name__ == "__main__":
    loader = {
        "embed": embed, "embed_all": embed_all, "tensors": tensors, "voice": voice, "pitch": pitch,
        "orientation": orientation,
    }[sys.argv[1]]  # fmt: skip
    print(json.dumps(loader(*sys.argv[2:])))
