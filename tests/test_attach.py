"""`tui_hub.attach()`: the weights of a slot in another program, without a copy."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import inspect
import os
import re
import socket
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
import torch
from activation_homes import FIRST, home, install, torch_repositories
from homes import Configure
from safetensors.torch import load_file

import tui_hub
from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.domain.errors import HubError, NotFoundError, RefusedError, UnsafeError, UsageError
from tui_hub.domain.runtime import Program
from tui_hub.runtime.attached import Attached, in_storage
from tui_hub.runtime.receiving import Place
from tui_hub.runtime.torch_children import TorchChild
from tui_hub.services import Services
from tui_hub.settings import Configuration

TINY = "acme/tiny-llama"
README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> list[Repository]:
    """A language model of transformers' own, as its library saves it, where that is there."""
    if importlib.util.find_spec("transformers") is None:
        return []
    import transformers

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(7)
    shape = transformers.LlamaConfig(
        vocab_size=300, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2,
    )  # fmt: skip
    transformers.LlamaModel(shape).save_pretrained(folder)
    files = tuple(RepositoryFile(file.name, file.read_bytes()) for file in folder.iterdir())
    return [Repository(id=TINY, files=files, task="text-generation", downloads=10)]


@pytest.fixture
def hub(tmp_path: Path, tiny: list[Repository]) -> Iterator[DemoHub]:
    """A hub with models that torch can load."""
    models = [*tiny, *torch_repositories(tmp_path)]
    with DemoHub(per_connection=0, total=0, repositories=models) as running:
        yield running


@asynccontextmanager
async def active(configure: Configure, model: str, **more: str) -> AsyncIterator[Services]:
    """A home whose model is in memory."""
    async with home(configure(**{"TUI_HUB_RUNTIME__USE": "auto", **more})) as services:
        await install(services, model)
        result = await services.activation.activate(model)
        assert result.status == "active", result.error
        yield services


def attach(configuration: Configuration, slot: str = "llm") -> Attached:
    return tui_hub.attach(slot, environment=configuration.environment)


def files_of(weights: Attached) -> dict[str, torch.Tensor]:
    """The tensors as they are on disk."""
    return load_file(weights.path / "model.safetensors")


async def programs(services: Services) -> tuple[Program, ...]:
    """Who has the weights, as the process that holds them says."""
    slot = await services.activation.active("llm")
    assert slot is not None
    child = await TorchChild.attach(services.configuration.paths.state / "runtime", str(slot.child))
    assert child is not None
    try:
        return (await child.status()).programs
    finally:
        await child.close()


async def nobody_has_them(services: Services) -> None:
    """Wait until no program has the weights any more."""
    async with asyncio.timeout(60):
        while await programs(services):
            await asyncio.sleep(0.01)


def mappings(name: str) -> list[tuple[str, dict[str, int]]]:
    """The mappings of this process of what is named like this, with kilobytes: proc(5), smaps."""
    found = []
    for block in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text()):
        first, *rest = block.splitlines()
        if name in first:
            figures = re.findall(r"^(\w+): +(\d+) kB$", "\n".join(rest), re.MULTILINE)
            found.append((first, {word: int(number) for word, number in figures}))
    return found


def example() -> str:
    """The example of the documentation."""
    lines = inspect.getdoc(tui_hub.attach) or ""
    (block,) = re.findall(r"\n\n((?:    .*\n|\n)*?     +print.*\n)", lines)
    return textwrap.dedent(block)


async def test_the_example_gives_what_the_files_give(configure: Configure) -> None:
    assert f"```python\n{example()}```" in README.read_text(), "the README shows the same"
    transformers = pytest.importorskip("transformers")
    async with active(configure, TINY) as services:
        ran = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", example()],
            env={**os.environ, **services.configuration.environment},
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        slot = await services.activation.active("llm")
        assert slot is not None
        model = transformers.AutoModel.from_pretrained(slot.path).eval()
        with torch.inference_mode():
            expected = model(torch.tensor([[1, 2, 3]])).last_hidden_state.mean()
        assert float(re.findall(r"-?\d\.\d+(?:e-\d+)?", ran.stdout)[0]) == pytest.approx(
            float(expected), rel=1e-3
        )
        await nobody_has_them(services)


async def test_files_are_shared_and_what_is_written_stays_here(configure: Configure) -> None:
    async with active(configure, FIRST) as services:
        with attach(services.configuration) as weights:
            expected = files_of(weights)
            assert dict(weights).keys() == expected.keys()
            assert all(weights[name].equal(tensor) for name, tensor in expected.items())
            assert (weights.model, weights.device) == (f"hf:{FIRST}", "cpu")
            blob = str((weights.path / "model.safetensors").resolve())
            ours = [figures for _, figures in mappings(blob)]
            assert sum(one["Private_Dirty"] + one["Anonymous"] for one in ours) == 0
            assert sum(one["Rss"] for one in ours) > sum(one["Pss"] for one in ours) > 0

            name = next(iter(weights))
            weights[name].zero_()
            assert not weights[name].any()
            again = attach(services.configuration)
            assert again[name].equal(expected[name])
            assert load_file(weights.path / "model.safetensors")[name].equal(expected[name])


async def test_what_was_cast_is_shared_too(configure: Configure) -> None:
    async with active(configure, FIRST, TUI_HUB_RUNTIME__DTYPE="bfloat16") as services:
        weights = attach(services.configuration)
        for name, tensor in files_of(weights).items():
            assert weights[name].equal(tensor.bfloat16())
        ((line, figures),) = mappings("memfd:weights")
        assert line.split()[1] == "rw-p", "nobody can write into the memory of others"
        assert figures["Anonymous"] == 0 and figures["Rss"] > figures["Pss"] > 0


async def test_a_program_has_them_until_its_last_tensor_is_gone(configure: Configure) -> None:
    async with active(configure, FIRST) as services:
        weights = attach(services.configuration)
        one = weights["out.weight"].view(-1)[5:]
        (program,) = await programs(services)
        assert program.pid == os.getpid()
        assert program.program
        assert " ".join(psutil.Process().cmdline()).startswith(program.program)
        assert program.user == psutil.Process().username()
        assert not weights.wanted_back
        weights.close()
        assert len(weights) == 0
        assert await programs(services) == (program,), "a tensor of it is in use"
        assert float(one.sum()) != 0
        del one
        await nobody_has_them(services)


HOLDER = """
import sys, tui_hub
weights = tui_hub.attach("llm")
print("attached", flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def holder(configuration: Configuration) -> AsyncIterator[subprocess.Popen[bytes]]:
    """Another program that has the weights, and keeps them."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**os.environ, **configuration.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == b"attached\n"
        yield process
        process.kill()


async def test_who_keeps_them_is_named_when_the_slot_is_emptied(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_hub.services.holders.torch_holder._LET_GO_SECONDS", 0.1)
    async with active(configure, FIRST) as services, holder(services.configuration) as process:
        result = await services.activation.deactivate("llm")
        assert result.status == "inactive"
        user = psutil.Process().username()
        assert f"pid {process.pid} of {user}: " in (result.note or "")
        assert "still in the memory of" in (result.note or "")
        assert process.poll() is None


async def test_who_is_killed_has_them_no_more(configure: Configure) -> None:
    async with active(configure, FIRST) as services, holder(services.configuration) as process:
        assert [one.pid for one in await programs(services)] == [process.pid]
        process.kill()
        await nobody_has_them(services)
        assert (await services.activation.deactivate("llm")).note is None


async def test_a_deactivation_waits_for_who_lets_go(configure: Configure) -> None:
    async with active(configure, FIRST) as services:
        weights = attach(services.configuration)

        async def let_go() -> None:
            while not weights.wanted_back:
                await asyncio.sleep(0.01)
            weights.close()

        letting = asyncio.create_task(let_go())
        assert (await services.activation.deactivate("llm")).note is None
        await letting


async def test_what_cannot_be_attached_is_told(configure: Configure) -> None:
    configuration = configure(TUI_HUB_RUNTIME__USE="auto")
    with pytest.raises(UsageError, match="no model type 'llms'"):
        attach(configuration, "llms")
    with pytest.raises(NotFoundError, match="the slot llm is empty") as missing:
        attach(configuration)
    assert missing.value.message.endswith(f" in {configuration.paths.home}")
    assert "TUI_HUB_HOME or `home=` names another" in (missing.value.hint or "")
    assert not configuration.paths.hub_database.exists(), "asking makes no home"
    async with home(configuration) as services:
        await install(services, FIRST)
        with pytest.raises(NotFoundError, match="the slot llm is empty"):
            attach(configuration)
        await services.activation.activate(FIRST, runtime="link")
        with pytest.raises(
            RefusedError, match="active by link, which hands out no tensors"
        ) as told:
            attach(configuration)
        assert f"`tui-hub switch hf:{FIRST} --runtime torch`" in (told.value.hint or "")
        result = await services.activation.switch(FIRST, runtime="torch")
        without_torch = "import sys, tui_hub; sys.modules['torch'] = None; tui_hub.attach('llm')"
        ran = subprocess.run(
            [sys.executable, "-c", without_torch],
            env={**os.environ, **configuration.environment},
            capture_output=True,
            text=True,
        )
        assert "tensors need torch, which this Python cannot import" in ran.stderr
        holding = psutil.Process(result.pid)
        holding.kill()
        await asyncio.to_thread(holding.wait, 30)
        with pytest.raises(HubError, match=f"process {result.pid} .* is gone"):
            attach(configuration)


STRANGER = """
import os, socket
listening = socket.socket(fileno=0)
os.setuid(65534)
listening.listen()
print("listening", flush=True)
listening.accept()[0].recv(1)
"""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: being somebody else needs root")
async def test_another_user_s_process_gets_no_belief(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with active(configure, FIRST) as services:
        slot = await services.activation.active("llm")
        assert slot is not None
        place = services.configuration.paths.state / "runtime" / str(slot.child)
        place.rename(place.with_suffix(".away"))
        monkeypatch.chdir(place.parent)  # an address is no longer than 108 bytes
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(place.name)
            with subprocess.Popen(
                [sys.executable, "-c", STRANGER], stdin=listening, stdout=subprocess.PIPE
            ) as other:
                assert other.stdout is not None and other.stdout.readline()
                with pytest.raises(UnsafeError, match="another user's"):
                    attach(services.configuration)
        place.with_suffix(".away").rename(place)


def test_memory_of_a_gpu_is_let_go_with_its_last_tensor() -> None:
    """The storage that CUDA hands over, with one of the processor's in its place."""
    numbers = torch.arange(12, dtype=torch.float32)
    storage, gone = numbers.untyped_storage(), threading.Event()
    weakref.finalize(storage, gone.set)
    tensor = in_storage(torch, storage, Place(0, 16, "float32", [2, 3]))
    assert tensor.equal(torch.arange(4, 10, dtype=torch.float32).view(2, 3))
    assert in_storage(torch, storage, Place(0, 0, "int8", [0, 3])).shape == (0, 3)
    del storage, numbers
    row = torch.nn.Parameter(tensor)[1]
    del tensor
    assert not gone.is_set()
    del row
    assert gone.is_set()


def test_importing_the_package_imports_no_torch() -> None:
    code = "import sys, tui_hub.attaching; print(sorted({*sys.modules} & {'torch', 'textual'}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ast.literal_eval(ran.stdout) == []
