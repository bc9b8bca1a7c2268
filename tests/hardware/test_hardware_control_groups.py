"""Memory in a container: what its control group allows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui_hub.hardware.control_groups import Allowance, tightest

MIB = 2**20
GROUPS = Path("/sys/fs/cgroup/memory")


def group(folder: Path, names: tuple[str, str], limit: str, used: int, files: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    prefix = "total_" if "limit" in names[0] else ""
    (folder / "memory.stat").write_text(
        f"{prefix}inactive_file {files}\n{prefix}active_file 5\nodd\n"
    )


V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")
V2 = ("memory.max", "memory.current")


def test_the_tightest_of_a_group_and_those_above_it_counts(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("9:name=systemd:/\n0::/box/job\n")
    group(tmp_path / "box" / "job", V2, "max", 10, 0)
    group(tmp_path / "box", V2, str(500 * MIB), 300 * MIB, 100 * MIB - 5)
    group(tmp_path, V2, str(900 * MIB), 100 * MIB, 0)
    assert tightest(membership, tmp_path) == Allowance(500 * MIB, 300 * MIB)


def test_the_older_kind_is_read_too(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("4:cpuset,memory:/job\n")
    group(tmp_path / "memory" / "job", V1, str(100 * MIB), 130 * MIB, 0)
    assert tightest(membership, tmp_path) == Allowance(100 * MIB, 0)


@pytest.mark.parametrize("content", ["", "nonsense", "0::", "4:memory:", "::::"])
def test_no_limit_is_no_allowance(tmp_path: Path, content: str) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text(content)
    assert tightest(membership, tmp_path) is None
    assert tightest(tmp_path / "missing", tmp_path) is None


@pytest.fixture
def limited() -> Iterator[Path]:
    """A real group of 600 MiB."""
    ours = GROUPS / f"tui-hub-test-{os.getpid()}"
    try:
        ours.mkdir()
        (ours / "memory.limit_in_bytes").write_text(str(600 * MIB))
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error.strerror}")
    yield ours
    ours.rmdir()


@pytest.mark.root
def test_a_real_group_is_what_the_box_has(limited: Path, tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "Path(sys.argv[1], 'cgroup.procs').write_text(str(os.getpid()))\n"
        "from tui_hub.hardware import HostProbe\n"
        "sample = HostProbe(Path(sys.argv[2])).read()\n"
        "print(sample.memory_total, sample.memory_used)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, limited, tmp_path], capture_output=True, text=True, check=True
    )
    total, used = map(int, ran.stdout.split())
    assert total == 600 * MIB and 0 < used < 300 * MIB
