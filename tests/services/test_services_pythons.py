"""The box's own Python: its torch loads models, and what is wrong with a bad one is said."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch
from activation_homes import FIRST, children, home, install, torch_repositories
from homes import Configure

from tui_hub.demo import DemoHub
from tui_hub.domain.errors import HubError, RefusedError
from tui_hub.settings import Configuration


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load."""
    with DemoHub(per_connection=0, total=0, repositories=torch_repositories(tmp_path)) as running:
        yield running


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two virtual environments: one that has torch, and one that has nothing."""
    found = {}
    for name in ("full", "bare"):
        folder = tmp_path_factory.mktemp(name)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        found[name] = folder / "bin" / "python"
    (packages,) = found["full"].parents[1].glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(str(Path(torch.__file__).parents[1]))
    return found


@pytest.fixture
def counting(environments: dict[str, Path], tmp_path: Path) -> Path:
    """The one with torch, by a program that notes each of its starts."""
    script = tmp_path / "counting-python"
    script.write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/starts\nexec {environments["full"]} "$@"\n'
    )
    script.chmod(0o755)
    return script


def with_python(configure: Configure, python: object) -> Configuration:
    # Without a path of the tests' own, by which any Python would find this project.
    return configure(
        TUI_HUB_RUNTIME__USE="auto", TUI_HUB_RUNTIME__PYTHON=str(python), PYTHONPATH=""
    )


async def test_a_second_environment_loads_the_model(
    configure: Configure, environments: dict[str, Path]
) -> None:
    configuration = with_python(configure, environments["full"])
    async with home(configuration) as services:
        await install(services, FIRST)
        done = await services.activation.activate(FIRST)
        assert (done.status, done.runtime) == ("active", "torch")
        (child,) = children(configuration)
        assert child.cmdline()[0] == str(environments["full"])
        assert child.pid == done.pid and psutil.Process(child.pid).ppid() == os.getpid()
        await services.activation.deactivate("llm")


async def test_it_is_asked_for_its_torch_once(
    configure: Configure, counting: Path, tmp_path: Path
) -> None:
    async with home(with_python(configure, counting)) as services:
        await install(services, FIRST)
        for _ in range(3):
            assert (await services.fit.check(FIRST)).torch
        await services.activation.activate(FIRST)
        await services.activation.deactivate("llm")
        starts = (tmp_path / "starts").read_text().splitlines()
        assert len(starts) == 2, "one that asks, and one that loads"


async def test_what_is_wrong_with_it_is_said(
    configure: Configure, environments: dict[str, Path], tmp_path: Path
) -> None:
    odd = tmp_path / "odd"
    odd.write_text("#!/bin/sh\necho 'no such interpreter here' >&2\nexit 3\n")
    odd.chmod(0o755)
    for python, said, hint in (
        (environments["bare"], "bare.*/bin/python has no torch", "-m pip install torch"),
        ("/nowhere/python", "/nowhere/python cannot be run: No such file", "runtime.python"),
        (tmp_path, "cannot be run: Permission denied", "runtime.python"),
        (odd, "odd cannot look for torch: no such interpreter here", "runtime.python"),
    ):
        async with home(with_python(configure, python)) as services:
            await install(services, FIRST)
            with pytest.raises(HubError, match=said) as told:
                await services.activation.activate(FIRST, runtime="torch")
            assert told.value.hint and hint in told.value.hint


async def test_one_that_gets_torch_later_is_asked_again(
    configure: Configure, environments: dict[str, Path], tmp_path: Path
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "late"], check=True)
    python = tmp_path / "late" / "bin" / "python"
    async with home(with_python(configure, python)) as services:
        await install(services, FIRST)
        with pytest.raises(RefusedError, match="has no torch"):
            await services.activation.activate(FIRST, runtime="torch")
        (packages,) = (tmp_path / "late").glob("lib/python*/site-packages")
        (packages / "borrowed.pth").write_text(str(Path(torch.__file__).parents[1]))
        assert (await services.activation.activate(FIRST)).runtime == "torch"


async def test_a_check_says_why_a_python_loads_nothing(
    configure: Configure, environments: dict[str, Path], tmp_path: Path
) -> None:
    odd = tmp_path / "odd"
    odd.write_text("#!/bin/sh\necho 'no such interpreter here' >&2\nexit 3\n")
    odd.chmod(0o755)
    plain = tmp_path / "plain"
    plain.touch()
    (tmp_path / "site" / "torch").mkdir(parents=True)
    (tmp_path / "site" / "torch" / "__init__.py").write_text("raise ImportError('no libcudart')")
    path, bare = str(tmp_path / "site"), environments["bare"]
    for python, said, hint, more in (
        (bare, f"{bare} has no torch", "-m pip install torch", ""),
        (plain, f"{plain} cannot be run: Permission denied", "runtime.python", ""),
        ("/no/python", "/no/python cannot be run: No such file", "runtime.python", ""),
        (odd, f"{odd} cannot look for torch: no such interpreter here", "runtime.python", ""),
        (bare, "cannot import the torch that it has: ImportError: no lib", "runtime.python", path),
        ("", "cannot import the torch that it has: ImportError: no lib", "runtime.python", path),
    ):
        configuration = configure(TUI_HUB_RUNTIME__PYTHON=str(python), PYTHONPATH=more)
        async with home(configuration) as services:
            report = await services.fit.check(FIRST)
            assert report.torch is None and report.torch_trouble is not None
            assert said in report.torch_trouble and hint in report.torch_trouble
            (warning,) = (line for line in report.warnings if "not loaded" in line)
            assert said in warning
