"""What other programs open of a model, after every change and after a kill between its steps."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mortal import Mortal
from ollama_server import OllamaServer
from small_models import small_repositories

from tui_hub.blobs import BlobStore, receipts
from tui_hub.blobs.views import VIEW_MARKER
from tui_hub.demo import DemoHub, RepositoryFile
from tui_hub.domain.errors import NotFoundError
from tui_hub.domain.types import ModelType
from tui_hub.services import Services, open_services
from tui_hub.settings import Configuration, load_configuration

WORK = """
from tui_hub.blobs import receipts
from tui_hub.database.records import InstallTable
from tui_hub.domain.types import ModelType
from tui_hub.services.downloads import installing
from tui_hub.services.storage import service as storage
from tui_hub.services.storage import views

action, model = arguments
OWNERS = (
    (views, "announce publish_model publish_hf publish_ollama settle"),
    (views, "remove_model remove_hf remove_ollama"),
    (receipts, "write delete"),
    (InstallTable, "put forget"),
    (installing, "remove_model retire"),
    (storage, "remove_metadata collect"),
)

async def main(services):
    if action == "download":
        job = await services.downloads.start(model)
        assert (await services.downloads.wait(job.id)).status == "completed"
    elif action == "delete":
        await services.storage.delete(model)
    else:
        await services.catalogue.edit(model, type=ModelType(action))
"""
TINY = "hf:acme/tiny"
LLAMA = "ollama:llama"


@pytest.fixture
def ollama() -> Iterator[OllamaServer]:
    server = OllamaServer()
    server.add("library/llama:latest", {"model": b"weights", "template": b"{{ .Prompt }}"})
    yield server
    server.close()


@pytest.fixture
def configuration(hub: DemoHub, ollama: OllamaServer, tmp_path: Path) -> Configuration:
    return load_configuration(
        environment={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TUI_HUB_HOME": str(tmp_path / "home"),
            "HF_ENDPOINT": hub.endpoint,
            "TUI_HUB_RUNTIME__USE": "link",
            "TUI_HUB_OLLAMA__REGISTRY": ollama.url,
            "OLLAMA_HOST": "127.0.0.1:1",
        }
    )


def change(hub: DemoHub, ollama: OllamaServer) -> None:
    """Give both models a newer revision."""
    before = small_repositories()[0]
    hub.put(
        replace(before, files=(*before.files[1:3], RepositoryFile("model.safetensors", b"newer")))
    )
    ollama.add("library/llama:latest", {"model": b"newer weights"})


async def differences(services: Services) -> list[str]:
    """Where rows, receipts, views and bytes do not say the same."""
    context = services.jobs._context
    store = context.store
    found = {one.model: one for one in receipts.iter(store) if one.path}
    rows = {one.model: one for one in await services.storage.installs()}
    wrong = [f"only one side knows {model}" for model in found.keys() ^ rows.keys()]
    views = {path.parent for path in store.models.rglob(VIEW_MARKER)}
    wrong += [
        f"{view} is nobody's" for view in views - {store.root / r.path for r in found.values()}
    ]
    for model in found.keys() & rows.keys():
        receipt, row = found[model], rows[model]
        if (row.revision, row.path) != (receipt.revision, str(store.root / receipt.path)):
            wrong.append(f"{model}: {row} and {receipt}")
        shown = _links(store, store.root / receipt.path)
        if shown != {file.path: file.sha256 for file in receipt.files}:
            wrong.append(f"{model}: its folder shows {shown}")
        files = await context.hub.artifacts.of(model, row.revision)
        here = {file.path: file.blob for file in files if file.blob}
        if here != shown:
            wrong.append(f"{model}: its rows say {here}")
    return wrong + _foreign_views(store, found)


def _foreign_views(store: BlobStore, found: dict[str, receipts.Receipt]) -> list[str]:
    wrong = []
    repositories = {path.name: path for path in store.hf.glob("models--*")}
    tiny = found.get(TINY)
    if list(repositories) != ([] if tiny is None else ["models--acme--tiny"]):
        wrong.append(f"the cache shows {list(repositories)}")
    elif tiny is not None:
        folder = repositories["models--acme--tiny"]
        snapshots = [path.name for path in (folder / "snapshots").iterdir()]
        refs = (folder / "refs" / "main").read_text()
        if (snapshots, refs) != ([tiny.revision], tiny.revision):
            wrong.append(f"the cache shows {snapshots} and main is {refs}")
        shown = _links(store, folder / "snapshots" / refs)
        if shown != {file.path: file.sha256 for file in tiny.files}:
            wrong.append(f"the cache shows {shown}")
    place = store.root / "ollama" / "manifests" / "registry.ollama.ai" / "library/llama/latest"
    blobs = {path.name: path for path in (store.root / "ollama" / "blobs").glob("*")}
    llama = found.get(LLAMA)
    if place.exists() != (llama is not None):
        wrong.append(f"a daemon sees the model: {place.exists()}")
    elif llama is not None:
        hashes = {file.sha256 for file in llama.files} - {llama.revision}
        if {name.removeprefix("sha256-") for name in blobs} != hashes:
            wrong.append(f"a daemon sees the blobs {sorted(blobs)}")
    elif blobs:
        wrong.append(f"a daemon sees the blobs {sorted(blobs)}")
    wrong += [f"{path} leads nowhere" for path in blobs.values() if not path.exists()]
    return wrong


def _links(store: BlobStore, folder: Path) -> dict[str, str]:
    """What a folder shows: the blobs behind its files."""
    shown = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            target = Path(os.path.realpath(path))
            assert target.parent == store.blobs and target.exists(), path
            shown[str(path.relative_to(folder))] = target.name
    return shown


@pytest.mark.parametrize(
    ("action", "model"),
    [
        ("download", TINY),
        ("newer", TINY),
        ("tts", TINY),
        ("delete", TINY),
        ("newer", LLAMA),
        ("delete", LLAMA),
    ],
)
async def test_views_are_right_after_a_kill_between_any_two_steps(
    action: str, model: str, configuration: Configuration, hub: DemoHub, ollama: OllamaServer
) -> None:
    home = configuration.paths.hub_database.parent
    async with open_services(configuration) as services:
        if action != "download":
            job = await services.downloads.start(model)
            await services.downloads.wait(job.id)
    if action == "newer":
        change(hub, ollama)
    kept = home.with_name("kept")
    shutil.copytree(home, kept, symlinks=True)
    doing = "download" if action == "newer" else action
    worker = Mortal(configuration, WORK, doing, model)
    try:
        steps = worker.run(999)
        assert steps is not None and len(steps) >= 5
        for doomed in range(len(steps)):
            shutil.rmtree(home)
            shutil.copytree(kept, home, symlinks=True)
            assert worker.run(doomed) is None, f"before step {doomed} of {steps}"
            await mended(configuration, doing, model, f"before step {doomed} of {steps}")
    finally:
        worker.close()


async def mended(configuration: Configuration, doing: str, model: str, when: str) -> None:
    """See that the next start finds a sound home, and that the work can be done there."""
    async with open_services(configuration) as services:
        assert await differences(services) == [], when
        assert not list((configuration.paths.store / "temp").glob("*.views")), when
        if doing == "delete":
            with contextlib.suppress(NotFoundError):  # it may have come so far
                await services.storage.delete(model)
            assert await services.storage.installs() == []
        elif doing == "download":
            job = await services.downloads.start(model)
            assert (await services.downloads.wait(job.id)).error is None
        else:
            await services.catalogue.edit(model, type=ModelType(doing))
            (install,) = await services.storage.installs()
            assert install.type == doing
        assert await differences(services) == [], f"done again, {when}"
