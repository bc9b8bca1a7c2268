"""About six hundred invented models to browse, each small enough to fetch in a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from tui_hub.demo.cards import readme
from tui_hub.demo.families import LICENSES, NAMES, ORGANISATIONS, Family, families
from tui_hub.demo.repository import Gating, Repository, RepositoryFile
from tui_hub.demo.samples import FORMS, weights_files
from tui_hub.text import count, stamp

_MOST_DOWNLOADS = 4_000_000
_ABOUT = (
    "An invented model for {task}. It is part of the demo and was never trained.",
    "A stand-in for a model of the kind `{task}`, so that the catalogue has something to show.",
    "What a model for {task} might look like, if somebody had made it.",
)


def catalogue(now: datetime, seed: int = 2026) -> list[Repository]:
    """The same models for the same seed; their ages count back from `now`."""
    random = Random(seed)
    made = [_model(family, random, now) for family in families() for _ in range(family.count)]
    unique = {model.id.lower(): model for model in made}
    return _with_fame(list(unique.values()), random)


def _model(family: Family, random: Random, now: datetime) -> Repository:
    size = random.choice(family.parameters)
    stem = f"{random.choice(NAMES)}-{random.randint(1, 4)}-{count(size).replace('.0', '')}"
    name = f"{stem}-{random.choice(family.words)}"
    repository = f"{family.organisation or random.choice(ORGANISATIONS)}/{name}"
    license = random.choice(LICENSES)  # noqa: A001 - the Hub's own word
    age = timedelta(days=random.expovariate(1 / 240) + 0.2)
    changed = now - age * random.random()
    base = f"{random.choice(ORGANISATIONS)}/{stem}" if _derived(family) else None
    files = weights_files(family.form, name, random)
    card = _card(family, license, base)
    counted, gguf, stored = _figures(family, size)
    return Repository(
        id=repository,
        files=(
            RepositoryFile("README.md", _readme(repository, family, card, size, random)),
            *files,
        ),
        task=family.task,
        library=family.library,
        license=license,
        labels=(*family.labels, *FORMS[family.form]),
        base_model=base,
        base_relation="quantized" if family.form in ("gguf", "litertlm") else "adapter",
        card={key: card[key] for key in ("license_name", "license_link") if key in card},
        created_at=stamp(now - age),
        last_modified=stamp(changed),
        gated=_gating(random),
        parameters=counted,
        gguf=gguf,
        used_storage=stored,
    )


def _derived(family: Family) -> bool:
    return family.form in ("gguf", "adapter", "litertlm")


def _gating(random: Random) -> Gating:
    chance = random.random()
    return "manual" if chance < 0.02 else "auto" if chance < 0.07 else False


def _figures(family: Family, size: int) -> tuple[dict[str, int], dict[str, object], int]:
    """What the listing says of the size (parameters by type, GGUF, bytes stored).

    It is that of a trained model, not of the sample behind it.
    """
    if family.form == "gguf":
        gguf = {"total": size, "architecture": "llama", "context_length": 32768}
        return {}, gguf | {"totalFileSize": size * 2}, size * 4
    if family.form in ("decoder", "safetensors", "pipeline"):
        return {"BF16": size}, {}, size * 2
    return {}, {}, size // 50 if family.form == "adapter" else size * 4


def _card(family: Family, license: str | None, base: str | None) -> dict[str, object]:  # noqa: A002
    card: dict[str, object] = {}
    if license:
        card["license"] = license
    if license == "other":
        card |= {"license_name": "demo-licence", "license_link": "LICENSE"}
    if family.library:
        card["library_name"] = family.library
    if family.task:
        card["pipeline_tag"] = family.task
    if base:
        card["base_model"] = [base]
    return card | ({"tags": list(family.labels)} if family.labels else {})


def _readme(
    repository: str, family: Family, card: Mapping[str, object], size: int, random: Random
) -> bytes:
    about = random.choice(_ABOUT).format(task=family.task or "no task in particular")
    facts = [
        ("Task", family.task or "-"),
        ("Library", family.library or "-"),
        ("Parameters", count(size)),
        ("Licence", str(card.get("license", "not stated"))),
    ]
    points = (
        "The weights in this repository are a small sample of the size named above.",
        f"Trained on {random.randint(1, 900)} thousand imaginary examples.",
        "Do not use it for anything.",
    )
    return readme(repository, card, about, facts, points)


def _with_fame(models: list[Repository], random: Random) -> list[Repository]:
    """Downloads and likes with a long tail: few are known to all, most to nobody."""
    ranks = list(range(1, len(models) + 1))
    random.shuffle(ranks)
    return [
        replace(
            model,
            downloads=int(_MOST_DOWNLOADS / rank**1.25 * random.uniform(0.7, 1.3)),
            likes=int(6000 / rank**0.9 * random.uniform(0.2, 1.8)),
            trending=max(0, int(random.gauss(90 / rank, 6))),
        )
        for model, rank in zip(models, ranks, strict=True)
    ]
