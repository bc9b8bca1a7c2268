"""What a home keeps of a model follows it to its new name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from homes import Configure
from small_models import WEIGHTS, small_repositories

from tui_hub.blobs import BlobStore, receipts
from tui_hub.demo import DemoHub, RepositoryFile
from tui_hub.domain.errors import HubError
from tui_hub.domain.jobs import JobStatus
from tui_hub.domain.models import ModelStatus
from tui_hub.domain.types import ModelType
from tui_hub.services import Services, open_services
from tui_hub.services.sync import renames

OLD, NEW = "hf:acme/tiny", "hf:fresh/little"


def rename(hub: DemoHub) -> None:
    """Give the tiny model another owner and name upstream."""
    hub.registry.rename("acme/tiny", "fresh/little")


async def downloaded(services: Services, model: str) -> Path:
    """Have a model here; its folder."""
    job = await services.downloads.start(model)
    done = await services.downloads.wait(job.id)
    assert (done.status, done.error) == (JobStatus.COMPLETED, None)
    return Path(done.path or "")


async def check_that_it_followed(services: Services, revision: str | None) -> None:
    """See that all is under the new name, and nothing under the old one."""
    store = BlobStore(services.configuration.paths.store)
    (install,) = await services.storage.installs()
    assert (install.model, install.revision, install.name) == (NEW, revision, "little")
    assert (Path(install.path) / "model.safetensors").read_bytes() == WEIGHTS
    assert Path(install.path).name == "little"
    assert {receipt.model for receipt in receipts.iter(store)} == {NEW}
    assert not list(store.root.glob("hf/*acme--tiny"))
    assert list(store.root.glob("hf/*fresh--little"))
    model = await services.catalogue.get(NEW)
    assert (model.status, model.type) == (ModelStatus.INSTALLED, ModelType.VISION)
    details = await services.repositories.details(NEW)
    assert details.edit is not None
    assert (details.edit.note, details.edit.favourite) == ("mine", True)
    assert details.installed_variants == ("safetensors",)
    assert [name.name for one in details.versions for name in one.names] == ["good"]
    assert details.registration is not None
    assert details.registration.vendor == "Acme"


@pytest.mark.parametrize("asked", [[], ["hf"], ["acme/tiny"]])
async def test_everything_follows(
    configure: Configure, hub: DemoHub, asked: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with open_services(configure()) as services:
        await services.sync.run(["hf"])
        await services.repositories.register("acme/tiny", vendor="Acme")
        await downloaded(services, "acme/tiny")
        await services.versions.name("acme/tiny", "good")
        revision = (await services.repositories.details("acme/tiny")).revision
        await services.catalogue.edit(
            "acme/tiny", note="mine", favourite=True, type=ModelType.VISION
        )
        rename(hub)
        await services.sync.run(asked)
        await check_that_it_followed(services, revision)
        assert "Traceback" not in caplog.text

        # The old name means the same model from now on.
        plan = await services.downloads.plan("acme/tiny", revision="good")
        assert (plan.model, plan.bytes_to_transfer) == (NEW, 0)
        assert (await services.catalogue.edits("acme/tiny")) is not None
        assert (await services.activation.activate("acme/tiny")).model == NEW
        await services.activation.deactivate("acme/tiny")
        assert OLD not in {one.payload.get("model") for one in await services.jobs.list()}
        await services.storage.delete("acme/tiny")
        assert await services.storage.installs() == []
        assert list(services.configuration.paths.store.glob("blobs/sha256/*")) == []


@pytest.mark.parametrize("step", ["change", "take away"])
async def test_a_crash_on_the_way_is_made_good_at_the_next_start(
    configure: Configure, hub: DemoHub, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_arguments: object) -> None:
        raise HubError("cut short")

    configuration = configure()
    async with open_services(configuration) as services:
        await services.sync.run(["hf"])
        await services.repositories.register("acme/tiny", vendor="Acme")
        await downloaded(services, "acme/tiny")
        await services.versions.name("acme/tiny", "good")
        revision = (await services.repositories.details("acme/tiny")).revision
        await services.catalogue.edit(
            "acme/tiny", note="mine", favourite=True, type=ModelType.VISION
        )
        rename(hub)
        with monkeypatch.context() as patch:
            if step == "change":
                patch.setattr("tui_hub.database.renames.ModelNames.change", crash)
            else:
                patch.setattr(renames, "_take_away", crash)
            await services.sync.run(["hf"])
    async with open_services(configuration) as services:
        await check_that_it_followed(services, revision)


async def test_an_active_model_follows_once_it_rests(configure: Configure, hub: DemoHub) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        await services.sync.run(["hf"])
        folder = await downloaded(services, "acme/tiny")
        await services.activation.activate("acme/tiny")
        await services.catalogue.edit("acme/tiny", note="mine")
        rename(hub)
        await services.sync.run(["hf"])
        edit = await services.catalogue.edits(NEW)
        assert edit is not None and edit.note == "mine"
        slot = await services.activation.active("llm")
        assert slot is not None
        assert (slot.model, slot.path) == (OLD, str(folder))
        assert folder.is_dir()
        assert (await services.catalogue.get(NEW)).status is ModelStatus.ACTIVE
        await services.activation.deactivate(NEW)
        assert (await services.catalogue.get(NEW)).status is ModelStatus.INSTALLED
    async with open_services(configuration) as services:
        (install,) = await services.storage.installs()
        assert install.model == NEW
        assert not folder.exists()


async def test_two_names_of_one_model_become_one(configure: Configure, hub: DemoHub) -> None:
    """Here the new name came first, as another revision."""
    async with open_services(configure()) as services:
        await services.sync.run(["hf"])
        await downloaded(services, "acme/tiny")
        await services.versions.name("acme/tiny", "good")
        await services.activation.activate("acme/tiny")
        rename(hub)
        await services.sync.run(["hf"])
        moved = replace(
            small_repositories()[0],
            id="fresh/little",
            files=(RepositoryFile("model.safetensors", b"other"),),
        )
        commit = hub.put(moved)
        await downloaded(services, "fresh/little")
        await services.versions.name("fresh/little", "good")
        await services.activation.deactivate("llm")
        await services.sync.run(["hf"])
        (install,) = await services.storage.installs()
        assert (install.model, install.revision) == (NEW, commit)
        blobs = [path.read_bytes() for path in install_blobs(services)]
        assert blobs == [b"other"]
        details = await services.repositories.details(NEW)
        names = {name.name: one.revision for one in details.versions for name in one.names}
        assert names["good"] == commit
        assert [name[:5] for name in sorted(names)] == ["good", "good-"]


def install_blobs(services: Services) -> list[Path]:
    """The blobs of the store."""
    return list(services.configuration.paths.store.glob("blobs/sha256/*"))
