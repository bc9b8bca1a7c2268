"""How the models of the demo's own organisation are described and ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tui_hub.demo.cards import readme
from tui_hub.demo.repository import Repository, RepositoryFile
from tui_hub.demo.shapes import card_data
from tui_hub.text import size, stamp


def with_card(repository: Repository, about: str, *points: str) -> Repository:
    """The repository with a README that tells what is in it."""
    files = repository.files
    count = sum(repository.parameters.values())
    facts = [
        ("Task", repository.task or "-"),
        ("Parameters", f"{count:,}" if count else "-"),
        ("Files", f"{len(files)}, {size(sum(file.size for file in files))}"),
        ("Licence", repository.license or "not stated"),
    ]
    told = (*points, "Random weights: everything loads, nothing makes sense.")
    card = readme(repository.id, card_data(repository), about, facts, told)
    return replace(repository, files=(RepositoryFile("README.md", card), *files))


def ranked(repositories: Sequence[Repository], now: datetime) -> list[Repository]:
    """The demo's own come first in every order, and were changed of late."""
    return [
        replace(
            repository,
            downloads=9_000_000 // (rank + 1),
            likes=9_000 // (rank + 1),
            trending=400 - 20 * rank,
            created_at=stamp(now - timedelta(days=40 + 11 * rank)),
            last_modified=stamp(now - timedelta(hours=5 + 31 * rank)),
        )
        for rank, repository in enumerate(repositories)
    ]
