"""The store in figures: what deleting really frees, what was never used, and the quota."""

from __future__ import annotations

import os
import time
from pathlib import Path

from homes import Configure
from small_models import OTHER_WEIGHTS, WEIGHTS, tensors_file

from tui_hub.blobs import BlobStore
from tui_hub.database import HubDatabase
from tui_hub.domain.doctor import FindingStatus
from tui_hub.domain.jobs import JobStatus
from tui_hub.domain.scanning import ScanMode
from tui_hub.domain.storage import ModelUsage
from tui_hub.events import QuotaExceeded
from tui_hub.services import Services, open_services
from tui_hub.services.doctor import disk

OLD = time.time_ns() - 10**12


async def install(services: Services, model: str) -> Path:
    job = await services.downloads.start(model)
    done = await services.downloads.wait(job.id)
    assert (done.status, done.error) == (JobStatus.COMPLETED, None)
    return Path(done.path or "")


async def figures(services: Services) -> dict[str, ModelUsage]:
    return {one.model: one for one in (await services.storage.usage()).models}


async def test_what_deleting_would_free_is_what_it_frees(
    configure: Configure, tmp_path: Path
) -> None:
    async with open_services(configure()) as services:
        for model in ("acme/tiny", "acme/tiny-copy", "acme/quants", "acme/eye"):
            await install(services, model)
        store = BlobStore(services.configuration.paths.store)
        eye = next(path for path in store.blobs.iterdir() if path.stat().st_size == 5000)
        os.link(eye, tmp_path / "another name of the same file")
        told = await figures(services)
        assert told["hf:acme/tiny"].bytes_freed == 0, "its twin holds all of it"
        assert told["hf:acme/eye"].bytes_freed == 0, "somebody else links to it"
        assert told["hf:acme/quants"].bytes_freed == len(OTHER_WEIGHTS) * 3 + len(b"# Quants")
        for model in ("hf:acme/tiny", "hf:acme/eye", "hf:acme/quants", "hf:acme/tiny-copy"):
            told = await figures(services)
            preview = await services.storage.preview_delete(model)
            freed = (await services.storage.delete(model)).bytes_freed
            assert told[model].bytes_freed == preview.bytes_freed == freed
        assert (await services.storage.usage()).bytes == 0


async def test_what_is_left_over_makes_no_saving_smaller(
    configure: Configure, tmp_path: Path
) -> None:
    async with open_services(configure()) as services:
        for model in ("acme/tiny", "acme/tiny-copy"):
            await install(services, model)
        before = (await services.storage.usage()).bytes_saved
        assert before >= len(WEIGHTS)
        (tmp_path / "nobody's").write_bytes(b"x" * 2 * before)
        BlobStore(services.configuration.paths.store).adopt(tmp_path / "nobody's")
        assert (await services.storage.usage()).bytes_saved == before


async def test_usage_is_told_by_type_source_and_model(configure: Configure) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/tiny")
        await install(services, "acme/eye")
        usage = await services.storage.usage()
        assert [one.model for one in usage.models] == ["hf:acme/tiny", "hf:acme/eye"]
        assert usage.by_source == {"hf": sum(usage.by_model.values())}
        assert usage.by_type["vision"] == 5000
        assert usage.by_type["llm"] > len(WEIGHTS)
        assert usage.over_quota == 0


async def test_only_what_was_used_counts_as_used(configure: Configure) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/tiny")
        await install(services, "acme/eye")
        assert len((await services.storage.usage()).never_used) == 2
        await services.activation.activate("acme/tiny")
        told = await figures(services)
        assert told["hf:acme/tiny"].last_used is not None and told["hf:acme/tiny"].active
        (never,) = (await services.storage.usage()).never_used
        assert never.model == "hf:acme/eye"


async def test_handing_a_model_out_counts_as_a_use_once_an_hour(configure: Configure) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/tiny")
        await services.activation.activate("acme/tiny")
        name = "hf:acme/tiny"
        async with await HubDatabase.open(services.configuration.paths.hub_database) as hub:
            await hub.installs.note_use(name, "2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z")
        await services.activation.environment("llm")
        first = (await figures(services))[name].last_used
        assert first is not None and first > "2026-01-02"
        slot = await services.activation.active("llm")
        assert slot is not None
        assert await services.activation.hand_out(slot) == slot.path
        assert (await figures(services))[name].last_used == first


async def test_a_quota_warns_and_stops_nothing(configure: Configure) -> None:
    quota = len(WEIGHTS) + 2000
    async with open_services(configure(TUI_HUB_STORE__QUOTA=str(quota))) as services:
        plan = await services.downloads.plan("acme/tiny")
        assert plan.note is None
        await install(services, "acme/tiny")
        plan = await services.downloads.plan("acme/eye")
        assert plan.note is not None and "over its quota of 3.0 MiB" in plan.note
        with services.bus.subscribe() as events:
            await install(services, "acme/eye")
            async for event in events:
                if isinstance(event, QuotaExceeded):
                    break
        assert event.quota == quota and event.used > quota
        usage = await services.storage.usage()
        assert usage.over_quota == event.used - quota
        found = [finding async for finding in disk.store(services.configuration, None)]
        assert ("warning", True) in [(one.status.value, "over its" in one.message) for one in found]
        await services.storage.delete("acme/eye")
        assert (await services.storage.usage()).over_quota == 0


async def test_what_is_lost_stays_listed_and_is_no_saving(
    configure: Configure, tmp_path: Path
) -> None:
    """The file of an adopted model was written to; then `gc` frees what it said it would."""
    place = tmp_path / "mine" / "mine.safetensors"
    place.parent.mkdir()
    place.write_bytes(tensors_file(1, 300_000))
    os.utime(place, ns=(OLD, OLD))
    async with open_services(configure()) as services:
        await services.scanning.run([str(place)], adopt=True, mode=ScanMode.REFERENCE)
        with place.open("ab") as file:
            file.write(b"more")
        usage = await services.storage.usage()
        (one,) = usage.models
        assert (one.model, one.bytes, one.lost, usage.bytes_saved) == ("local:mine", 0, 1, 0)
        errors = [one for one in await services.doctor.examine() if one.check == "models"]
        assert [one.status for one in errors] == [FindingStatus.ERROR]
        assert not (await services.verify.run()).sound
        would = await services.garbage.look()
        did = await services.garbage.sweep()
        assert (would.blobs, would.bytes) == (did.blobs, did.bytes)
        (one,) = (await services.storage.usage()).models
        assert (one.model, one.bytes, one.lost) == ("local:mine", 0, 1)
        errors = [one for one in await services.doctor.examine() if one.check == "models"]
        assert "download local:mine" in (errors[0].mend or "")
        await services.storage.delete("local:mine")
        assert (await services.storage.usage()).models == ()


async def test_a_lost_blob_that_two_models_share_saves_nothing(configure: Configure) -> None:
    async with open_services(configure()) as services:
        for model in ("acme/tiny", "acme/tiny-copy"):
            await install(services, model)
        store = BlobStore(services.configuration.paths.store)
        before = (await services.storage.usage()).bytes_saved
        weights = next(
            path for path in store.blobs.iterdir() if path.stat().st_size == len(WEIGHTS)
        )
        weights.unlink()
        usage = await services.storage.usage()
        assert usage.bytes_saved == before - len(WEIGHTS)
        assert {one.model: one.lost for one in usage.models} == {
            "hf:acme/tiny": 1,
            "hf:acme/tiny-copy": 1,
        }
