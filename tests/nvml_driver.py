"""A driver library without a GPU, compiled for the tests, and the real binding made to load it."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pynvml
import pytest

SOURCE = Path(__file__).parent / "hardware" / "nvml_stub.c"
LIBRARY = "libnvidia-ml.so.1"
GIB = 1024**3


def build(folder: Path, version: int = 580) -> Path:
    """Compile the library of a driver; skips the test where there is no compiler."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed, and the driver of these tests has to be compiled")
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-DDRIVER={version}",
         f"-Wl,-soname,{LIBRARY}", "-o", folder / LIBRARY, SOURCE],
        check=True,
    )  # fmt: skip
    return folder


def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the binding find no library at all."""

    def missing(name: str) -> ctypes.CDLL:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(pynvml, "CDLL", missing)
    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})


class StubDriver:
    """What the library tells, which a test may change at any time."""

    def __init__(self, library: Path, folder: Path) -> None:
        folder.mkdir()
        self._library = library
        self._state, self._calls = folder / "state", folder / "calls"
        self._told: dict[str, object] = {}

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the binding of this process find the library."""
        monkeypatch.setattr(pynvml, "CDLL", lambda name: ctypes.CDLL(self._library / name))
        for name in ("NVML_STUB_STATE", "NVML_STUB_CALLS"):
            monkeypatch.setenv(name, self.environment[name])
        self.tell()

    @property
    def environment(self) -> dict[str, str]:
        """What a child needs to find it."""
        return {
            "LD_LIBRARY_PATH": str(self._library),
            "NVML_STUB_STATE": str(self._state),
            "NVML_STUB_CALLS": str(self._calls),
        }

    def tell(self, **figures: object) -> None:
        """Change figures of the whole, codes of functions among them; `None` takes one away."""
        self._told |= figures
        new = self._state.with_suffix(".new")
        told = (f"{key}={value}\n" for key, value in self._told.items() if value is not None)
        new.write_bytes("".join(told).encode("utf-8", "surrogateescape"))
        new.replace(self._state)

    def gpu(self, device: object, /, **figures: object) -> None:
        """Change figures of a GPU (`0`) or a slice (`"0.1"`)."""
        self.tell(**{f"{device}.{key}": value for key, value in figures.items()})

    def two_gpus(self, **processes: str) -> None:
        """Two GPUs in use, no two figures of which are alike."""
        self.gpu(
            0, uuid="GPU-aaaa", name="NVIDIA H200", total=150_754_820_096, used=65_712_117_003,
            free=84_500_000_007, reserved=542_703_086, utilization=78, temperature=54,
            power=312_345, limit=700_000, mig=0, **processes,
        )  # fmt: skip
        self.gpu(
            1, uuid="GPU-bbbb", name="NVIDIA H200", total=150_754_820_095, used=12_884_901_888,
            free=137_000_000_001, reserved=869_918_206, utilization=3, temperature=31,
            power=76_500, limit=699_000, mig=0,
        )  # fmt: skip
        self.tell(count=2)

    def calls(self) -> Counter[str]:
        """How often each function was called for each device, as `function device`."""
        return Counter(self._calls.read_text().splitlines() if self._calls.exists() else ())

    def forget_calls(self) -> None:
        """Count anew."""
        self._calls.unlink(missing_ok=True)


def environment_without_driver(folder: Path) -> dict[str, str]:
    """What a child needs to find no driver, on whatever machine."""
    folder.mkdir()
    (folder / LIBRARY).write_bytes(b"no library")
    return {"LD_LIBRARY_PATH": str(folder)}


@contextmanager
def sleeper(program: str | Path = "sleep") -> Iterator[int]:
    """The pid of a process of this user, for the driver to name."""
    with subprocess.Popen([program, "600"], env={"PATH": os.environ["PATH"]}) as process:
        try:
            yield process.pid
        finally:
            process.kill()
