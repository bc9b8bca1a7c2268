"""Weights that are not what they say, or could run a program, refused before they are opened."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from activation_homes import CONFIG, children, home, install
from homes import Configure
from hostile_pickles import archive, honest, hostile, safetensors, under_other_heads
from ollama_server import OllamaServer
from small_models import tensors_file

from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.domain.errors import PickleError, RefusedError, UnsafeError
from tui_hub.services import Services

pytestmark = pytest.mark.usefixtures("warm_torch")

SCRIPT = Path(__file__).parents[1] / "server_script.py"
PICKLE, SAFE = "acme/pickle", "acme/safe"
TORCH = {"TUI_HUB_RUNTIME__USE": "auto"}


def model(name: str, content: bytes, path: str) -> Repository:
    files = (CONFIG, RepositoryFile(path, content))
    return Repository(id=f"acme/{name}", files=files, task="text-generation")


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that stands once foreign code has run."""
    return tmp_path / "ran"


@pytest.fixture
def hub(marker: Path) -> Iterator[DemoHub]:
    """A hub with weights of all kinds under names of all kinds."""
    bad = hostile(marker)
    scripted = archive({"m/code/m.py": b"", "m/constants.pkl": b"", "m/data.pkl": b"\x80\x02N."})
    both = (
        CONFIG,
        RepositoryFile("pytorch_model.bin", honest()),
        RepositoryFile("model.safetensors", tensors_file(3)),
    )
    repositories = [
        model("pickle", honest(), "pytorch_model.bin"),
        model("older", honest(older=True), "pytorch_model.pt"),
        Repository(id="acme/both", files=both, task="text-generation"),
        model("safe", tensors_file(1), "model.safetensors"),
        model("disguised", bad["framed"], "model.safetensors"),
        model("disguised-archive", bad["in an archive"], "model.safetensors"),
        model("evil", bad["reduce"], "pytorch_model.bin"),
        model("evil-head", under_other_heads(marker)["nothing"], "pytorch_model.bin"),
        model("evil-archive", bad["in an archive"], "pytorch_model.pt"),
        model("broken", honest(older=True)[:20], "pytorch_model.bin"),
        model("script", scripted, "model.pt"),
        model("gguf-in-pt", b"GGUF\x03\0\0\0", "model.pt"),
        model("safe-in-bin", safetensors(), "model.bin"),
        model("seven-zip", b"7z\xbc\xaf\x27\x1c" + bytes(99), "model.bin"),
        model("evil-gguf", bad["framed"], "model-Q4_0.gguf"),
    ]
    with DemoHub(per_connection=0, total=0, repositories=repositories) as running:
        yield running


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("disguised", "model.safetensors is a pickle, whatever its name says"),
        ("disguised-archive", "model.safetensors is a pickle, whatever its name says"),
        ("evil", "pytorch_model.bin is a pickle that asks for posix.system: that is more"),
        ("evil-archive", "asks for posix.system"),
        ("broken", "cannot be looked through"),
        ("script", "model.pt is TorchScript: a program"),
        ("gguf-in-pt", "model.pt is GGUF, and not what torch writes"),
        ("safe-in-bin", "model.bin is safetensors, and not what torch writes"),
        ("seven-zip", "model.bin is an archive, and not what torch writes"),
    ],
)
async def test_it_is_refused_by_its_bytes_whatever_was_agreed_to(
    configure: Configure, marker: Path, name: str, said: str
) -> None:
    configuration = configure(**TORCH)
    async with home(configuration) as services:
        await install(services, SAFE, f"acme/{name}")
        await services.activation.activate(SAFE)
        before = children(configuration)
        with pytest.raises(RefusedError, match=said) as refused:
            await services.activation.switch(f"acme/{name}", consent=True)
        assert refused.value.hint and not isinstance(refused.value, PickleError)
        assert "--variant" not in refused.value.hint, "there is no safe one"
        slot = await services.activation.active("llm")
        assert slot is not None and slot.model == f"hf:{SAFE}"
        assert children(configuration) == before, "no process was begun for it"
        assert (await services.configuring.show(f"acme/{name}")).consents == ()
    assert not marker.exists()


async def consent_of(services: Services, name: str) -> list[tuple[str, str, str]]:
    report = await services.configuring.show(name)
    return [(one.path, one.model, one.by) for one in report.consents]


async def test_a_consent_is_for_one_file_and_recorded(configure: Configure) -> None:
    async with home(configure(**TORCH)) as services:
        await install(services, PICKLE, "acme/older")
        with pytest.raises(PickleError, match=r"pytorch_model.bin of .* is a pickle file") as told:
            await services.activation.activate(PICKLE)
        assert told.value.hint and "Look for a safetensors version" in told.value.hint
        assert (await services.activation.preview(PICKLE)).pickle
        assert await consent_of(services, PICKLE) == [], "to look agrees to nothing"

        done = await services.activation.activate(PICKLE, consent=True)
        assert (done.status, done.runtime) == ("active", "torch")
        agreed = [("pytorch_model.bin", f"hf:{PICKLE}", getpass.getuser())]
        assert await consent_of(services, PICKLE) == agreed
        assert not (await services.activation.preview(PICKLE)).pickle
        assert (await services.activation.reload("llm")).status == "active"
        with pytest.raises(PickleError, match=r"pytorch_model.pt of .* is a pickle file"):
            await services.activation.switch("acme/older")
        await services.activation.deactivate("llm")
        assert (await services.activation.activate(PICKLE)).status == "active"

        await services.configuring.refuse_pickles(PICKLE)
        assert await consent_of(services, PICKLE) == []
        with pytest.raises(PickleError):
            await services.activation.reload("llm")


async def test_other_bytes_under_the_same_name_are_asked_for_anew(
    configure: Configure, hub: DemoHub
) -> None:
    async with home(configure(**TORCH)) as services:
        await install(services, PICKLE)
        await services.activation.activate(PICKLE, consent=True)
        await services.activation.deactivate("llm")
        hub.put(model("pickle", honest(older=True), "pytorch_model.bin"))
        await services.repositories.details(PICKLE, refresh=True)
        await install(services, PICKLE)
        with pytest.raises(PickleError):
            await services.activation.activate(PICKLE)


async def test_the_way_to_a_safe_copy_is_named(configure: Configure) -> None:
    async with home(configure(**TORCH)) as services:
        job = await services.downloads.start("acme/both", variant="pickle")
        await services.downloads.wait(job.id)
        with pytest.raises(PickleError) as told:
            await services.activation.activate("acme/both")
        assert told.value.hint
        assert "`tui-hub download hf:acme/both --variant safetensors`" in told.value.hint
        await install(services, "acme/both")
        with pytest.raises(PickleError) as told:
            await services.activation.activate("acme/both", variant="pickle")
        assert told.value.hint and "`--variant safetensors`" in told.value.hint
        done = await services.activation.activate("acme/both")
        assert done.status == "active", "it goes before the pickle"


async def test_a_server_gets_no_disguised_pickle(
    configure: Configure, tmp_path: Path, marker: Path
) -> None:
    words = [sys.executable, str(SCRIPT), "{port}", "--model", "{path}"]
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f"[runtime.commands.tiny]\ncommand = {words!r}\n"
        f'[runtime.commands.bold]\ncommand = {words!r}\nformats = ["pickle"]\n'
    )
    configuration = configure(**TORCH)
    async with home(configuration) as services:
        await install(services, "acme/disguised", "acme/evil", "acme/evil-gguf", PICKLE)
        await install(services, "acme/evil-head")
        for name in ("disguised", "evil-gguf"):
            with pytest.raises(UnsafeError, match="is a pickle, whatever its name says"):
                await services.activation.activate(f"acme/{name}", runtime="tiny")
        with pytest.raises(UnsafeError, match="nobody can tell how tiny loads them"):
            await services.activation.activate(PICKLE, runtime="tiny", consent=True)
        for name in ("evil", "evil-head"):
            with pytest.raises(UnsafeError, match=r"asks for posix.system"):
                await services.activation.activate(f"acme/{name}", runtime="bold")
        assert children(configuration) == []
        done = await services.activation.activate(PICKLE, runtime="bold")
        assert done.status == "active", "its settings name pickles"
    assert not marker.exists()


async def test_ollama_is_given_gguf_alone(configure: Configure) -> None:
    server = OllamaServer()
    try:
        server.daemon = []
        async with home(configure(**TORCH, OLLAMA_HOST=f"127.0.0.1:{server.port}")) as services:
            await install(services, "acme/evil-gguf")
            with pytest.raises(UnsafeError, match="is a pickle, whatever its name says"):
                await services.activation.activate("acme/evil-gguf", runtime="ollama")
        assert not [path for path in server.paths() if "blobs" in path]
    finally:
        server.close()
