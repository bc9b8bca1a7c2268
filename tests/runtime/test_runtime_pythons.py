"""Which Python has which torch, and what is said of one that has none."""

from __future__ import annotations

import ast
import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from starting import Start
from waiting import gone

from tui_hub.domain.errors import HubError, RefusedError
from tui_hub.domain.runtime import LoadRequest
from tui_hub.runtime.pythons import SCRIPT, probe_torch, python_of, try_torch
from tui_hub.runtime.torch_children import TorchChild


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with nothing but the standard library."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return str(folder / "bin" / "python")


def fake_torch(folder: Path, content: str) -> dict[str, str]:
    """An environment in which this is what `import torch` finds."""
    (folder / "torch").mkdir(parents=True)
    (folder / "torch" / "__init__.py").write_text(content)
    return {**os.environ, "PYTHONPATH": str(folder)}


def executable(path: Path, content: str) -> str:
    path.write_text(content)
    path.chmod(0o755)
    return str(path)


def test_a_setting_names_a_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert python_of("") == python_of(None) == sys.executable
    assert python_of("~/venv/bin/python") == "/home/me/venv/bin/python"
    assert python_of("bin/python") == str(Path.cwd() / "bin/python")
    assert python_of("python3.12") == "python3.12"


async def test_torch_is_found_without_importing_it(bare: str, tmp_path: Path) -> None:
    assert await probe_torch(None) == torch.__version__
    assert await probe_torch(sys.executable) == torch.__version__
    assert await probe_torch(bare, environment={}) is None
    environment = fake_torch(tmp_path, "raise SystemExit('imported')")
    assert await probe_torch(bare, environment=environment) == "unknown"


async def test_a_torch_is_tried_by_importing_it(bare: str, tmp_path: Path) -> None:
    assert await try_torch(None) == torch.__version__
    assert await try_torch(sys.executable) == torch.__version__
    assert await try_torch(bare, environment={}) is None
    for number, (content, said) in enumerate(
        (
            ("raise ImportError('libcudart.so.12: cannot open')", "ImportError: libcudart.so.12"),
            ("raise SystemExit(3)", "ended with exit status 3"),
            ("import os; os.abort()", "was ended by SIGABRT"),
            ("print('not yet whole')", "module 'torch' has no attribute 'empty'"),
        )
    ):
        environment = fake_torch(tmp_path / str(number), content)
        assert await probe_torch(bare, environment=environment) == "unknown"
        with pytest.raises(HubError, match=f"cannot import the torch that it has: .*{said}"):
            await try_torch(bare, environment=environment)


async def test_a_folder_that_happens_to_be_named_torch_is_none(bare: str, tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    assert await probe_torch(bare, environment={"PYTHONPATH": str(tmp_path)}) is None


async def test_a_python_that_is_not_there_is_named(start: Start, tmp_path: Path) -> None:
    for python in ("/nowhere/python", str(tmp_path), "no-such-python"):
        with pytest.raises(HubError, match="cannot be run") as raised:
            await start(python=python)
        assert raised.value.hint is not None
        assert "runtime.python" in raised.value.hint
        with pytest.raises(HubError, match="cannot be run"):
            await probe_torch(python)


async def test_what_is_no_python_is_told(start: Start, tmp_path: Path) -> None:
    wrong = executable(tmp_path / "wrong", "#!/bin/sh\necho no such luck >&2\nexit 3\n")
    with pytest.raises(HubError, match="wrong ended with exit status 3: no such luck"):
        await start(python=wrong)
    with pytest.raises(HubError, match="cannot look for torch: no such luck"):
        await probe_torch(wrong)
    silent = executable(tmp_path / "silent", f"#!/bin/sh\necho $$ >{tmp_path}/pid\nexec sleep 60\n")
    with pytest.raises(HubError, match="does not answer within"):
        await start(python=silent, timeout=0.5)
    assert gone(int((tmp_path / "pid").read_text()))


async def test_a_python_without_torch_is_refused_with_the_way_out(start: Start, bare: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    child = await start(python=bare, environment=environment)
    with pytest.raises(RefusedError, match="has no torch") as raised:
        await child.ready()
    assert raised.value.hint is not None
    assert "tui-hub[torch]" in raised.value.hint
    assert (await child.status()).state == "broken"
    with pytest.raises(RefusedError, match="has no torch"):
        await child.load(LoadRequest(files=("/x.safetensors",)), lambda _: None)
    await child.end()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "raise ImportError('libcudart.so.12: \\x1b[31mcannot open\\nand much more')",
            "cannot be imported: ImportError: libcudart.so.12: �.31mcannot open$",
        ),
        ("raise SystemExit(1)", "cannot be imported: SystemExit: 1"),
        ("", "cannot be imported: AttributeError"),
    ],
)
async def test_a_broken_torch_is_told(
    start: Start, bare: str, tmp_path: Path, content: str, message: str
) -> None:
    child = await start(python=bare, environment=fake_torch(tmp_path / "site", content))
    with pytest.raises(HubError, match=message) as raised:
        await child.ready()
    assert type(raised.value) is HubError
    await child.end()


async def test_a_torch_that_crashes_when_imported_is_told(
    start: Start, bare: str, tmp_path: Path
) -> None:
    crash = "import os, sys\nprint('undefined symbol: x', file=sys.stderr)\nos.abort()"
    child = await start(python=bare, environment=fake_torch(tmp_path / "site", crash))
    with pytest.raises(HubError, match="was ended by SIGABRT: undefined symbol: x"):
        await child.ready()
    assert await TorchChild.attach(tmp_path / "state", "llm") is None


def imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports from elsewhere."""
    if isinstance(node, ast.ImportFrom):
        return [] if node.level else [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def test_the_child_runs_on_older_pythons_alone() -> None:
    """Grammar of Python 3.9, modules of its standard library, and those of its own folder."""
    files = sorted(SCRIPT.glob("*.py"))
    assert len(files) > 5
    trees = [ast.parse(file.read_text(), feature_version=(3, 9)) for file in files]
    modules = {
        name.partition(".")[0]
        for tree in trees
        for node in ast.walk(tree)
        for name in imported(node)
    }
    assert modules <= sys.stdlib_module_names - {"tomllib"}


@pytest.mark.parametrize("safe_path", ["", "1"])
def test_its_modules_hide_no_others(bare: str, tmp_path: Path, safe_path: str) -> None:
    """A program's folder comes first on the path, where `process` would be a module of all."""
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, sys; atexit.register(lambda: print(sys.path))"
    )
    run = subprocess.run(
        [bare, SCRIPT, "--probe"],
        env={"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": safe_path},
        capture_output=True,
        text=True,
        check=True,
    )
    path = ast.literal_eval(run.stdout.splitlines()[-1])
    assert str(tmp_path) in path
    assert not [one for one in path if one.startswith(str(SCRIPT.parent))]


def test_its_memory_is_hidden() -> None:
    """PR_GET_DUMPABLE, prctl(2), in a process that hid itself."""
    code = "import ctypes; from torch_child.kernel import LIBRARY; LIBRARY.hide_memory()"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"],
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "0"


async def test_who_waits_no_more_leaves_no_process(tmp_path: Path) -> None:
    slow = executable(tmp_path / "slow", f"#!/bin/sh\necho $$ >{tmp_path}/pid\nexec sleep 600\n")
    trying = asyncio.create_task(try_torch(slow))
    async with asyncio.timeout(60):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            await asyncio.sleep(0.01)
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    assert gone(int((tmp_path / "pid").read_text()))
