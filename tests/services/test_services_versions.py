"""Revisions with what changed, and the names that users give them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from homes import Configure
from small_models import WEIGHTS, small_repositories

from tui_hub.demo import DemoHub, RepositoryFile
from tui_hub.domain.errors import NotFoundError, RefusedError, UsageError
from tui_hub.domain.jobs import JobStatus
from tui_hub.services import Services, open_services

QUANTS = "hf:acme/quants"


def change_tiny(hub: DemoHub, content: bytes = b"new" * 1000, **fields: object) -> str:
    """Put a new commit of the tiny model into the hub; the commit."""
    tiny = small_repositories()[0]
    files = (
        *(one for one in tiny.files if one.path != "model.safetensors"),
        RepositoryFile("model.safetensors", content),
        RepositoryFile("extra.txt", b"more"),
    )
    return hub.put(replace(tiny, files=files, **fields))  # type: ignore[arg-type]


async def downloaded(services: Services, model: str, **choice: str) -> str:
    """Have a model here; the commit that is installed."""
    job = await services.downloads.start(model, **choice)  # type: ignore[arg-type]
    done = await services.downloads.wait(job.id)
    assert done.status is JobStatus.COMPLETED
    return done.revision or ""


async def test_each_new_commit_says_what_it_changed(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        first = (await services.repositories.details("acme/tiny")).revision
        second = change_tiny(hub, license="other", gated="manual")
        details = await services.repositories.details("acme/tiny", refresh=True)
        newest, oldest = details.versions
        assert (newest.revision, oldest.revision) == (second, first)
        assert oldest.changes is None
        changes = newest.changes
        assert changes is not None
        assert changes.previous == first
        assert (changes.added, changes.changed, changes.removed) == (1, 1, 0)
        assert changes.bytes == len(b"new" * 1000) + len(b"more") - len(WEIGHTS)
        assert (changes.license, changes.gated) == (("apache-2.0", "other"), (False, "manual"))
        again = await services.repositories.details("acme/tiny", refresh=True)
        assert again.versions == details.versions


async def test_an_older_commit_is_no_change(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        first = (await services.repositories.details("acme/tiny")).revision
        second = change_tiny(hub)
        await services.repositories.details("acme/tiny", refresh=True)
        await services.repositories.details("acme/tiny", revision=first, refresh=True)
        details = await services.repositories.details("acme/tiny")
        assert details.revision == second
        assert [one.revision for one in details.versions] == [second, first]
        assert details.versions[1].changes is None
    async with open_services(configure("another")) as services:
        await services.repositories.details("acme/tiny")
        await services.repositories.details("acme/tiny", revision=first)
        third = change_tiny(hub, b"third")
        details = await services.repositories.details("acme/tiny", refresh=True)
        assert [one.revision for one in details.versions] == [third, second, first]
        newest = details.versions[0].changes
        assert newest is not None and newest.previous == second


async def test_a_name_brings_its_revision_and_variant_back(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configure()) as services:
        first = await downloaded(services, "acme/tiny")
        named = await services.versions.name("acme/tiny", "Stable")
        assert (named.revision, named.variant) == (first, None)
        second = change_tiny(hub)
        assert await downloaded(services, "acme/tiny") == second
        assert await downloaded(services, "acme/tiny", revision="stable") == first

        await services.versions.name(QUANTS, "small", variant="q4_0")
        plan = await services.downloads.plan(QUANTS, revision="small")
        assert plan.variant == "Q4_0"
        assert {file.path for file in plan.files} == {"README.md", "quants-Q4_0.gguf"}
        other = await services.downloads.plan(QUANTS, revision="small", variant="Q8_0")
        assert "quants-Q8_0.gguf" in {file.path for file in other.files}


async def test_a_name_of_the_user_goes_before_the_sources(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configure()) as services:
        first = (await services.repositories.details("acme/tiny")).revision
        assert first is not None
        second = change_tiny(hub)
        with pytest.raises(NotFoundError):
            await services.repositories.details("acme/tiny", revision="v1")
        await services.versions.name("acme/tiny", "v1", revision=first)
        assert (await services.repositories.details("acme/tiny", revision="v1")).revision == first
        short = await services.repositories.details("acme/tiny", revision=first[:8])
        assert short.revision == first
        newest = await services.versions.name("acme/tiny", "v2", revision="main")
        assert newest.revision == second


async def test_names_survive_syncs_and_deletions(configure: Configure, hub: DemoHub) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        first = await downloaded(services, "acme/tiny")
        await services.versions.name("acme/tiny", "mine")
        change_tiny(hub)
        await services.sync.run()
        await services.sync.run(["acme/tiny"])
        await services.storage.delete("acme/tiny")
    configuration.paths.catalogue_database.unlink()
    async with open_services(configuration) as services:
        await services.sync.run()
        assert await downloaded(services, "acme/tiny", revision="mine") == first


async def test_what_is_wrong_with_a_name_is_told(configure: Configure) -> None:
    async with open_services(configure()) as services:
        name = services.versions.name
        for wrong in ("", "-x", "a b", "main", "a" * 65, "0" * 40, "x/y", "\x1b[2J"):
            with pytest.raises(UsageError):
                await name(QUANTS, wrong)
        with pytest.raises(NotFoundError, match="no variant"):
            await name(QUANTS, "mine", variant="Q9")
        with pytest.raises(NotFoundError):
            await name("acme/nothing", "mine")
        first = await name(QUANTS, "mine", variant="Q4_0")
        assert await name(QUANTS, "mine", variant="Q4_0") == first
        with pytest.raises(RefusedError, match="already"):
            await name(QUANTS, "MINE", variant="Q8_0")
        await name(QUANTS, "other")
        with pytest.raises(RefusedError, match="already"):
            await services.versions.rename(QUANTS, "other", "mine")
        assert (await services.versions.rename(QUANTS, "other", "Other")).name == "Other"
        with pytest.raises(NotFoundError, match="no version"):
            await services.versions.rename(QUANTS, "nothing", "new")
        await services.versions.remove(QUANTS, "other")
        with pytest.raises(NotFoundError, match="no version"):
            await services.versions.remove(QUANTS, "other")
        (revision,) = (await services.repositories.details(QUANTS)).versions
        assert [one.name for one in revision.names] == ["mine"]
        # The same name may mean something else for another model.
        assert (await name("acme/tiny", "mine")).model == "hf:acme/tiny"


async def test_a_change_that_is_wrong_leaves_the_version_as_it_was(configure: Configure) -> None:
    async with open_services(configure()) as services:
        change = services.versions.change
        first = await services.versions.name(QUANTS, "stable", variant="Q4_0")
        await services.versions.name(QUANTS, "other")
        for wrong, error in (
            (change(QUANTS, "stable", "stable", variant="Q9"), NotFoundError),
            (change(QUANTS, "stable", "new", variant="Q9"), NotFoundError),
            (change(QUANTS, "stable", "main", variant="Q8_0"), UsageError),
            (change(QUANTS, "stable", "Other", variant="Q8_0"), RefusedError),
            (change(QUANTS, "nothing", "new", variant=None), NotFoundError),
        ):
            with pytest.raises(error):
                await wrong
            (revision,) = (await services.repositories.details(QUANTS)).versions
            assert revision.names[1] == first
            assert [one.name for one in revision.names] == ["other", "stable"]
        changed = await change(QUANTS, "STABLE", "best", variant="q8_0")
        assert changed == replace(first, name="best", variant="Q8_0")
        assert (await change(QUANTS, "best", "best", variant=None)).variant is None
