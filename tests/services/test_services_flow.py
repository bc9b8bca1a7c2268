"""The main job, through the services: sync, find, download, use, delete."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from homes import Configure
from small_models import WEIGHTS, small_repositories

from tui_hub.demo import DemoHub, Fault, FaultKind, Repository, RepositoryFile
from tui_hub.domain.artifacts import Verified
from tui_hub.domain.catalogue import Search
from tui_hub.domain.errors import GatedError, NotFoundError, RefusedError
from tui_hub.domain.jobs import JobStatus
from tui_hub.domain.models import ModelStatus
from tui_hub.services import open_services


async def test_sync_find_download_use_delete(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        report = await services.sync.run()
        assert report.status == "completed"
        page = await services.catalogue.search(Search(text="tiny"))
        assert [model.id for model in page.models] == ["hf:acme/tiny", "hf:acme/tiny-copy"]

        job = await services.downloads.start("acme/tiny")
        done = await services.downloads.wait(job.id)
        assert (done.status, done.error) == (JobStatus.COMPLETED, None)
        assert done.path is not None
        assert (Path(done.path) / "model.safetensors").read_bytes() == WEIGHTS
        details = await services.repositories.details("acme/tiny")
        verified = {file.path: file.verified for file in details.files}
        assert verified["model.safetensors"] is Verified.SHA256
        assert verified["config.json"] is Verified.GIT_SHA1
        assert details.model.status is ModelStatus.INSTALLED

        result = await services.activation.activate("acme/tiny")
        link = services.configuration.paths.store / "active" / "llm"
        assert os.path.realpath(link) == os.path.realpath(done.path)
        assert result.status == "active"
        with pytest.raises(RefusedError, match="active"):
            await services.storage.delete("acme/tiny")

        deletion = await services.storage.delete("acme/tiny", deactivate=True)
        assert deletion.bytes_freed > len(WEIGHTS)
        assert list((services.configuration.paths.store / "blobs" / "sha256").iterdir()) == []
        assert not Path(done.path).exists()
        assert not link.is_symlink()
        model = await services.catalogue.get("acme/tiny")
        assert model.status is ModelStatus.NOT_INSTALLED


async def test_the_same_bytes_are_never_fetched_twice(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        first = await services.downloads.start("acme/tiny")
        await services.downloads.wait(first.id)
        plan = await services.downloads.plan("acme/tiny-copy")
        assert plan.bytes_deduplicated >= len(WEIGHTS)
        second = await services.downloads.start("acme/tiny-copy")
        done = await services.downloads.wait(second.id)
        weights = next(file for file in done.files if file.path == "model.safetensors")
        assert weights.deduplicated
        assert weights.bytes_transferred == 0
        usage = await services.storage.usage()
        assert usage.bytes_saved >= len(WEIGHTS)
        await services.storage.delete("acme/tiny")
        assert (Path(done.path or "") / "model.safetensors").read_bytes() == WEIGHTS


async def test_a_variant_is_all_that_is_fetched(configure: Configure) -> None:
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/quants", variant="q4_0")
        done = await services.downloads.wait(job.id)
        assert {file.path for file in done.files} == {"README.md", "quants-Q4_0.gguf"}
        details = await services.repositories.details("acme/quants")
        assert details.installed_variants == ("Q4_0",)
        assert details.model.status is ModelStatus.INSTALLED


async def test_what_does_not_exist_is_said(configure: Configure) -> None:
    async with open_services(configure()) as services:
        with pytest.raises(NotFoundError):
            await services.downloads.start("acme/nothing")
        with pytest.raises(NotFoundError, match="no file"):
            await services.downloads.start("acme/tiny", paths=("nosuch.bin",))
        with pytest.raises(NotFoundError, match="Q9"):
            await services.downloads.start("acme/quants", variant="Q9")


async def test_a_gated_model_says_where_to_ask(configure: Configure) -> None:
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/locked", paths=("model.safetensors",))
        done = await services.downloads.wait(job.id)
        assert done.status is JobStatus.FAILED
        assert done.error_code == GatedError.code
        assert (await services.catalogue.get("acme/locked")).status is ModelStatus.ERROR


async def test_a_corrupt_body_never_gets_a_name(configure: Configure, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.CORRUPT, origin="cdn", times=-1))
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        done = await services.downloads.wait(job.id)
        assert (done.status, done.error_code) == (JobStatus.FAILED, "corrupt")
        assert list((services.configuration.paths.store / "blobs" / "sha256").iterdir()) == []
        hub.faults.clear()
        await services.downloads.retry(job.id)
        again = await services.downloads.wait(job.id)
        assert again.status is JobStatus.COMPLETED


async def test_a_place_that_hands_out_wrong_bytes_gives_way_to_another(
    configure: Configure, hub: DemoHub
) -> None:
    """Another model is known to have the same file, and the storage of that one is right."""
    entry = hub.registry.find("acme/tiny")
    assert entry is not None
    asked = f"*/{entry.key}/*"
    hub.faults.add(Fault(FaultKind.CORRUPT, path=asked, origin="cdn", times=-1))
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        assert (await services.downloads.wait(job.id)).error_code == "corrupt"
        await services.downloads.plan("acme/tiny-copy")
        await services.downloads.retry(job.id)
        done = await services.downloads.wait(job.id)
        assert (done.status, done.error) == (JobStatus.COMPLETED, None)
        assert (Path(done.path or "") / "model.safetensors").read_bytes() == WEIGHTS
        (file,) = done.files
        assert file.bytes_transferred == 3 * len(WEIGHTS), "twice in vain, and once right"
        assert done.bytes_transferred == 5 * len(WEIGHTS), "with the first attempt"


async def test_nobody_else_is_asked_whom_the_settings_do_not_trust(
    configure: Configure, hub: DemoHub
) -> None:
    """Even for bytes that would prove right."""
    file = RepositoryFile("model.safetensors", WEIGHTS)
    hub.put(Repository(id="other/mirror", files=(file,), downloads=1))
    entry = hub.registry.find("acme/tiny")
    assert entry is not None
    hub.faults.add(Fault(FaultKind.CORRUPT, path=f"*/{entry.key}/*", origin="cdn", times=-1))
    async with open_services(configure()) as services:
        await services.downloads.plan("other/mirror")
    policy = {"TUI_HUB_TRUST__OTHERS": "refuse", "TUI_HUB_TRUST__AUTHORS": '["acme"]'}
    async with open_services(configure(**policy)) as services:
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        assert (await services.downloads.wait(job.id)).error_code == "corrupt"
    async with open_services(configure()) as services:
        await services.downloads.retry(job.id)
        assert (await services.downloads.wait(job.id)).status is JobStatus.COMPLETED


async def test_another_place_that_is_wrong_too_changes_nothing(
    configure: Configure, hub: DemoHub
) -> None:
    hub.faults.add(Fault(FaultKind.CORRUPT, origin="cdn", times=-1))
    async with open_services(configure()) as services:
        await services.downloads.plan("acme/tiny-copy")
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        done = await services.downloads.wait(job.id)
        assert (done.status, done.error_code) == (JobStatus.FAILED, "corrupt")
        assert "model.safetensors: the file arrived damaged twice" in (done.error or "")
        assert list((services.configuration.paths.store / "blobs" / "sha256").iterdir()) == []


async def test_two_homes_share_one_store(configure: Configure, tmp_path: Path) -> None:
    store = str(tmp_path / "shared")
    async with (
        open_services(configure("one", MODEL_STORE_PATH=store)) as one,
        open_services(configure("two", MODEL_STORE_PATH=store)) as two,
    ):
        first = await one.downloads.start("acme/tiny")
        second = await two.downloads.start("acme/tiny-copy")
        done = [await one.downloads.wait(first.id), await two.downloads.wait(second.id)]
        assert [download.status for download in done] == [JobStatus.COMPLETED] * 2
        await one.storage.delete("acme/tiny")
        kept = Path(store) / "blobs" / "sha256" / hashlib.sha256(WEIGHTS).hexdigest()
        assert kept.read_bytes() == WEIGHTS


async def test_a_lost_database_is_rebuilt_from_the_store(configure: Configure) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        job = await services.downloads.start("acme/tiny")
        await services.downloads.wait(job.id)
    for database in (configuration.paths.hub_database, configuration.paths.catalogue_database):
        for file in database.parent.glob(f"{database.name}*"):
            file.unlink()
    async with open_services(configuration) as services:
        model = await services.catalogue.get("acme/tiny")
        assert model.status is ModelStatus.INSTALLED
        result = await services.activation.activate("acme/tiny")
        assert result.status == "active"


async def test_a_new_revision_takes_the_place_of_the_old(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configure()) as services:
        first = await services.downloads.start("acme/tiny")
        await services.downloads.wait(first.id)
        await services.activation.activate("acme/tiny")
        changed = small_repositories()[0]
        new = bytes(reversed(WEIGHTS))
        files = (*changed.files[:-1], RepositoryFile("model.safetensors", new))
        commit = hub.put(replace(changed, files=files))
        plan = await services.downloads.plan("acme/tiny")
        assert plan.revision == commit
        assert plan.bytes_to_transfer == len(WEIGHTS)
        second = await services.downloads.start("acme/tiny")
        done = await services.downloads.wait(second.id)
        assert (Path(done.path or "") / "model.safetensors").read_bytes() == new
        blobs = {path.name for path in services.configuration.paths.store.glob("blobs/sha256/*")}
        assert hashlib.sha256(new).hexdigest() in blobs
        assert hashlib.sha256(WEIGHTS).hexdigest() not in blobs
        slot = await services.activation.active("llm")
        assert slot is not None
        assert slot.revision == commit


async def test_a_single_newer_file_leaves_the_working_model_alone(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configure()) as services:
        first = await services.downloads.start("acme/tiny")
        done = await services.downloads.wait(first.id)
        changed = small_repositories()[0]
        files = (RepositoryFile("README.md", b"# Newer"), *changed.files[1:])
        hub.put(replace(changed, files=files))
        second = await services.downloads.start("acme/tiny", paths=("README.md",))
        await services.downloads.wait(second.id)
        assert (Path(done.path or "") / "model.safetensors").read_bytes() == WEIGHTS
