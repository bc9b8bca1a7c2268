"""What the doctor finds on a box: the network, the GPUs, torch, the disks, the terminal."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path

import psutil
import pytest
from examining import ERROR, OK, WARNING, errors, examined, of, server, the
from homes import Configure
from nvml_driver import StubDriver

from tui_hub.blobs import BlobStore
from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.doctor import Finding
from tui_hub.domain.errors import HubError
from tui_hub.services import hardware
from tui_hub.services.doctor.checks import Check, run
from tui_hub.services.doctor.findings import ok

UTF8 = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with nothing but the standard library."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return str(folder / "bin" / "python")


async def test_a_box_in_order(
    configure: Configure, hub: DemoHub, driver: StubDriver, tmp_path: Path
) -> None:
    driver.two_gpus()
    configuration = configure(HF_TOKEN=hub.token, **UTF8)
    BlobStore(configuration.paths.store).prepare()
    found = await examined(configuration)
    assert {finding.status for finding in found} == {OK}
    assert {finding.check for finding in found} == {
        "settings", "terminal", "network", "clock", "token", "gpu", "torch", "disk", "store",
        "processes", "database", "schedule", "feeds", "agent", "slots", "jobs",
    }  # fmt: skip
    assert the(found, "token").message == "accepted, for the account demo-member"
    assert [one.message for one in of(found, "gpu")] == [
        "GPU 0 NVIDIA H200: 78.7 GiB free of 140.4 GiB",
        "GPU 1 NVIDIA H200: 127.6 GiB free of 140.4 GiB",
    ]
    assert list(configuration.paths.store.joinpath("temp").iterdir()) == []
    assert hub.token not in repr(found)


# Checks -----------------------------------------------------------------------------------------


async def test_a_check_that_fails_or_hangs_keeps_what_it_found_before() -> None:
    async def hangs() -> AsyncIterator[Finding]:
        yield ok("first", "fine")
        await asyncio.Event().wait()

    async def refuses() -> AsyncIterator[Finding]:
        raise HubError("no", hint="Do this.")
        yield

    async def stumbles() -> AsyncIterator[Finding]:
        yield ok("third", "fine")
        raise ZeroDivisionError("a fault")

    looks = (hangs, refuses, stumbles)
    found = await run([Check(look.__name__, look, 0.1) for look in looks])
    assert [(one.check, one.status, one.message) for one in found] == [
        ("first", OK, "fine"),
        ("hangs", ERROR, "no answer within 0 s"),
        ("refuses", ERROR, "no"),
        ("third", OK, "fine"),
        ("stumbles", ERROR, "this could not be looked at: ZeroDivisionError: a fault"),
    ]
    assert found[2].mend == "Do this."


# Network ----------------------------------------------------------------------------------------


async def test_a_hub_that_is_down_is_no_fault_of_this_box(
    configure: Configure, hub: DemoHub
) -> None:
    hub.faults.offline = True
    found = await examined(configure(HF_TOKEN=hub.token))
    network = the(found, "network")
    assert (network.status, errors(found)) == (WARNING, set())
    assert "cannot be reached" in network.message
    assert network.mend is not None and "What is here works without it." in network.mend


async def test_offline_is_said_and_nothing_is_asked(configure: Configure, hub: DemoHub) -> None:
    found = await examined(configure(HF_HUB_OFFLINE="1"))
    network = the(found, "network")
    assert (network.status, len(hub.requests)) == (OK, 0)
    assert "offline" in network.message


async def test_a_server_that_never_answers(configure: Configure) -> None:
    async with server(None) as endpoint:
        started = time.monotonic()
        found = await examined(configure(HF_ENDPOINT=endpoint, TUI_HUB_NETWORK__TIMEOUT="0.5"))
        assert time.monotonic() - started < 10
    network = the(found, "network")
    assert (network.status, "no answer within" in network.message) == (WARNING, True)
    assert the(found, "slots").status is OK


async def test_a_proxy_is_said(configure: Configure, hub: DemoHub) -> None:
    async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]") as proxy:
        found = await examined(configure(http_proxy=proxy.replace("//", "//user:secret-word@")))
    network = the(found, "network")
    assert (network.status, "answers through a proxy in" in network.message) == (OK, True)
    assert len(hub.requests) == 0
    assert "secret-word" not in repr(found)
    gone = the(await examined(configure(http_proxy=proxy)), "network")
    assert (gone.status, "proxy" in str(gone.mend)) == (WARNING, True)


async def test_an_endpoint_that_is_none(configure: Configure) -> None:
    network = the(await examined(configure(HF_ENDPOINT="ftp://hub")), "network")
    assert (network.status, "HF_ENDPOINT" in network.message) == (ERROR, True)


@pytest.mark.parametrize(("off", "words"), [(3630.0, " behind "), (-330.0, " ahead of ")])
async def test_a_clock_that_is_wrong(configure: Configure, off: float, words: str) -> None:
    date = formatdate(time.time() + off, usegmt=True)
    head = f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json\r\n"
    answer = f"{head}Content-Length: 2\r\n\r\n[]".encode()
    async with server(answer) as endpoint:
        found = await examined(configure(HF_ENDPOINT=endpoint))
    clock = the(found, "clock")
    assert (clock.status, words in clock.message) == (ERROR, True)
    assert the(found, "network").status is OK


async def test_a_token_that_the_hub_does_not_know(configure: Configure, hub: DemoHub) -> None:
    secret = "hf_ThisTokenIsLongExpired00"
    found = await examined(configure(HF_TOKEN=secret))
    token = the(found, "token")
    assert (token.status, token.mend is not None) == (ERROR, True)
    assert "hf auth login" in str(token.mend)
    assert the(found, "network").status is OK
    assert secret not in repr(found)


async def test_no_token_and_a_whoami_that_fails(configure: Configure, hub: DemoHub) -> None:
    token = the(await examined(configure()), "token")
    assert (token.status, "HF_TOKEN" in str(token.mend)) == (OK, True)
    hub.faults.add(Fault(FaultKind.HTML, path="/api/whoami-v2", times=-1))
    token = the(await examined(configure(HF_TOKEN=hub.token)), "token")
    assert (token.status, "could not be tried" in token.message) == (WARNING, True)


@pytest.mark.parametrize(("mode", "status"), [(0o644, WARNING), (0o600, OK)])
async def test_tokens_in_files_that_others_may_read(
    configure: Configure, tmp_path: Path, mode: int, status: object
) -> None:
    home, login = tmp_path / "home", tmp_path / "hf-home"
    home.mkdir()
    login.mkdir()
    for file in (home / "config.toml", login / "token"):
        file.write_text("# hf_AbcdefghIjklmnopQrst\n")
        file.chmod(mode)
    found = await examined(configure(HF_HUB_OFFLINE="1"))
    assert of(found, "settings")[-1].status is status
    assert [one.status for one in of(found, "token")] == ([WARNING] if status is WARNING else [])
    assert "hf_Abc" not in repr(found)


# GPUs and torch ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "mend"),
    [
        (None, WARNING, "NVIDIA's driver"),
        (9, ERROR, "modprobe"),
        (18, ERROR, "Reboot"),
        (4, ERROR, "/dev/nvidia"),
        (999, ERROR, "--gpus all"),
        (3, ERROR, "nvidia-smi"),
    ],
)
async def test_a_driver_that_fails(
    configure: Configure, driver: StubDriver, code: int | None, status: object, mend: str
) -> None:
    driver.tell(nvmlInitWithFlags=code, count=0)
    gpu = the(await examined(configure(HF_HUB_OFFLINE="1")), "gpu")
    assert (gpu.status, mend in str(gpu.mend)) == (status, True)


async def test_one_gpu_that_is_lost(configure: Configure, driver: StubDriver) -> None:
    driver.two_gpus()
    driver.gpu(1, fail=15)
    first, second = of(await examined(configure(HF_HUB_OFFLINE="1")), "gpu")
    assert (first.status, second.status) == (OK, ERROR)
    assert "Reboot" in str(second.mend)


async def test_a_driver_that_hangs(
    configure: Configure, driver: StubDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_PATIENCE", 0.3)
    driver.two_gpus()
    driver.tell(hang="nvmlDeviceGetCount_v2")
    try:
        found = await examined(configure(HF_HUB_OFFLINE="1"))
    finally:
        driver.tell(hang=None)
    gpu = the(found, "gpu")
    assert (gpu.status, gpu.message.startswith("GPU driver hangs")) == (ERROR, True)
    assert the(found, "slots").status is OK


async def test_a_python_without_torch(configure: Configure, bare: str) -> None:
    found = await examined(configure(HF_HUB_OFFLINE="1", TUI_HUB_RUNTIME__PYTHON=bare))
    torch = the(found, "torch")
    assert (torch.status, torch.mend) == (WARNING, f"`{bare} -m pip install torch`")
    gone = await examined(configure(HF_HUB_OFFLINE="1", TUI_HUB_RUNTIME__PYTHON="/no/python"))
    assert (the(gone, "torch").status, "cannot be run" in the(gone, "torch").message) == (
        ERROR,
        True,
    )


async def test_a_torch_that_cannot_be_imported(
    configure: Configure, bare: str, tmp_path: Path
) -> None:
    (tmp_path / "site" / "torch").mkdir(parents=True)
    code = "raise ImportError('libcudart.so.12: cannot open shared object file')"
    (tmp_path / "site" / "torch" / "__init__.py").write_text(code)
    configuration = configure(
        HF_HUB_OFFLINE="1",
        TUI_HUB_RUNTIME__PYTHON=bare,
        TUI_HUB_RUNTIME__USE="auto",
        PYTHONPATH=str(tmp_path / "site"),
    )
    torch = the(await examined(configuration), "torch")
    assert (torch.status, "libcudart.so.12: cannot open" in torch.message) == (ERROR, True)
    assert not _children(configuration.paths.state)


async def test_a_torch_without_cuda_beside_a_gpu(configure: Configure, driver: StubDriver) -> None:
    driver.two_gpus()
    configuration = configure(HF_HUB_OFFLINE="1", TUI_HUB_RUNTIME__USE="auto")
    torch = the(await examined(configuration), "torch")
    assert (torch.status, "for the processor alone" in torch.message) == (WARNING, True)
    assert "https://pytorch.org" in str(torch.mend)
    assert not _children(configuration.paths.state)


def _children(folder: Path) -> list[psutil.Process]:
    """Processes whose working directory is in a folder."""
    found = psutil.process_iter(["cwd"])
    return [one for one in found if (one.info["cwd"] or "").startswith(str(folder))]


# Disks ------------------------------------------------------------------------------------------


async def test_a_disk_that_is_nearly_full(configure: Configure) -> None:
    full = await examined(configure(HF_HUB_OFFLINE="1", TUI_HUB_STORE__RESERVE=str(2**60)))
    assert [one.status for one in of(full, "disk")] == [ERROR, ERROR]
    free = os.statvfs("/tmp").f_bavail * os.statvfs("/tmp").f_frsize
    scarce = str(free - 600 * 1024**2)
    found = await examined(configure(HF_HUB_OFFLINE="1", TUI_HUB_STORE__RESERVE=scarce))
    assert [one.status for one in of(found, "disk")] == [OK, WARNING]


async def test_what_a_file_system_cannot_do(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = configure(HF_HUB_OFFLINE="1")
    BlobStore(configuration.paths.store).prepare()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    found = of(await examined(configuration), "store")
    assert [one.status for one in found] == [WARNING, WARNING]
    assert "hard links" in found[0].message
    assert "locks hold nobody back" in found[1].message


async def test_a_store_that_everybody_may_write(configure: Configure) -> None:
    configuration = configure(HF_HUB_OFFLINE="1")
    BlobStore(configuration.paths.store).prepare()
    configuration.paths.store.chmod(0o777)
    found = of(await examined(configuration), "store")
    assert [one.status for one in found] == [OK, WARNING, OK]
    assert "chmod o-w" in str(found[1].mend)
    configuration.paths.store.chmod(0o1770)
    assert "sticky bit" in of(await examined(configuration), "store")[1].message


async def test_a_store_that_is_no_store(configure: Configure) -> None:
    configuration = configure(HF_HUB_OFFLINE="1")
    store = BlobStore(configuration.paths.store)
    store.prepare()
    (store.root / "VERSION").write_text("999\n")
    newer = the(await examined(configuration), "store")
    assert (newer.status, "layout" in newer.message) == (ERROR, True)
    (store.root / "VERSION").write_text("1\n")
    store.temp.rename(store.root.with_name("elsewhere"))
    store.temp.symlink_to(store.root.with_name("elsewhere"))
    torn = the(await examined(configuration), "store")
    assert (torn.status, "not a plain folder on the file system" in torn.message) == (ERROR, True)
    nowhere = configure(HF_HUB_OFFLINE="1", MODEL_STORE_PATH=str(store.root / "VERSION" / "store"))
    missing = the(await examined(nowhere), "store")
    assert (missing.status, "cannot be made" in missing.message) == (ERROR, True)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: mounting needs root")
@pytest.mark.parametrize("fault", ["full", "read-only"])
async def test_a_store_that_cannot_be_written(
    configure: Configure, tmp_path: Path, fault: str
) -> None:
    point = tmp_path / "mounted"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", point], check=True)
    try:
        BlobStore(point / "store").prepare()
        if fault == "read-only":
            subprocess.run(["mount", "-o", "remount,ro", point], check=True)
        else:
            with (point / "filler").open("wb", buffering=0) as file, pytest.raises(OSError):
                while True:
                    file.write(b"x" * 4096)
        configuration = configure(HF_HUB_OFFLINE="1", MODEL_STORE_PATH=str(point / "store"))
        found = await examined(configuration)
    finally:
        subprocess.run(["umount", "-l", point], check=True)
    store = the(found, "store")
    assert store.status is ERROR
    assert ("cannot be written" if fault == "read-only" else "no room left") in store.message


# Terminal ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "statuses"),
    [
        ({"TERM": "xterm-256color", "LANG": "de_DE.UTF-8"}, [OK, OK]),
        ({"TERM": "dumb", "LANG": "C.utf8"}, [WARNING, OK]),
        ({"LC_ALL": "C", "LANG": "C.UTF-8"}, [WARNING, WARNING]),
        ({"TERM": "linux", "TUI_HUB_SCREEN__ASCII": "true"}, [OK, OK]),
    ],
)
async def test_terminals(
    configure: Configure, environment: dict[str, str], statuses: list[object]
) -> None:
    found = of(await examined(configure(HF_HUB_OFFLINE="1", **environment)), "terminal")
    assert [one.status for one in found] == statuses
    assert all(one.mend for one in found if one.status is WARNING)
