"""A home whose databases are lost, and receipts that say less than they should."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from file_server import FileServer
from homes import Configure
from small_models import OTHER_WEIGHTS, WEIGHTS, small_repositories

from tui_hub.blobs import receipts
from tui_hub.demo import DemoHub, RepositoryFile
from tui_hub.domain.additions import Consent, Proposal
from tui_hub.domain.catalogue import Search
from tui_hub.domain.models import Details, ModelStatus
from tui_hub.domain.types import ModelType
from tui_hub.services import Services, open_services
from tui_hub.settings import Configuration


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    running = FileServer()
    yield running
    running.close()


async def install(services: Services, model: str, **choice: Any) -> Path:
    """Download a model and return its folder."""
    job = await services.downloads.start(model, **choice)
    done = await services.downloads.wait(job.id)
    assert done.error is None and done.path is not None
    return Path(done.path)


def lose(configuration: Configuration, *names: str) -> None:
    """Let databases go, journals and all."""
    for name in names:
        for file in configuration.paths.hub_database.parent.glob(f"{name}.db*"):
            file.unlink()


def told(details: Details) -> dict[str, object]:
    """What a person is told of an installed model."""
    model = details.model
    return {
        "model": (model.id, model.name, model.author, model.type, model.status),
        "of": (model.license, model.task, model.library),
        "here": (details.revision, details.installed_revision, details.path),
        "variants": details.installed_variants,
        "files": {
            file.path: (
                file.status,
                file.verified,
                file.blob,
                file.sha256,
                file.git_sha1,
                file.etag,
            )
            for file in details.files
        },
        "revisions": [
            (one.revision, one.facts and (one.facts.license, one.facts.files, one.facts.bytes))
            for one in details.versions
        ],
    }


@pytest.mark.parametrize("lost", [("hub",), ("hub", "catalogue")], ids=str)
async def test_receipts_bring_back_what_is_installed(
    configure: Configure, hub: DemoHub, lost: tuple[str, ...]
) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        await install(services, "acme/tiny")
        await install(services, "acme/quants", variant="Q8_0")
        await services.catalogue.edit("acme/quants", type=ModelType.TTS)
        await services.activation.activate("acme/tiny")
        before = [told(await services.repositories.details(one)) for one in ("acme/tiny",)]
        installs = await services.storage.installs()
        slots = await services.activation.slots()
    lose(configuration, *lost)
    hub.faults.offline = True
    async with open_services(configuration) as services:
        after = [told(await services.repositories.details(one)) for one in ("acme/tiny",)]
        assert after == before
        assert [replace(one, last_used=None) for one in await services.storage.installs()] == [
            replace(one, last_used=None) for one in installs
        ]
        assert [replace(one, since="") for one in await services.activation.slots()] == [
            replace(one, since="") for one in slots
        ]
        quants = await services.repositories.details("acme/quants")
        assert (quants.model.type, quants.installed_variants) == (ModelType.TTS, ("Q8_0",))
        assert (await services.catalogue.get("acme/tiny")).status is ModelStatus.ACTIVE


async def test_an_added_model_is_fetched_again_after_a_loss(
    configure: Configure, file_server: FileServer
) -> None:
    configuration = configure()
    address = file_server.put("/far.safetensors", WEIGHTS)
    proposal = Proposal(places=(address,), name="far", type=ModelType.TTS, license="mit")
    async with open_services(configuration) as services:
        await services.adding.add(proposal, {Consent.HOST})
        await install(services, "url:far")
        before = await services.adding.find("url:far")
    lose(configuration, "hub", "catalogue")
    async with open_services(configuration) as services:
        assert await services.adding.find("url:far") == before
        assert (await services.catalogue.get("url:far")).license == "mit"
        await services.storage.delete("url:far")
        folder = await install(services, "url:far")
        assert (folder / "far.safetensors").read_bytes() == WEIGHTS


async def test_what_a_receipt_names_and_is_not_there_is_fetched_again(
    configure: Configure, hub: DemoHub
) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        await install(services, "acme/quants")
        await install(services, "acme/tiny")
    store = services.jobs._context.store
    for model, ending in (("hf:acme/quants", "Q8_0.gguf"), ("hf:acme/tiny", ".safetensors")):
        receipt = receipts.read(store, model)
        assert receipt is not None
        (sha256,) = (file.sha256 for file in receipt.files if file.path.endswith(ending))
        store.remove(sha256)
    lose(configuration, "hub", "catalogue")
    async with open_services(configuration) as services:
        found = (await services.catalogue.search(Search())).models
        assert {model.id: str(model.status) for model in found} == {
            "hf:acme/quants": "installed",
            "hf:acme/tiny": "not_installed",
        }
        quants = await services.repositories.details("acme/quants")
        assert quants.installed_variants == ("Q4_0",), "what is whole can be used"
        hub.requests.clear()
        job = await services.downloads.start("acme/tiny")
        done = await services.downloads.wait(job.id)
        assert (done.error, done.bytes_transferred) == (None, len(WEIGHTS))
        assert len(await services.storage.installs()) == 2


DAMAGES: dict[str, Callable[[str], str]] = {
    "cut": lambda text: text[:200],
    "empty": lambda _: "",
    "zeros": lambda text: "\0" * len(text),
    "another": lambda _: '{"surprise": 1}',
    "deep": lambda _: "[" * 100_000,
    "path": lambda text: text.replace('"config.json"', '"../../config.json"'),
    "hash": lambda text: text.replace('"sha256": "', '"sha256": "../', 1),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_a_damaged_receipt_is_told_and_loses_nothing(
    configure: Configure, damage: Callable[[str], str]
) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        folder = await install(services, "acme/tiny")
        await install(services, "acme/eye")
    path = configuration.paths.store / "metadata" / "acme_tiny" / "receipt.json"
    path.write_text(damage(path.read_text()))
    lose(configuration, "hub")
    async with open_services(configuration) as services:
        assert [one.model for one in await services.storage.installs()] == ["hf:acme/eye"]
        assert (folder / "model.safetensors").read_bytes() == WEIGHTS
        findings = await services.doctor.examine()
        (finding,) = (one for one in findings if "cannot be read" in one.message)
        assert str(path) in finding.message
        assert "tui-hub download hf:acme/tiny" in (finding.mend or "")
        job = await services.downloads.start("acme/tiny")
        assert str(path) in ((await services.downloads.wait(job.id)).error or "")
        path.rename(path.with_suffix(".damaged"))
        assert await install(services, "acme/tiny") == folder
        await services.storage.delete("acme/eye")
        assert (folder / "model.safetensors").read_bytes() == WEIGHTS


async def test_a_home_follows_what_another_home_of_its_store_did(
    configure: Configure, hub: DemoHub, tmp_path: Path
) -> None:
    store = str(tmp_path / "shared")
    one, two = (configure(name, MODEL_STORE_PATH=store) for name in ("one", "two"))
    async with open_services(one) as services:
        await install(services, "acme/tiny")
    async with open_services(two) as services:
        assert [entry.model for entry in await services.storage.installs()] == ["hf:acme/tiny"]
        before = small_repositories()[0]
        weights = RepositoryFile("model.safetensors", OTHER_WEIGHTS)
        newer = hub.put(replace(before, files=(*before.files[:-1], weights)))
        await install(services, "acme/tiny")
    async with open_services(one) as services:
        (entry,) = await services.storage.installs()
        assert entry.revision == newer
        details = await services.repositories.details("acme/tiny")
        assert (details.revision, details.installed_revision) == (newer, newer)
        here = [file for file in details.files if file.blob]
        assert len(here) == 4
        old = [
            file
            for file in await services.jobs._context.hub.artifacts.all_of("hf:acme/tiny")
            if file.revision != newer
        ]
        assert old and not any(file.blob for file in old), "their bytes are gone"


async def test_a_store_that_moved_is_known_by_its_new_place(
    configure: Configure, tmp_path: Path
) -> None:
    async with open_services(configure(MODEL_STORE_PATH=str(tmp_path / "a"))) as services:
        await install(services, "acme/tiny")
    (tmp_path / "a").rename(tmp_path / "b")
    async with open_services(configure(MODEL_STORE_PATH=str(tmp_path / "b"))) as services:
        (entry,) = await services.storage.installs()
        assert entry.path == str(tmp_path / "b" / "models" / "llm" / "tiny")
        await services.activation.activate("acme/tiny")


async def test_a_receipt_of_a_later_program_is_not_lost(configure: Configure) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        await install(services, "acme/tiny")
    path = configuration.paths.store / "metadata" / "acme_tiny" / "receipt.json"
    later = json.dumps(json.loads(path.read_text()) | {"format": 2, "surprise": 1})
    path.write_text(later)
    lose(configuration, "hub")
    async with open_services(configuration) as services:
        assert [one.model for one in await services.storage.installs()] == ["hf:acme/tiny"]
        with pytest.raises(Exception, match="newer version"):
            await services.storage.delete("acme/tiny")
        job = await services.downloads.start("acme/tiny", paths=("README.md",))
        assert "newer version" in ((await services.downloads.wait(job.id)).error or "")
    assert path.read_text() == later
