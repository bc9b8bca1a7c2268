"""One store, several homes and revisions: what is active stays whole, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest
from halting import halt
from homes import Configure
from small_models import OTHER_WEIGHTS, WEIGHTS, small_repositories

from tui_hub.demo import DemoHub, Fault, FaultKind, RepositoryFile
from tui_hub.domain.catalogue import Search
from tui_hub.domain.errors import InterruptedJobError, NotFoundError, RefusedError, UnreachableError
from tui_hub.domain.feeds import FeedState
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.models import ModelStatus
from tui_hub.domain.types import ModelType
from tui_hub.services import Services, open_services


async def install(services: Services, model: str, **choice: str) -> Path:
    """Download a model and return its folder."""
    job = await services.downloads.start(model, **choice)  # type: ignore[arg-type]
    done = await services.downloads.wait(job.id)
    assert (done.status, done.error) == (JobStatus.COMPLETED, None)
    assert done.path is not None
    return Path(done.path)


def newer(hub: DemoHub, number: int, **changes: object) -> str:
    """Put a new commit of one of the small models into the hub."""
    before = small_repositories()[number]
    return hub.put(replace(before, **changes))  # type: ignore[arg-type]


async def test_a_new_task_upstream_moves_an_active_model_as_a_whole(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configure()) as services:
        old = await install(services, "acme/tiny")
        await services.activation.activate("acme/tiny")
        files = small_repositories()[0].files
        weights = RepositoryFile("model.safetensors", OTHER_WEIGHTS)
        newer(hub, 0, task="text-to-speech", files=(*files[:-1], weights))
        new = await install(services, "acme/tiny")
        assert (old.parent.name, new.parent.name) == ("llm", "tts")
        assert not old.exists()
        link = services.configuration.paths.store / "active" / "llm"
        assert (link / "model.safetensors").read_bytes() == OTHER_WEIGHTS
        slot = await services.activation.active("llm")
        assert slot is not None
        assert slot.path == str(new)
        assert (await services.catalogue.get("acme/tiny")).status is ModelStatus.ACTIVE
        await services.storage.delete("acme/tiny", deactivate=True)
        assert not list((services.configuration.paths.store / "models").rglob("*.safetensors"))
        assert not os.path.lexists(link)


async def test_parts_are_added_to_the_revision_that_is_here(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/quants", variant="Q4_0")
        first = (await services.repositories.details("acme/quants")).revision
        newer(
            hub,
            2,
            files=(RepositoryFile("README.md", b"# New"), *small_repositories()[2].files[1:]),
        )
        await install(services, "acme/quants", variant="Q8_0")
        details = await services.repositories.details("acme/quants")
        assert details.revision == first
        assert details.installed_variants == ("Q4_0", "Q8_0")


async def test_a_part_of_another_revision_is_refused(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/quants")
        changed = RepositoryFile("quants-Q4_0.gguf", OTHER_WEIGHTS[::-1])
        files = small_repositories()[2].files
        newer(hub, 2, files=(files[0], changed, files[2]))
        with pytest.raises(RefusedError, match="mix"):
            await services.downloads.start("acme/quants", variant="Q4_0", revision="main")
        assert (folder / "quants-Q8_0.gguf").read_bytes() == OTHER_WEIGHTS * 2
        await install(services, "acme/quants", revision="main")
        assert (folder / "quants-Q4_0.gguf").read_bytes() == OTHER_WEIGHTS[::-1]


async def test_another_home_sees_and_respects_what_is_active(
    configure: Configure, tmp_path: Path
) -> None:
    store = str(tmp_path / "shared")
    async with open_services(configure("one", MODEL_STORE_PATH=store)) as one:
        folder = await install(one, "acme/tiny")
        await one.activation.activate("acme/tiny")
        async with open_services(configure("two", MODEL_STORE_PATH=store)) as two:
            (slot,) = await two.activation.slots()
            assert (slot.model, slot.path) == ("hf:acme/tiny", str(folder))
            with pytest.raises(RefusedError, match="active as llm"):
                await two.storage.delete("acme/tiny")
            await two.activation.deactivate("llm")
            await two.storage.delete("acme/tiny")
        assert await one.activation.slots() == ()
    async with open_services(configure("one", MODEL_STORE_PATH=store)) as one:
        assert await one.storage.installs() == []
        model = await one.catalogue.get("acme/tiny")
        assert model.status is ModelStatus.NOT_INSTALLED


async def test_a_lost_database_forgets_no_slot(configure: Configure) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        await install(services, "acme/tiny")
        await services.activation.activate("acme/tiny")
    for file in configuration.paths.hub_database.parent.glob("hub.db*"):
        file.unlink()
    async with open_services(configuration) as services:
        slot = await services.activation.active("llm")
        assert slot is not None
        assert slot.model == "hf:acme/tiny"
        with pytest.raises(RefusedError):
            await services.storage.delete("acme/tiny")
        assert (await services.activation.deactivate("acme/tiny")).status == "inactive"
        assert await services.activation.active("llm") is None


async def test_a_deletion_that_was_cut_short_can_be_repeated(configure: Configure) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/tiny")
        await services.storage._forget("hf:acme/tiny")
        deletion = await services.storage.delete("acme/tiny")
        assert deletion.bytes_freed > len(WEIGHTS)
        assert not folder.exists()
        with pytest.raises(NotFoundError):
            await services.storage.delete("acme/tiny")


async def test_a_store_that_is_not_mounted_is_not_made_anew(configure: Configure) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        await install(services, "acme/tiny")
    away = configuration.paths.store.rename(configuration.paths.store.with_name("away"))
    async with open_services(configuration) as services:
        with pytest.raises(RefusedError, match="is not there"):
            await services.downloads.start("acme/quants")
        with pytest.raises(RefusedError):
            await services.activation.activate("acme/tiny")
    away.rename(configuration.paths.store)
    async with open_services(configuration) as services:
        assert (await services.activation.activate("acme/tiny")).status == "active"


async def test_a_type_of_ones_own_moves_the_model(configure: Configure) -> None:
    async with open_services(configure()) as services:
        old = await install(services, "acme/tiny")
        await services.catalogue.edit("acme/tiny", type=ModelType.TTS)
        (entry,) = await services.storage.installs()
        assert entry.type is ModelType.TTS
        assert (Path(entry.path) / "model.safetensors").read_bytes() == WEIGHTS
        assert not old.exists()
        await services.activation.activate("acme/tiny")
        with pytest.raises(RefusedError, match="active"):
            await services.catalogue.edit("acme/tiny", type="auto")
        await services.activation.deactivate("tts")
        assert (await services.catalogue.edit("acme/tiny", type="auto")).type is ModelType.LLM


async def test_two_activations_at_once_leave_one(configure: Configure) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/tiny")
        await install(services, "acme/tiny-copy")
        results = await asyncio.gather(
            services.activation.activate("acme/tiny"),
            services.activation.activate("acme/tiny-copy"),
            return_exceptions=True,
        )
        assert sum(isinstance(result, RefusedError) for result in results) == 1
        (slot,) = await services.activation.slots()
        active = [
            model
            for model in ("acme/tiny", "acme/tiny-copy")
            if (await services.catalogue.get(model)).status is ModelStatus.ACTIVE
        ]
        assert [f"hf:{model}" for model in active] == [slot.model]


async def test_a_single_file_model_names_its_file(configure: Configure) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/quants", variant="Q8_0")
        await services.activation.activate("acme/quants")
        environment = await services.activation.environment("llm")
        assert environment["TUI_HUB_MODEL_FILE"] == str(folder / "quants-Q8_0.gguf")
        assert environment["TUI_HUB_MODEL_VARIANT"] == "Q8_0"


async def test_a_job_in_line_of_a_dead_process_is_taken_over(configure: Configure) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        job = await services.jobs.create(JobType.DOWNLOAD, {"model": "hf:acme/tiny"})
        gone = replace(job.owner, pid=2**22 - 1) if job.owner else None
        await services.jobs._table.save(replace(job, owner=gone))
    async with open_services(configuration) as services:
        assert (await services.jobs.get(job.id)).status is JobStatus.PAUSED


async def test_cancelling_beats_pausing(configure: Configure, hub: DemoHub) -> None:
    halt(hub, 9)
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/tiny")
        await services.downloads.pause(job.id)
        await services.downloads.cancel(job.id)
        assert (await services.downloads.wait(job.id)).status is JobStatus.CANCELLED


async def test_a_sync_that_somebody_else_cancels_says_so(
    configure: Configure, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=-1))
    configuration = configure()
    async with open_services(configuration) as one, open_services(configuration) as two:
        running = asyncio.create_task(one.sync.run(["hf:litert"]))
        async with asyncio.timeout(60):
            while not stall.hits:
                await asyncio.sleep(0.02)
        await two.sync.cancel()
        with pytest.raises(InterruptedJobError):
            await running
        (job,) = await two.jobs.list((JobType.SYNC,))
        assert job.status is JobStatus.CANCELLED


async def test_what_another_sync_leaves_out_is_synced_afterwards(
    configure: Configure, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=1))
    async with open_services(configure()) as services:
        first = asyncio.create_task(services.sync.run(["hf:litert"]))
        async with asyncio.timeout(60):
            while not stall.hits:
                await asyncio.sleep(0.02)
        second = asyncio.create_task(services.sync.run(["curated"]))
        stall.release()
        assert [feed.feed for feed in (await first).feeds] == ["hf:litert"]
        assert [feed.feed for feed in (await second).feeds] == ["curated:models"]


async def test_a_dead_address_is_not_tried_for_every_feed(
    configure: Configure, hub: DemoHub
) -> None:
    configuration = configure(HF_ENDPOINT="http://127.0.0.1:9")
    async with open_services(configuration) as services:
        report = await services.sync.run()
        tried = [feed for feed in report.feeds if feed.source == "hf"]
        assert report.status == "failed"
        assert {feed.error_code for feed in tried} == {"unreachable"}
        assert len({feed.error for feed in tried}) == 1
        assert [feed.seconds > 0 for feed in tried].count(True) == 1
        (curated,) = [feed for feed in report.feeds if not feed.networked]
        assert curated.state is FeedState.COMPLETED


async def test_a_registered_repository_joins_the_sync(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        await services.repositories.register("acme/tiny", vendor="Acme", auto_sync=True)
        details = await services.repositories.details("acme/tiny")
        assert details.registration is not None
        assert (details.registration.vendor, str(details.registration.status)) == ("Acme", "synced")
        newer(
            hub,
            0,
            files=(RepositoryFile("README.md", b"# New"), *small_repositories()[0].files[1:]),
        )
        report = await services.sync.run()
        (entry,) = [feed for feed in report.feeds if feed.feed == "hf:acme/tiny"]
        assert entry.counts.updated == 1
        assert (await services.repositories.card("acme/tiny")) == "# New"


async def test_an_incomplete_model_is_not_published(configure: Configure, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.STATUS, path="*Q8_0*", status=404, times=-1))
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/quants", variant="Q8_0")
        done = await services.downloads.wait(job.id)
        assert (done.status, done.path) == (JobStatus.FAILED, None)
        assert not list((services.configuration.paths.store / "models").glob("*/*"))
        assert await services.storage.installs() == []


async def test_one_variant_is_deleted_and_the_other_stays(configure: Configure) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/quants")
        expected = await services.storage.preview_delete("acme/quants", variant="Q8_0")
        deletion = await services.storage.delete("acme/quants", variant="Q8_0")
        assert (deletion.files, deletion.bytes_freed) == (1, 2 * len(OTHER_WEIGHTS))
        assert deletion == expected
        assert sorted(path.name for path in folder.iterdir() if path.name[0] != ".") == [
            "README.md",
            "quants-Q4_0.gguf",
        ]
        details = await services.repositories.details("acme/quants")
        assert details.installed_variants == ("Q4_0",)
        last = await services.storage.delete("acme/quants", variant="Q4_0")
        assert last.files == 2
        assert (await services.catalogue.get("acme/quants")).status is ModelStatus.NOT_INSTALLED


async def test_a_sync_that_is_retried_is_a_new_job(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        await services.sync.run(["curated"])
        (first,) = await services.jobs.list((JobType.SYNC,))
        again = await services.jobs.retry(first.id)
        assert again.id != first.id
        await services.sync.run(["curated"])
        assert (await services.jobs.get(again.id)).status is JobStatus.COMPLETED


async def test_a_store_that_cannot_be_read_leaves_the_catalogue_usable(
    configure: Configure,
) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        await services.sync.run()
        job = await services.downloads.start("acme/tiny")
        await services.downloads.wait(job.id)
    metadata = configuration.paths.store / "metadata"
    metadata.rename(metadata.with_name("gone"))
    metadata.write_text("a disk gone bad gives files for folders")
    async with open_services(configuration) as services:
        assert (await services.catalogue.search(Search(text="tiny"))).models
        assert [install.model for install in await services.storage.installs()] == ["hf:acme/tiny"]


async def test_what_does_not_exist_is_not_registered(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure(TUI_HUB_NETWORK__RETRIES="0")) as services:
        register = services.repositories.register
        table = services.repositories._context.hub.registrations
        with pytest.raises(NotFoundError):
            await register("acme/tpyo", auto_sync=True)
        assert await table.list() == []
        await register("acme/tiny", auto_sync=True)
        hub.registry.remove("acme/tiny")
        with pytest.raises(NotFoundError):
            await register("acme/tiny", vendor="Acme")
        (kept,) = await table.list()
        assert (kept.model, kept.vendor, str(kept.status)) == ("hf:acme/tiny", "Acme", "error")
        assert await services.repositories.unregister("acme/tiny") == "hf:acme/tiny"
        assert await table.list() == []
        with pytest.raises(NotFoundError, match="is not registered"):
            await services.repositories.unregister("acme/tiny")
        hub.stop()
        with pytest.raises(UnreachableError):
            await register("acme/quants", auto_sync=True)
        assert [one.model for one in await table.list()] == ["hf:acme/quants"]
