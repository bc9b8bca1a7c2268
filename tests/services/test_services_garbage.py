"""Sweeping the store: what nothing needs goes, and nothing else, beside any other work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen

import pytest
from homes import Configure
from small_models import OTHER_WEIGHTS

from tui_hub.blobs import BlobStore, receipts
from tui_hub.domain.errors import RefusedError
from tui_hub.domain.garbage import Garbage, GarbageKind
from tui_hub.domain.jobs import JobStatus
from tui_hub.services import Services, open_services

Start = Callable[..., "Popen[str]"]


async def install(services: Services, model: str, **choice: str) -> Path:
    job = await services.downloads.start(model, **choice)  # type: ignore[arg-type]
    done = await services.downloads.wait(job.id)
    assert (done.status, done.error) == (JobStatus.COMPLETED, None)
    assert done.path is not None
    return Path(done.path)


def store_of(services: Services) -> BlobStore:
    return BlobStore(services.configuration.paths.store)


def kinds(found: Garbage) -> dict[GarbageKind, set[str]]:
    """The names of the pieces by kind."""
    named: dict[GarbageKind, set[str]] = {}
    for piece in found.pieces:
        named.setdefault(piece.kind, set()).add(Path(piece.path).name)
    return named


def age(path: Path, days: int = 30) -> None:
    """Let a file, or all of a folder, look as if nobody had touched it for long."""
    then = path.lstat().st_mtime - days * 86_400
    for one in (path, *path.rglob("*")) if path.is_dir() else (path,):
        os.utime(one, (then, then), follow_symlinks=False)


async def test_what_crashes_left_is_swept_and_what_is_needed_stays(configure: Configure) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/tiny")
        gone = await install(services, "acme/eye")
        store = store_of(services)
        weights = (gone / "eye.tflite").resolve().name
        needed = set(store.iter()) - {weights}
        # As a deletion leaves it that was killed behind its first step.
        receipts.delete(store, "hf:acme/eye")
        (store.active / "vision").symlink_to("../models/vision/nothing")
        partial = store.temp / "old.host-1-abc.part"
        partial.write_bytes(b"x" * 10_000)
        small = store.metadata / "acme_eye"
        for path in (partial, small):
            age(path)
        (store.models / "llm" / "mine").mkdir()

        would = await services.garbage.look()
        did = await services.garbage.sweep()

        assert kinds(would) == kinds(did) == {
            GarbageKind.BLOB: {weights},
            GarbageKind.VIEW: {"eye"},
            GarbageKind.CACHE: {"models--acme--eye"},
            GarbageKind.METADATA: {"acme_eye"},
            GarbageKind.SLOT: {"vision"},
            GarbageKind.PARTIAL: {"old.host-1-abc.part"},
        }  # fmt: skip
        assert would.blobs == did.blobs == 1
        assert did.bytes >= 5000 + 10_000
        assert set(store.iter()) == needed
        assert not gone.exists() and not (store.hf / "models--acme--eye").exists()
        assert (store.models / "llm" / "mine").is_dir(), "what has no mark is somebody's own"
        assert (await services.garbage.sweep()).pieces == ()
        assert (await services.verify.run()).sound


async def test_a_dry_run_changes_nothing(configure: Configure) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/eye")
        store = store_of(services)
        receipts.delete(store, "hf:acme/eye")
        before = {str(path) for path in store.root.rglob("*")}
        assert (await services.garbage.look()).blobs == 1
        assert {str(path) for path in store.root.rglob("*")} == before


async def test_a_receipt_that_cannot_be_read_stops_it_by_name(configure: Configure) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/tiny")
        await install(services, "acme/eye")
        store = store_of(services)
        receipts.delete(store, "hf:acme/eye")
        damaged = store.metadata / "acme_tiny" / "receipt.json"
        damaged.write_text("{")
        before = {str(path) for path in store.root.rglob("*")}
        for work in (services.garbage.look, services.garbage.sweep):
            with pytest.raises(RefusedError) as refused:
                await work()
            assert str(damaged) in refused.value.message
        assert {str(path) for path in store.root.rglob("*")} >= before


async def test_what_is_active_stays_though_its_receipt_is_lost(configure: Configure) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/tiny")
        await services.activation.activate("acme/tiny")
        receipts.delete(store_of(services), "hf:acme/tiny")
        await services.garbage.sweep()
        link = store_of(services).active / "llm"
        assert link.resolve() == folder.resolve()
        assert all(path.exists() for path in folder.iterdir())


async def test_a_paused_download_keeps_what_it_waits_with(configure: Configure) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/quants", variant="Q4_0")
        services.downloads.set_limit(100_000)
        job = await services.downloads.start("acme/quants", variant="Q8_0")
        await services.downloads.pause(job.id)
        assert (await services.downloads.wait(job.id)).status is JobStatus.PAUSED
        # As a kill leaves it: the rows tell of a file, and no receipt does yet.
        receipts.delete(store_of(services), "hf:acme/quants")
        found = await services.garbage.sweep()
        assert (found.blobs, found.kept) == (0, 2)
        await services.downloads.cancel(job.id)
        assert (await services.garbage.sweep()).blobs == 2
        assert set(store_of(services).iter()) == set()
        files = (await services.repositories.details("acme/quants")).files
        assert not any(file.blob for file in files), "no row names bytes that are gone"


async def test_registered_models_keep_their_small_files(configure: Configure) -> None:
    async with open_services(configure()) as services:
        await services.repositories.register("acme/tiny")
        store = store_of(services)
        age(store.metadata / "acme_tiny")
        assert (await services.garbage.sweep()).pieces == ()
        await services.repositories.unregister("acme/tiny")
        assert kinds(await services.garbage.sweep()) == {GarbageKind.METADATA: {"acme_tiny"}}


async def test_quarantine_goes_only_when_asked(configure: Configure) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/eye")
        store = store_of(services)
        weights = next(path for path in store.blobs.iterdir() if path.stat().st_size == 5000)
        weights.chmod(0o644)
        weights.write_bytes(OTHER_WEIGHTS[:4999])
        await services.verify.run()
        await install(services, "acme/eye")
        assert (await services.garbage.sweep()).pieces == ()
        early = await services.garbage.sweep(quarantined_before="2026-01-01T00:00:00Z")
        assert early.pieces == ()
        swept = await services.garbage.sweep(quarantined_before="2126-01-01T00:00:00Z")
        assert [piece.kind for piece in swept.pieces] == [GarbageKind.QUARANTINE]
        assert not list(store.quarantined.iterdir())


@pytest.fixture
def python() -> Iterator[Start]:
    """Starts another Python process from a text and arguments; it ends with the test."""
    started: list[Popen[str]] = []

    def start(program: str, *arguments: object) -> Popen[str]:
        process = Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


STEPS = """
import sys
from pathlib import Path
from tui_hub.blobs import BlobStore, Receipt, ReceiptFile, hold, publish_hf, publish_model, receipts
store = BlobStore(Path(sys.argv[1]))
source = Path(sys.argv[2])

def reached(point):
    print(point, flush=True)
    sys.stdin.readline()

with hold(store) as held:
    from tui_hub.blobs import Terms
    sha256 = store.adopt(source, Terms(announce=held.add))
    reached("adopted")
    view = publish_model(store, "llm", "new", "org", "hf:org/new", {"a.bin": sha256})
    reached("view")
    publish_hf(store, "org/new", "c" * 40, ("main",), [("a.bin", sha256, None)])
    reached("cache")
    receipts.write(store, Receipt(
        model="hf:org/new", source="hf", revision="c" * 40, type="llm", name="new", author="org",
        installed_at="2026-01-31T02:00:00Z", path=str(view.relative_to(store.root)),
        files=(ReceiptFile(path="a.bin", sha256=sha256, size=source.stat().st_size),),
    ))
reached("receipt")
"""


async def test_an_installation_of_another_process_is_left_alone_at_every_step(
    configure: Configure, python: Start, tmp_path: Path
) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/eye")
        store = store_of(services)
        source = tmp_path / "a.bin"
        source.write_bytes(OTHER_WEIGHTS)
        process = python(STEPS, store.root, source)
        assert process.stdin is not None and process.stdout is not None
        for point in ("adopted", "view", "cache", "receipt"):
            assert process.stdout.readline().strip() == point
            assert (await services.garbage.sweep()).pieces == (), point
            process.stdin.write("\n")
            process.stdin.flush()
        assert process.wait() == 0
        assert (await services.garbage.sweep()).pieces == ()
        view = store.models / "llm" / "new" / "a.bin"
        assert view.read_bytes() == OTHER_WEIGHTS
        assert (await services.verify.run()).sound


@pytest.mark.parametrize("point", ["adopted", "view", "cache"])
async def test_what_a_killed_installation_left_is_swept(
    configure: Configure, python: Start, tmp_path: Path, point: str
) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/eye")
        store = store_of(services)
        before = set(store.iter())
        source = tmp_path / "a.bin"
        source.write_bytes(OTHER_WEIGHTS)
        process = python(STEPS, store.root, source)
        assert process.stdin is not None and process.stdout is not None
        while process.stdout.readline().strip() != point:
            process.stdin.write("\n")
            process.stdin.flush()
        process.kill()
        process.wait()
        assert (await services.garbage.sweep()).blobs == 1
        assert set(store.iter()) == before
        assert not (store.models / "llm" / "new").exists()
        assert not (store.hf / "models--org--new").exists()
        assert (await services.verify.run()).sound
