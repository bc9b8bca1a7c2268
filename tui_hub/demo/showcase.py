"""How a repository of the demo's own organisation is described and ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tui_hub.demo.cards import readme
from tui_hub.demo.formats.tensors import Tensor, parameters
from tui_hub.demo.repository import Gating, Repository, RepositoryFile
from tui_hub.text import size, stamp


def dated(repository: Repository, rank: int, now: datetime) -> Repository:
    """The demo's own come first in every order, and were changed of late."""
    return replace(
        repository,
        downloads=9_000_000 // (rank + 1),
        likes=9_000 // (rank + 1),
        trending=400 - 20 * rank,
        created_at=stamp(now - timedelta(days=40 + 11 * rank)),
        last_modified=stamp(now - timedelta(hours=5 + 31 * rank)),
    )


def own(
    name: str,
    about: str,
    files: Sequence[RepositoryFile],
    *,
    task: str | None,
    library: str | None,
    license: str = "apache-2.0",  # noqa: A002 - the Hub's own word
    labels: tuple[str, ...] = (),
    base_model: str | None = None,
    base_relation: str = "finetune",
    tensors: Sequence[Tensor] = (),
    gguf: dict[str, object] | None = None,
    gated: Gating = False,
    config: dict[str, object] | None = None,
    points: Sequence[str] = (),
) -> Repository:
    """A repository of the demo's own organisation, with a card that tells what is in it."""
    repository = f"demo-lab/{name}"
    front: dict[str, object] = {"license": license}
    front |= {"library_name": library} if library else {}
    front |= {"pipeline_tag": task} if task else {}
    front |= {"base_model": [base_model]} if base_model else {}
    counted = parameters(tensors)
    facts = [
        ("Task", task or "-"),
        ("Parameters", f"{sum(counted.values()):,}" if counted else "-"),
        ("Files", f"{len(files)}, {size(sum(file.size for file in files))}"),
        ("Licence", license),
    ]
    told = [*points, "Random weights: everything loads, nothing makes sense."]
    return Repository(
        id=repository,
        files=(RepositoryFile("README.md", readme(repository, front, about, facts, told)), *files),
        task=task,
        library=library,
        license=license,
        labels=labels,
        base_model=base_model,
        base_relation=base_relation,
        card={"license": license},
        config={key: config[key] for key in ("architectures", "model_type")} if config else {},
        parameters=counted,
        gguf=gguf or {},
        gated=gated,
    )
