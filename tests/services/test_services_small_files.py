"""Repositories of many small files, which come in groups."""

from __future__ import annotations

import hashlib
from pathlib import Path

from homes import Configure

from tui_hub.demo import DemoHub, Fault, FaultKind, Repository, RepositoryFile
from tui_hub.domain.downloads import FileState
from tui_hub.domain.jobs import JobStatus
from tui_hub.services import open_services

CONTENT = {f"part-{number:03}.bin": b"%d" % number * 500 for number in range(120)}
COPY = "part-001.bin"
"""Has the bytes of the one before it."""
CONTENT[COPY] = CONTENT["part-000.bin"]


def put(hub: DemoHub) -> None:
    files = tuple(RepositoryFile(path, data, lfs=True) for path, data in CONTENT.items())
    hub.put(Repository(id="acme/many", files=files, task="text-generation"))


def blobs(root: Path) -> set[str]:
    return {path.name for path in (root / "blobs" / "sha256").iterdir()}


async def test_many_small_files_arrive_whole_and_equal_ones_once(
    configure: Configure, hub: DemoHub
) -> None:
    put(hub)
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/many")
        done = await services.downloads.wait(job.id)

        assert (done.status, done.error) == (JobStatus.COMPLETED, None)
        assert done.path is not None
        found = {path: (Path(done.path) / path).read_bytes() for path in CONTENT}
        assert found == CONTENT
        copies = {file.path: file.deduplicated for file in done.files if file.deduplicated}
        assert copies == {COPY: True}
        whole = sum(map(len, CONTENT.values()))
        assert (done.done, done.bytes_total) == (whole, whole)
        assert done.bytes_transferred == whole - len(CONTENT[COPY])
        store = services.configuration.paths.store
        assert blobs(store) == {hashlib.sha256(data).hexdigest() for data in CONTENT.values()}
        assert list((store / "temp").iterdir()) == []


async def test_a_small_file_that_fails_takes_none_of_its_group_with_it(
    configure: Configure, hub: DemoHub
) -> None:
    put(hub)
    hub.faults.add(Fault(FaultKind.STATUS, "*/part-007.bin", times=-1, status=404))
    hub.faults.add(Fault(FaultKind.STATUS, "*/part-040.bin", times=-1, status=451))
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/many")
        done = await services.downloads.wait(job.id)

        assert done.status is JobStatus.FAILED
        failed = {file.path for file in done.files if file.state is FileState.FAILED}
        assert failed == {"part-007.bin", "part-040.bin"}
        here = [file.state for file in done.files if file.path not in failed]
        assert set(here) == {FileState.COMPLETED}

        hub.faults.clear()
        again = await services.downloads.start("acme/many")
        mended = await services.downloads.wait(again.id)
        assert (mended.status, mended.error) == (JobStatus.COMPLETED, None)
        lengths = [len(CONTENT[path]) for path in failed]
        assert mended.bytes_transferred == sum(lengths)


async def test_what_came_of_a_small_file_before_trouble_is_not_fetched_again(
    configure: Configure, hub: DemoHub
) -> None:
    put(hub)
    hub.faults.add(Fault(FaultKind.TRUNCATE, origin="cdn", after=700, times=40))
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/many")
        done = await services.downloads.wait(job.id)

        assert (done.status, done.error) == (JobStatus.COMPLETED, None)
        assert done.path is not None
        found = {path: (Path(done.path) / path).read_bytes() for path in CONTENT}
        assert found == CONTENT
        assert done.bytes_transferred == sum(map(len, CONTENT.values())) - len(CONTENT[COPY])
        assert list((services.configuration.paths.store / "temp").iterdir()) == []
