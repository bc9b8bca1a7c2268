"""`tui-hub gpus`, as a process of its own that loads the driver by the loader's own rules."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import pytest
from command_line import Program
from nvml_driver import GIB, StubDriver, environment_without_driver, sleeper

KEYS = {"index", "uuid", "name", "memory", "utilization", "temperature", "power", "processes"}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "home", {"HF_HUB_OFFLINE": "1"})


def test_the_document(program: Program, driver: StubDriver) -> None:
    with sleeper() as child:
        driver.two_gpus(compute=f"{child}:3000,4194300:na")
        driver.gpu(1, fail=15)
        ran = program.json("gpus", **driver.environment)
    assert ran.code == 0, ran.err
    assert ran.document["error"] is None
    first, second = ran.document["gpus"]
    assert set(first) >= KEYS and set(second) >= KEYS
    assert first["uuid"] == "GPU-aaaa" and first["index"] == 0 and first["power"] == 312.345
    assert first["memory"] == {
        "total": 150_754_820_096,
        "used": 65_712_117_003,
        "free": 84_500_000_007,
        "reserved": 542_703_086,
    }
    sleeping, hidden = first["processes"]
    assert sleeping["name"] == "sleep" and sleeping["user"]
    assert (sleeping["pid"], sleeping["memory"], sleeping["slot"]) == (child, 3000, None)
    assert (hidden["pid"], hidden["name"], hidden["user"]) == (4_194_300, None, None)
    assert (hidden["memory"], hidden["visible"]) == (None, False)
    assert second["memory"] == dict.fromkeys(("total", "used", "free", "reserved"))
    assert second["error"].startswith("lost: ")
    host = ran.document["host"]
    assert host["memory"]["total"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 <= host["cpu"] <= 100
    assert 0 < host["disk"]["free"] <= host["disk"]["total"]


def test_people_get_a_table_with_the_processes(program: Program, driver: StubDriver) -> None:
    with sleeper() as child:
        driver.two_gpus(compute=f"{child}:{30 * GIB},4194300:na")
        ran = program("gpus", **driver.environment)
    assert ran.code == 0, ran.err
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[:2] == [
        "GPU NAME USED FREE RESERVED BUSY TEMP POWER ERROR",
        "0 NVIDIA H200 61.2/140.4 GiB 78.7 GiB 517.6 MiB 78% 54°C 312/700 W",
    ]
    assert lines[4:8] == [
        "GPU PID USER MEMORY SLOT PROCESS",
        f"0 {child} {getpass.getuser()} 30.0 GiB sleep",
        "0 4194300 - - host pid 4194300 (not visible here)",
        "1 - - 12.0 GiB processes that cannot be seen from here",
    ]
    assert program("gpus", "-q", **driver.environment).out == "GPU-aaaa\nGPU-bbbb\n"


def test_no_driver_is_no_error(program: Program, tmp_path: Path) -> None:
    nothing = environment_without_driver(tmp_path / "nothing")
    ran = program.json("gpus", **nothing)
    assert ran.code == 0, ran.err
    assert ran.document["gpus"] == []
    assert ran.document["error"] == "no GPU: no NVIDIA driver is installed"
    plain = program("gpus", **nothing)
    assert plain.code == 0
    assert plain.out.startswith("no GPU: no NVIDIA driver is installed\n\nmemory  ")
    assert "Traceback" not in plain.err + ran.err


def test_a_driver_that_fails_is_told(program: Program, driver: StubDriver) -> None:
    driver.tell(nvmlInitWithFlags=18)
    ran = program.json("gpus", **driver.environment)
    assert ran.code == 0
    assert ran.document["error"].startswith("reboot for the GPU: the NVIDIA driver was upgraded")
