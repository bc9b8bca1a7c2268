"""The shipped list: complete, honest, and without a network."""

from __future__ import annotations

import dataclasses
import re
from datetime import date, datetime
from pathlib import Path

import pytest

from tui_hub.database import CatalogueDatabase
from tui_hub.domain.artifacts import ArtifactKind
from tui_hub.domain.catalogue import Search
from tui_hub.domain.errors import NotFoundError, RefusedError
from tui_hub.domain.identifiers import ModelId, is_sha256
from tui_hub.domain.models import Model
from tui_hub.domain.types import ModelType
from tui_hub.settings import Settings
from tui_hub.sources.curated import Curated, entries
from tui_hub.sources.feeds import feeds_from
from tui_hub.sources.limits import Clock
from tui_hub.sources.records import web_link

FEED = next(feed for feed in feeds_from(Settings()) if feed.name == "curated:models")

IMAGES = {"Qwen-Image-2512", "Hunyuan Image 3.0", "GPT Image 1.5", "FLUX 2 Max", "Midjourney v7",
          "SAM 2", "Ideogram 3.0", "DeepSeek Janus-Pro-7B"}  # fmt: skip
VIDEOS = {"Sora 2", "Runway Gen-4.5", "Google Veo 3.1", "Luma Ray 3 HDR", "Kling 2.5 Turbo",
          "Pika 2.1 Turbo", "Hunyuan Video", "Vidu 2.0", "Genmo Mochi 1", "Adobe Firefly Video",
          "Haiper 2.0"}  # fmt: skip
AUDIO = {"SAM Audio", "ElevenLabs Multilingual V3", "TTS-1-HD"}
SHAPES = {"Hunyuan 3D 3.0", "Meshy 4"}
DEFAULTS = {
    "hf:stabilityai/stable-diffusion-xl-base-1.0": ModelType.IMAGE_GEN,
    "hf:guoyww/animatediff": ModelType.ANIMATION,
    "curated:coqui-tts-vits": ModelType.TTS,
    "hf:facebook/musicgen-small": ModelType.MUSIC,
    "curated:wav2lip": ModelType.LIP_SYNC,
    "ollama:llama3": ModelType.LLM,
}


async def listed() -> dict[str, Model]:
    pages = [page async for page in Curated().pages(FEED)]
    assert len(pages) == 1
    assert (pages[0].cursor, pages[0].requests, pages[0].skipped) == (None, 0, ())
    return {model.name: model for model in pages[0].models}


async def test_every_named_model_is_there() -> None:
    models = await listed()
    assert set(models) >= IMAGES | VIDEOS | AUDIO | SHAPES
    ours = [model for model in models.values() if not model.facts.get("default")]
    videos = [model for model in ours if model.type is ModelType.VIDEO_GEN]
    assert len(videos) == 19
    assert len(ours) == 8 + 19 + 3 + 2
    defaults = {model.id: model.type for model in models.values() if model.facts.get("default")}
    assert defaults == DEFAULTS


async def test_given_facts() -> None:
    models = await listed()
    assert models["Qwen-Image-2512"].facts["released"] == "2026-01-04"
    assert models["GPT Image 1.5"].facts["released"] == "2025-12-16"
    assert models["Hunyuan Image 3.0"].params == 80_000_000_000
    assert models["Hunyuan Video"].params == 13_000_000_000
    assert models["Genmo Mochi 1"].params == 10_000_000_000
    assert models["Sora 2"].facts["limits"] == "up to 60 s"
    assert models["Google Veo 3.1"].facts["limits"] == "up to 120 s with native audio"
    base = models["Stable Diffusion XL Base 1.0"]
    assert base.size == 6_900_000_000
    assert base.facts["requires"] == {"gpu_memory": 8_000_000_000, "torch": ">=2.0"}
    closed = {name for name, model in models.items() if model.facts["closed"]}
    assert {"Sora 2", "Midjourney v7", "TTS-1-HD", "Haiper 2.0"} <= closed
    assert not {"Hunyuan Video", "Genmo Mochi 1", "SAM 2"} & closed


async def test_every_record_is_one_that_the_catalogue_takes() -> None:
    models = await listed()
    assert len({model.id for model in models.values()}) == len(models)
    for model in models.values():
        identifier = ModelId.parse(model.id)
        assert model.source == identifier.source
        assert (model.origin, model.owner) == ("curated", "curated_sync_system")
        assert isinstance(model.type, ModelType)
        assert model.facts["maker"]
        assert isinstance(model.facts["closed"], bool)
        assert model.description


def test_closed_models_have_no_home_on_the_hub_and_links_are_addresses() -> None:
    for entry in entries():
        if entry.closed:
            assert entry.id.startswith("curated:")
            assert not entry.files
        for link in (*entry.links, *filter(None, [entry.source_link])):
            assert re.fullmatch(r"https?://[^\s]+", link), entry.name
        for moment in filter(None, [entry.released, entry.deprecated]):
            date.fromisoformat(moment if len(moment) == 10 else f"{moment}-01")


async def test_a_name_that_its_row_may_lose_is_kept_among_the_facts() -> None:
    models = await listed()
    base = models["Stable Diffusion XL Base 1.0"]
    assert base.facts["title"] == base.name
    assert base.facts["aliases"] == ["SDXL Base 1.0", "SDXL"]
    for model in models.values():
        assert model.facts.get("title") == (None if model.source == "curated" else model.name)
    assert "aliases" not in models["Sora 2"].facts


async def test_the_short_name_finds_the_model_before_and_after_the_hub_lists_it(
    tmp_path: Path,
) -> None:
    (page,) = [page async for page in Curated().pages(FEED)]
    identifier = "hf:stabilityai/stable-diffusion-xl-base-1.0"
    row = Model(
        id=identifier,
        source="hf",
        name="stable-diffusion-xl-base-1.0",
        author="stabilityai",
        downloads=2_000_000,
        owner="hf_sync_system",
    )
    async with await CatalogueDatabase.open(tmp_path / "catalogue.db") as catalogue:

        async def found(text: str) -> set[str]:
            return {model.id for model in (await catalogue.models.search(Search(text=text))).models}

        await catalogue.models.merge(page.models)
        for _ in range(2):
            for text in ("SDXL", "sdxl base 1.0", "Stable Diffusion XL Base 1.0", "stability"):
                assert identifier in await found(text), text
            assert "hf:facebook/sam2-hiera-large" in await found("Meta SAM 2")
            await catalogue.models.merge([row])
        stored = await catalogue.models.get(identifier)
        assert stored is not None and stored.name == "stable-diffusion-xl-base-1.0"
        assert stored.facts["title"] == "Stable Diffusion XL Base 1.0"
        await catalogue.models.merge(page.models)
        assert identifier in await found("SDXL")


def at(day: str) -> Curated:
    """The list as it is read on a day."""
    moment = datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
    return Curated(clock=Clock(wall=lambda: moment))


async def test_what_the_maker_ended_is_marked_from_that_day_on() -> None:
    sora = ModelId.parse("curated:sora-2")
    before, then = await at("2026-09-23").model(sora), await at("2026-09-24").model(sora)
    assert (before.deprecated, then.deprecated) == (False, True)
    assert before.facts["deprecated"] == then.facts["deprecated"] == "2026-09-24"
    for day, ended in (("2026-09-23", False), ("2026-09-24", True)):
        (page,) = [page async for page in at(day).pages(FEED)]
        assert {model.id: model.deprecated for model in page.models}[str(sora)] is ended


def test_an_end_and_a_price_name_who_says_so() -> None:
    for entry in entries():
        assert bool(entry.deprecated) == bool(entry.deprecation_source), entry.name
        assert bool(entry.price) == bool(entry.price_source), entry.name
        assert entry.deprecated or not entry.successor, entry.name
        for link in filter(None, [entry.deprecation_source, entry.price_source]):
            assert web_link(link) == link


async def test_one_entry_by_id() -> None:
    found = await Curated().model(ModelId.parse("curated:sora-2"))
    assert found.name == "Sora 2"
    with pytest.raises(NotFoundError):
        await Curated().model(ModelId.parse("curated:sora-3"))


async def test_closed_models_have_no_files() -> None:
    with pytest.raises(RefusedError, match="service") as caught:
        await Curated().files(ModelId.parse("curated:sora-2"))
    assert "https://openai.com" in (caught.value.hint or "")


async def test_a_default_model_with_an_address_can_be_fetched() -> None:
    source = Curated()
    listing = await source.files(ModelId.parse("curated:wav2lip"))
    (weights,) = listing.files
    assert weights.kind is ArtifactKind.WEIGHTS
    assert is_sha256(weights.sha256)
    assert weights.revision == listing.revision == listing.model.revision
    assert listing.model.size == weights.size
    request = await source.request(weights)
    assert request.url.startswith("https://")
    assert request.headers == {}
    with pytest.raises(NotFoundError):
        await source.request(dataclasses.replace(weights, path="other"))
    with pytest.raises(RefusedError):
        await source.read(weights, 100)
    await source.close()
