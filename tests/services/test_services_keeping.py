"""Named versions of models whose source gives nothing but the newest: their files stay here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from file_server import FileServer
from homes import Configure
from small_models import gguf_file, small_repositories

from tui_hub.blobs import BlobStore, collect, receipts
from tui_hub.demo import DemoHub
from tui_hub.domain.additions import Proposal
from tui_hub.domain.errors import NotFoundError, RefusedError
from tui_hub.domain.jobs import JobStatus
from tui_hub.domain.types import ModelType
from tui_hub.services import Services, open_services
from tui_hub.services.storage.deletion_words import files_words
from tui_hub.settings import Configuration

MODEL = "local:mine"
HEADER = len(gguf_file(b""))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    return made


@pytest.fixture
def server() -> Iterator[FileServer]:
    running = FileServer()
    yield running
    running.close()


def put(folder: Path, content: bytes, name: str = "mine-Q4_0.gguf") -> None:
    """Put a file into the folder, which is another file than the one before."""
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_bytes(gguf_file(content))


async def added(services: Services, folder: Path) -> None:
    """Have the folder in the catalogue."""
    await services.adding.add(Proposal(places=(str(folder),)))


async def downloaded(services: Services, model: str = MODEL, **choice: str) -> str:
    """Have a model here; what its first file holds."""
    job = await services.downloads.start(model, **choice)  # type: ignore[arg-type]
    done = await services.downloads.wait(job.id)
    assert (done.status, done.error) == (JobStatus.COMPLETED, None)
    return installed(services)


def installed(services: Services) -> str:
    """What the first file of the one installed model holds."""
    (view,) = (services.configuration.paths.store / "models").glob("*/*")
    return _held(min(path for path in view.iterdir() if path.name[0] != "."))


def _held(file: Path) -> str:
    """What is behind the header."""
    return file.read_bytes()[HEADER:].decode()


def blobs(configuration: Configuration) -> list[str]:
    """What the blobs of the store hold, once all that nobody needs is swept away."""
    store = BlobStore(configuration.paths.store)
    collect(store, store.iter())
    return sorted(_held(store.path(name)) for name in store.iter())


async def test_a_named_version_of_a_folder_stays_and_comes_back(
    configure: Configure, folder: Path
) -> None:
    configuration = configure()
    put(folder, b"one")
    async with open_services(configuration) as services:
        await added(services, folder)
        await downloaded(services)
        first = await services.versions.name(MODEL, "first")
        put(folder, b"two")
        assert await downloaded(services) == "two"
        assert blobs(configuration) == ["one", "two"]
        assert (await services.storage.usage()).by_model == {MODEL: 2 * HEADER + 6}
        await services.catalogue.edit(MODEL, type=ModelType.LLM)
        put(folder, b"three", "other.gguf")
        (folder / "mine-Q4_0.gguf").unlink()
        assert await downloaded(services) == "three"
        assert blobs(configuration) == ["one", "three"], "nobody named the second"
        assert await downloaded(services, revision="first") == "one"
        assert blobs(configuration) == ["one"]
        assert (await services.storage.usage()).by_model == {MODEL: HEADER + len("one")}
        (install,) = await services.storage.installs()
        assert install.revision == first.revision
        assert await downloaded(services) == "three"
        (folder / "other.gguf").unlink()
        folder.rmdir()
        assert await downloaded(services, revision="first") == "one"


async def test_a_named_version_of_an_address_stays_and_comes_back(
    configure: Configure, server: FileServer
) -> None:
    configuration = configure()
    address = server.put("/m.gguf", gguf_file(b"one"))
    async with open_services(configuration) as services:
        await services.adding.add(Proposal(places=(address,)), {"host"})
        await downloaded(services, "url:m")
        await services.versions.name("url:m", "first")
        server.put("/m.gguf", gguf_file(b"other"), etag='"two"')
        assert await downloaded(services, "url:m") == "other"
        await services.versions.name("url:m", "second")
        assert await downloaded(services, "url:m", revision="first") == "one"
        elsewhere = server.put("/n.gguf", gguf_file(b"more"))
        await services.adding.add(Proposal(places=(elsewhere,), name="m"), {"host", "replace"})
        assert await downloaded(services, "url:m") == "more"
        assert blobs(configuration) == ["more", "one", "other"]
        server.close()
        assert await downloaded(services, "url:m", revision="second") == "other"
        assert blobs(configuration) == ["one", "other"]


async def test_a_name_that_is_taken_back_keeps_nothing(configure: Configure, folder: Path) -> None:
    configuration = configure()
    put(folder, b"one")
    async with open_services(configuration) as services:
        versions = services.versions
        await added(services, folder)
        await downloaded(services)
        await versions.name(MODEL, "first")
        await versions.name(MODEL, "also")
        put(folder, b"two!")
        await downloaded(services)
        await versions.name(MODEL, "second")
        await versions.rename(MODEL, "first", "best")
        assert await versions.remove(MODEL, "second") == 0
        assert await versions.remove(MODEL, "also") == 0
        assert blobs(configuration) == ["one", "two!"]
        assert await versions.remove(MODEL, "best") == HEADER + len("one")
        assert blobs(configuration) == ["two!"]
        (install,) = await services.storage.installs()
        for one in (await services.repositories.details(MODEL)).versions:
            if one.revision != install.revision:
                with pytest.raises(NotFoundError, match="any more"):
                    await services.downloads.start(MODEL, revision=one.revision)


async def test_a_lost_database_and_a_lost_blob_stop_nothing(
    configure: Configure, folder: Path
) -> None:
    configuration = configure()
    put(folder, b"one")
    async with open_services(configuration) as services:
        await added(services, folder)
        await downloaded(services)
        first = await services.versions.name(MODEL, "first")
        put(folder, b"two")
        await downloaded(services)
    for file in configuration.paths.hub_database.parent.glob("*.db*"):
        file.unlink()
    async with open_services(configuration) as services:
        await added(services, folder)
        put(folder, b"three")
        assert await downloaded(services) == "three"
        assert blobs(configuration) == ["one", "three"], "the names are lost, the bytes are not"
        assert await downloaded(services, revision=first.revision) == "one"
        await services.versions.name(MODEL, "again", revision=first.revision)
        await downloaded(services)
        store = BlobStore(configuration.paths.store)
        receipt = receipts.read(store, MODEL)
        assert receipt is not None
        (kept,) = receipt.kept
        store.path(kept.files[0].sha256).unlink()
        put(folder, b"four")
        assert await downloaded(services) == "four"
        assert blobs(configuration) == ["four"]


async def test_deleting_the_model_takes_its_named_versions_and_a_variant_does_not(
    configure: Configure, folder: Path
) -> None:
    configuration = configure()
    put(folder, b"one")
    async with open_services(configuration) as services:
        await added(services, folder)
        await downloaded(services)
        await services.versions.name(MODEL, "first")
        put(folder, b"two!")
        await downloaded(services)
        with pytest.raises(RefusedError, match="named versions of it are kept"):
            await services.storage.preview_delete(MODEL, variant="Q4_0")
        with pytest.raises(RefusedError, match="named versions of it are kept"):
            await services.storage.delete(MODEL, variant="Q4_0")
        assert blobs(configuration) == ["one", "two!"]
        expected = await services.storage.preview_delete(MODEL)
        deletion = await services.storage.delete(MODEL)
        assert (deletion.files, deletion.bytes_freed) == (2, 2 * HEADER + len("onetwo!"))
        assert deletion == expected
        assert files_words(deletion) == "1 file, with 1 of other revisions"
        assert blobs(configuration) == []


async def test_what_its_source_gives_again_is_not_kept(configure: Configure, hub: DemoHub) -> None:
    tiny = small_repositories()[0]
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/tiny")
        await services.downloads.wait(job.id)
        await services.versions.name("acme/tiny", "first")
        hub.put(replace(tiny, files=tiny.files[:-1]))
        job = await services.downloads.start("acme/tiny")
        assert (await services.downloads.wait(job.id)).status is JobStatus.COMPLETED
        receipt = receipts.read(BlobStore(services.configuration.paths.store), "hf:acme/tiny")
        assert receipt is not None
        assert receipt.kept == ()
