"""What the doctor finds of the box itself: its GPUs, torch, disks and terminal."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from examining import ERROR, OK, WARNING, examined, of, the
from homes import Configure
from nvml_driver import StubDriver

from tui_hub.blobs import BlobStore
from tui_hub.services import hardware


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with nothing but the standard library."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return str(folder / "bin" / "python")


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
    monkeypatch.setattr(hardware, "_PATIENCE", 1.0)
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


FAKE_TORCH = """
class version:
    cuda = "13.0"
class cuda:
    is_available = staticmethod(lambda: False)
__version__ = "2.13.0"
"""
"""All that is asked of a torch before it loads anything."""


@pytest.mark.parametrize(("runs", "told"), [(12040, True), (13000, False), (None, False)])
async def test_a_torch_for_a_newer_cuda_than_the_driver_runs(
    configure: Configure,
    driver: StubDriver,
    bare: str,
    tmp_path: Path,
    runs: int | None,
    told: bool,
) -> None:
    driver.two_gpus()
    driver.tell(cuda=runs)
    (tmp_path / "site" / "torch").mkdir(parents=True)
    (tmp_path / "site" / "torch" / "__init__.py").write_text(FAKE_TORCH)
    found = await examined(
        configure(
            HF_HUB_OFFLINE="1",
            TUI_HUB_RUNTIME__PYTHON=bare,
            TUI_HUB_RUNTIME__USE="auto",
            PYTHONPATH=str(tmp_path / "site"),
        )
    )
    assert the(found, "driver").message.startswith("version 580.65.06")
    assert ("it runs CUDA up to 12.4" in the(found, "driver").message) is told
    torch = the(found, "torch")
    assert (torch.status, "Update the driver" in str(torch.mend)) == (ERROR, True), torch
    assert ("ends with CUDA 12.4" in torch.message) is told


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


async def test_who_may_read_and_write_a_home(configure: Configure) -> None:
    configuration = configure(HF_HUB_OFFLINE="1")
    home = configuration.paths.hub_database.parent
    assert the(await examined(configuration), "permissions").status is OK
    home.chmod(0o777)
    configuration.paths.hub_database.chmod(0o644)
    folder, database = of(await examined(configuration), "permissions")
    assert (folder.status, folder.mend) == (WARNING, f"`chmod go-w {home}`")
    assert (database.status, "may read" in database.message) == (WARNING, True)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: giving a file away needs root")
async def test_a_home_that_sudo_left_behind(configure: Configure) -> None:
    configuration = configure(HF_HUB_OFFLINE="1")
    assert the(await examined(configuration), "permissions").status is OK
    os.chown(configuration.paths.catalogue_database, 12345, -1)
    (found,) = of(await examined(configuration), "permissions")
    assert "belongs to another user" in found.message and "chown" in str(found.mend)


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
