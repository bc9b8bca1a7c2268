"""Downloads whose revision its source has no more, by a rewritten history or another disk."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from halting import halt
from homes import Configure
from small_models import OTHER_WEIGHTS, WEIGHTS

from tui_hub.demo import DemoHub, Fault, FaultKind, Repository, RepositoryFile
from tui_hub.domain.downloads import Download
from tui_hub.domain.errors import NotFoundError
from tui_hub.domain.jobs import JobStatus
from tui_hub.services import Services, open_services


def rewrite(hub: DemoHub, *files: RepositoryFile) -> str:
    """Give a repository another history with more files; the commit that is `main` now."""
    entry = hub.registry.find("acme/tiny")
    assert entry is not None
    repository = replace(entry.head.repository, files=(*entry.head.repository.files, *files))
    hub.registry.remove("acme/tiny")
    return hub.put(replace(repository, title="rewritten"))


async def interrupted(services: Services, hub: DemoHub, **choice: object) -> str:
    """The job of a download that was paused when half of its weights had arrived."""
    halt(hub, len(WEIGHTS) // 2 + 100_000)
    job = await services.downloads.start("acme/tiny", **choice)  # type: ignore[arg-type]
    async with asyncio.timeout(60):
        while (await services.downloads.require(job.id)).done < len(WEIGHTS) // 2:
            await asyncio.sleep(0.02)
    await services.downloads.pause(job.id)
    await services.downloads.wait(job.id)
    hub.faults.clear()
    return job.id


async def failed(services: Services, job: str) -> Download:
    await services.downloads.resume(job)
    picture = await services.downloads.wait(job)
    assert (picture.status, picture.error_code) == (JobStatus.FAILED, "not_found")
    return picture


async def test_a_retry_takes_what_the_branch_is_now(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        job = await interrupted(services, hub)
        new = rewrite(hub, RepositoryFile("more.bin", OTHER_WEIGHTS[:999], lfs=True))
        gone = await failed(services, job)
        assert f"tui-hub jobs --retry {job}" in (gone.hint or "")
        await services.downloads.retry(job)
        done = await services.downloads.wait(job)
        assert (done.status, done.error) == (JobStatus.COMPLETED, None)
        assert done.revision == new
        assert f"revision {(gone.revision or '')[:12]} is gone" in (done.note or "")
        weights = {file.path: file for file in done.files}["model.safetensors"]
        assert weights.resumed_from > 0, "equal bytes stay"
        assert "more.bin" in {file.path for file in done.files}


async def test_chosen_files_stay_chosen(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        job = await interrupted(services, hub, paths=("model.safetensors", "config.json"))
        rewrite(hub)
        await failed(services, job)
        await services.downloads.retry(job)
        done = await services.downloads.wait(job)
        assert done.status is JobStatus.COMPLETED
        assert {file.path for file in done.files} == {"model.safetensors", "config.json"}


async def test_a_commit_that_was_asked_for_is_nothing_else(
    configure: Configure, hub: DemoHub
) -> None:
    entry = hub.registry.find("acme/tiny")
    assert entry is not None
    async with open_services(configure()) as services:
        job = await interrupted(services, hub, revision=entry.head.commit)
        rewrite(hub)
        gone = await failed(services, job)
        assert "`tui-hub download hf:acme/tiny --revision main`" in (gone.hint or "")
        await services.downloads.retry(job)
        again = await services.downloads.wait(job)
        assert (again.status, again.revision) == (JobStatus.FAILED, gone.revision)


async def test_a_file_that_is_away_for_a_while_changes_no_revision(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configure()) as services:
        hub.faults.add(Fault(FaultKind.STATUS, "*/model.safetensors", times=-1, status=404))
        job = await services.downloads.start("acme/tiny")
        first = await services.downloads.wait(job.id)
        assert first.error_code == "not_found"
        hub.put(Repository(id="acme/tiny", files=(RepositoryFile("README.md", b"# New"),)))
        hub.faults.clear()
        await services.downloads.retry(job.id)
        done = await services.downloads.wait(job.id)
        assert (done.status, done.revision) == (JobStatus.COMPLETED, first.revision)


async def test_what_is_nowhere_any_more_is_named(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        job = await interrupted(services, hub, paths=("model.safetensors", "config.json"))
        hub.registry.remove("acme/tiny")
        hub.put(Repository(id="acme/tiny", files=(RepositoryFile("README.md", b"# New"),)))
        await failed(services, job)
        with pytest.raises(NotFoundError, match=r"has no file 'config\.json'"):
            await services.downloads.retry(job)
