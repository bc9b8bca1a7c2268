"""READMEs with front matter, as model repositories carry them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

_USE = {
    "transformers": "from transformers import pipeline\n\nrun = pipeline({task!r}, model={id!r})\n",
    "diffusers": (
        "from diffusers import DiffusionPipeline\n\n"
        "pipeline = DiffusionPipeline.from_pretrained({id!r})\n"
    ),
    "sentence-transformers": (
        "from sentence_transformers import SentenceTransformer\n\n"
        "model = SentenceTransformer({id!r})\n"
    ),
}
_USE_ANY = "from huggingface_hub import snapshot_download\n\nfolder = snapshot_download({id!r})\n"


def readme(
    repository: str,
    front: Mapping[str, object],
    about: str,
    facts: Sequence[tuple[str, str]],
    points: Sequence[str],
) -> bytes:
    """A card: front matter, what it is, a table of facts, how to use it, a list."""
    name = repository.partition("/")[2]
    table = "\n".join(f"| {key} | {value} |" for key, value in facts)
    library, task = str(front.get("library_name", "")), str(front.get("pipeline_tag", ""))
    code = _USE.get(library, _USE_ANY).format(id=repository, task=task)
    listed = "\n".join(f"- {point}" for point in points)
    return (
        f"{front_matter(front)}# {name}\n\n{about}\n\n"
        f"## At a glance\n\n| What | |\n| --- | --- |\n{table}\n\n"
        f"## Use\n\n```python\n{code}```\n\n"
        f"## Good to know\n\n{listed}\n"
    ).encode()


def front_matter(values: Mapping[str, object]) -> str:
    """YAML between two lines of dashes; JSON strings are YAML too, whatever they hold."""
    lines: list[str] = []
    for key, value in values.items():
        if isinstance(value, str):
            lines.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
        elif isinstance(value, Sequence):
            lines += [f"{key}:", *(f"- {json.dumps(item, ensure_ascii=False)}" for item in value)]
        elif value is not None:
            lines.append(f"{key}: {json.dumps(value)}")
    return "---\n" + "\n".join(lines) + "\n---\n" if lines else ""
